"""The classifier's process: how often it is right without a model, what it costs, and that no fault of it is a message's."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from openclaw_brain.routing import Classifier, decide_agent
from openclaw_brain.routing.classifier import ENVIRONMENT
from openclaw_brain.routing.classifier_model import WEIGHTS, examples
from openclaw_brain.routing.classifier_process import EXIT_NOT_INSTALLED
from openclaw_cli.eval.labelled_file import read_labelled
from openclaw_cli.eval.routing import report, route_all
from openclaw_core.roles.values import Roles
from openclaw_core.tasks.outcome import Decision
from tests.brain.routing.scripted_chat import ScriptedChat
from tests.brain.routing.test_sets import SETS, rows_of

READY = 'import sys, json, time; print(json.dumps({"ready": True}), flush=True)\n'


def scripted(body: str, *, answer_timeout_s: float = 5.0) -> Classifier:
    """A classifier whose process runs *body* instead."""
    return Classifier(command=(sys.executable, "-c", body), answer_timeout_s=answer_timeout_s, start_timeout_s=20)


@pytest.fixture
async def classifier() -> AsyncIterator[Classifier]:
    one = Classifier(answer_timeout_s=20, start_timeout_s=60)  # generous: tests share a busy machine
    yield one
    await one.close()


@pytest.mark.parametrize("name", ["dev.jsonl", "held_out.jsonl", "hard.jsonl"])
async def test_without_a_model_english_is_right_in_85_and_hebrew_in_70_of_100(
    classifier: Classifier, roles: Roles, name: str
) -> None:
    results = await route_all(read_labelled(SETS / name), roles=roles, chat=None, classifier=classifier)
    found = report(results, took_s=1)
    assert found["by_language"]["en"] >= 0.85
    assert found["by_language"]["he"] >= 0.70
    assert found["by_language"].get("mix", 1) >= 0.70
    assert found["by_decision"]["rule"] >= 0.9


def test_no_example_stands_in_a_labelled_set() -> None:
    measured = {
        row["text"].strip().lower() for name in ("dev.jsonl", "held_out.jsonl", "hard.jsonl") for row in rows_of(name)
    }
    shared = {example.text.strip().lower() for example in examples()} & measured
    # A greeting is a greeting wherever it is written.
    assert {text for text in shared if len(text.split()) > 2} == set()


def test_there_are_at_least_300_hebrew_and_200_english_examples() -> None:
    found = examples()
    assert sum(example.lang == "he" for example in found) >= 300
    assert sum(example.lang == "en" for example in found) >= 200


@pytest.mark.slow
def test_weights_are_those_that_the_examples_make_now(tmp_path: Path) -> None:
    again = tmp_path / "weights.npz"
    # in a process of its own, since the number of threads is read when numpy is imported
    subprocess.run(
        [sys.executable, "-m", "openclaw_brain.routing.classifier_model", str(again)], env=ENVIRONMENT, check=True
    )
    with np.load(again) as made, np.load(WEIGHTS) as stored:
        assert made["weights"].shape == stored["weights"].shape, (
            "run: python -m openclaw_brain.routing.classifier_model"
        )
        assert np.allclose(made["weights"], stored["weights"], atol=1e-3), (
            "run: python -m openclaw_brain.routing.classifier_model"
        )


async def test_process_stays_under_200_mb(classifier: Classifier) -> None:
    await classifier.scores("סכם לי " + "מילה " * 2000)
    status = Path(f"/proc/{classifier.pid}/status")
    if not status.exists():
        pytest.skip("needs /proc")
    peak_kb = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    assert peak_kb < 200_000


async def test_classifier_decides_what_the_model_could_not(classifier: Classifier, roles: Roles) -> None:
    routed = await decide_agent(
        "why won't my page load after the last change", explicit=None, previous=None, roles=roles,
        chat=ScriptedChat([{"role": "nobody"}]), classifier=classifier,
    )  # fmt: skip
    assert (routed.role, routed.decision) == ("coder", Decision.CLASSIFIER)


async def test_dead_process_is_started_again(classifier: Classifier) -> None:
    assert await classifier.scores("fix my loop") is not None
    first = classifier.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(60):
        while (answer := await classifier.scores("fix my loop")) is None:
            await asyncio.sleep(0.05)
    assert answer["coder"] > 0
    assert classifier.pid != first


async def test_process_that_does_not_answer_has_no_opinion(roles: Roles) -> None:
    classifier = scripted(READY + "time.sleep(60)", answer_timeout_s=0.05)
    assert await classifier.scores("anything") is None
    routed = await decide_agent(
        "ceramic vs stainless pans", explicit=None, previous=None, roles=roles, chat=None, classifier=classifier
    )  # fmt: skip
    assert (routed.role, routed.decision) == (roles.default, Decision.DEFAULT)
    await classifier.close()


@pytest.mark.parametrize(
    "body",
    [
        "raise SystemExit(3)",
        "print('not json')",
        "print('{}')",
        "print('[]')",
        READY + "sys.stdin.readline(); raise SystemExit(1)",
        READY + "sys.stdin.readline(); print('garbage', flush=True); time.sleep(60)",
        READY + "sys.stdin.readline(); print('7', flush=True); time.sleep(60)",
        READY + """sys.stdin.readline(); print('{"n": 1, "scores": "x"}', flush=True); time.sleep(60)""",
    ],
    ids=range(8),
)
async def test_broken_process_has_no_opinion_and_is_not_left_behind(body: str) -> None:
    classifier = scripted(body)
    assert await classifier.scores("anything") is None
    await classifier.close()
    assert classifier.pid is None


async def test_missing_package_is_found_once() -> None:
    classifier = scripted(f"raise SystemExit({EXIT_NOT_INSTALLED})")
    assert await classifier.scores("anything") is None
    assert await classifier.scores("anything") is None
    assert classifier._running is not None
    assert classifier._running.done()


async def test_process_that_keeps_dying_is_not_started_with_each_message() -> None:
    now = 100.0
    classifier = scripted("raise SystemExit(3)")
    classifier.clock = lambda: now
    starts = 0
    for _ in range(20):
        running = classifier._running
        await classifier.scores("anything")
        starts += classifier._running is not running
    assert starts == 2  # one at once, then only after a pause
    await classifier.close()


async def test_questions_asked_together_get_their_own_answers() -> None:
    echo = READY + "for line in sys.stdin:\n r = json.loads(line); print(json.dumps({'n': r['n'], 'scores': {r['text']: 1.0}}), flush=True)"  # fmt: skip
    classifier = scripted(echo)
    answers = await asyncio.gather(*(classifier.scores(f"t{i}") for i in range(40)))
    assert answers == [{f"t{i}": 1.0} for i in range(40)]
    await classifier.close()


async def test_score_for_a_role_that_does_not_exist_ends_in_the_default(roles: Roles) -> None:
    classifier = scripted(
        READY + """n = json.loads(sys.stdin.readline())["n"]; print(json.dumps({"n": n, "scores": {"admin": 9}}), flush=True); time.sleep(60)"""
    )  # fmt: skip
    routed = await decide_agent(
        "ceramic vs stainless pans", explicit=None, previous=None, roles=roles, chat=None, classifier=classifier
    )  # fmt: skip
    assert (routed.role, routed.decision) == (roles.default, Decision.DEFAULT)
    await classifier.close()


async def test_process_gets_no_secret_and_ends_with_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "secret-marker")
    classifier = scripted(
        READY + "import os\nn = json.loads(sys.stdin.readline())['n']; print(json.dumps({'n': n, 'scores': {k: 1 for k in os.environ}}), flush=True)\nsys.stdin.read()"
    )  # fmt: skip
    seen = await classifier.scores("anything")
    assert seen is not None
    assert "OPENBLAS_NUM_THREADS" in seen
    assert "GROQ_API_KEY" not in seen
    pid = classifier.pid
    assert pid is not None
    await classifier.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_opened_classifier_starts_nothing_until_asked() -> None:
    async with Classifier.open() as classifier:
        assert classifier.pid is None
        await asyncio.sleep(0)
        assert classifier._running is None
