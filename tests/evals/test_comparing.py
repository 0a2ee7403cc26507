"""Pairs are asked once, kept, paid for within the limit, and left out where nobody could answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from openclaw_cli.eval.answers.answer import Answer
from openclaw_cli.eval.answers.cache import AnswerCache, answer_key, code_files
from openclaw_cli.eval.answers.command import AskedServer
from openclaw_cli.eval.answers.comparing import FAULTS_IN_A_ROW_MAX, GATE_PAIRS, Comparing, Left, Progress, samples_of
from openclaw_cli.eval.answers.graders.grader import CannotGrade
from openclaw_cli.eval.answers.grading import Grade
from openclaw_cli.eval.answers.prices import most_micro_usd
from openclaw_cli.eval.answers.task import AnswerTask
from openclaw_cli.eval.answers.versions import Version, at_revision, work_tree
from openclaw_core.environment import Environment
from openclaw_core.ports import ModelAt
from openclaw_core.roles.values import ModelSpec
from openclaw_core.tasks.task import RoleSnapshot
from tests.evals.answer_values import IGNORES, LANGUAGE, NO_LEAK, answer, change_prompt, repository, task

NEW = "\nBe new."


@pytest.fixture
def versions(tmp_path: Path) -> tuple[Version, Version]:
    folder = repository(tmp_path / "repository")
    for role in ("summarizer", "coder"):
        change_prompt(folder, role, NEW)
    return at_revision(folder, "main"), work_tree(folder)


class Model:
    """Answers tasks, and keeps what it was asked."""

    def __init__(self, say: Callable[[AnswerTask, bool], Answer] = lambda task, new: answer()) -> None:
        self.say = say
        self.asked: list[tuple[str, bool]] = []

    async def ask(self, task: AnswerTask, snapshot: RoleSnapshot, prices: Mapping[str, ModelSpec]) -> Answer:
        new = snapshot.prompt.endswith(NEW)
        self.asked.append((task.id, new))
        await asyncio.sleep(0)  # others are asked meanwhile
        return self.say(task, new)


async def by_word(task: AnswerTask, given: Answer, prompt: str) -> Sequence[Grade]:
    """Passed unless the answer says `bad`, or there is none."""
    return [Grade(kind=check.kind, passed=not given.fault and "bad" not in given.markdown) for check in task.checks]


def comparing(
    versions: tuple[Version, Version],
    model: Model,
    folder: Path,
    *,
    grade: Callable[[AnswerTask, Answer, str], Awaitable[Sequence[Grade]]] = by_word,
    limit_micro_usd: int | None = None,
    parallel: int = 1,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Comparing:
    return Comparing(
        before=versions[0], after=versions[1], ask=model.ask, grade=grade, cache=AnswerCache(folder=folder / "answers"), server="s",
        runner=True, limit_micro_usd=limit_micro_usd, parallel=parallel, tell=tell,
    )  # fmt: skip


def most_of(versions: tuple[Version, Version]) -> int:
    """What one answer of the Summarizer may cost at most."""
    most = [
        most_micro_usd(TASKS[0], one, versions[0].roles.models)
        for version in versions
        if (one := version.snapshot("summarizer"))
    ]
    return max(one for one in most if one is not None)


def test_kept_answers_depend_on_all_that_was_asked_and_where(versions: tuple[Version, Version]) -> None:
    snapshot = versions[0].snapshot("coder")
    assert snapshot is not None
    changes: dict[str, Any] = {
        "prompt": "Another.", "models": ("m",), "tools": ("browser_search",), "functions": (), "temperature": 0.9, "reasoning_effort": "high",
        "max_answer_tokens": 7, "history_tokens": 7, "max_steps": 1, "results_tokens": 7, "seeing": ("m",), "elsewhere": (ModelAt(name="m", id="n"),),
    }  # fmt: skip
    others = [replace(snapshot, **{name: value}) for name, value in changes.items()]
    where: dict[str, Any] = {"server": "s", "sample": 0, "runner": True}
    keys = [
        answer_key(TASKS[0], snapshot, **where), answer_key(TASKS[1], snapshot, **where),
        *(answer_key(TASKS[0], one, **where) for one in others),
        *(answer_key(TASKS[0], snapshot, **where | one) for one in ({"server": "t"}, {"sample": 1}, {"runner": False})),
    ]  # fmt: skip

    assert changes.keys() | {"role", "prompt_sha256"} == {one.name for one in fields(RoleSnapshot)}
    assert len(set(keys)) == len(keys) == len(changes) + 5


def test_servers_are_told_apart_by_every_address() -> None:
    def kept_as(**env: str) -> str:
        read = Environment({"GROQ_API_KEY": "k", **env})
        return AskedServer(name="Groq", scripted=False, servers=read.model_servers()).kept_as

    assert len({kept_as(), kept_as(GROQ_BASE_URL="http://a.example"), kept_as(OLLAMA_BASE_URL="http://b.example")}) == 3


def test_kept_answers_depend_on_all_code_that_makes_them() -> None:
    names = code_files().keys()

    assert {"asking.py", "local_web.py", "source_text.py"} <= names
    assert {"openclaw_agent/prompt.py", "openclaw_core/sealed/client.py", "openclaw_runner/programs/sqlite.py"} <= names


TASKS = [task(str(n)) for n in range(10)]


async def test_both_versions_answer_each_task_once(versions: tuple[Version, Version], tmp_path: Path) -> None:
    model = Model(lambda task, new: answer("bad" if new else "good"))

    found = await comparing(versions, model, tmp_path).compare(TASKS)

    assert sorted(model.asked) == sorted((one.id, new) for one in TASKS for new in (False, True))
    assert [pair.checks.before for pair in found.pairs] == [{"language": True}] * 10
    assert [pair.checks.after for pair in found.pairs] == [{"language": False}] * 10
    assert (found.asked, found.spent_micro_usd) == (20, 2000)


async def test_a_repeat_is_free(versions: tuple[Version, Version], tmp_path: Path) -> None:
    first = await comparing(versions, Model(), tmp_path).compare(TASKS)
    model = Model()
    again = await comparing(versions, model, tmp_path).compare(TASKS)

    assert model.asked == []
    assert again.spent_micro_usd == 0
    assert [pair.after.answer for pair in again.pairs] == [pair.after.answer for pair in first.pairs]


async def test_a_changed_task_is_asked_again_and_the_others_are_not(
    versions: tuple[Version, Version], tmp_path: Path
) -> None:
    await comparing(versions, Model(), tmp_path).compare(TASKS)
    model = Model()
    await comparing(versions, model, tmp_path).compare([*TASKS[1:], task("0", message="Shorten that.")])

    assert model.asked == [("summarizer/0", False), ("summarizer/0", True)]


async def test_the_limit_stops_before_it_is_passed_and_a_repeat_goes_on(
    versions: tuple[Version, Version], tmp_path: Path
) -> None:
    limit = 5 * most_of(versions)
    model = Model(lambda task, new: answer(micro_usd=most_of(versions)))
    found = await comparing(versions, model, tmp_path, limit_micro_usd=limit).compare(TASKS)
    rest = await comparing(versions, model, tmp_path).compare(TASKS)

    assert found.spent_micro_usd == limit
    assert found.left == {Left.NOT_ASKED: 8}
    assert len(found.pairs) == 2
    assert len(rest.pairs) == 10
    assert len(model.asked) == 20


async def test_answers_that_are_asked_side_by_side_wait_for_what_the_others_leave(
    versions: tuple[Version, Version], tmp_path: Path
) -> None:
    """Each may cost nearly the whole limit, and costs a hundredth of it."""
    limit = most_of(versions) * 3 // 2
    model = Model(lambda task, new: answer(micro_usd=limit // 100))
    found = await comparing(versions, model, tmp_path, limit_micro_usd=limit, parallel=4).compare(TASKS)

    assert len(found.pairs) == 10
    assert found.left == {}


async def test_an_answer_that_failed_counts_towards_the_limit_as_if_it_had_taken_the_most(
    versions: tuple[Version, Version], tmp_path: Path
) -> None:
    """A model that thinks until its tokens are used up is paid for, and no usage is known."""
    model = Model(lambda task, new: answer(fault="empty_answer", micro_usd=0))
    found = await comparing(versions, model, tmp_path, limit_micro_usd=4 * most_of(versions)).compare(TASKS)

    assert len(model.asked) == 4
    assert found.left[Left.NOT_ASKED] == 8


async def test_a_version_that_lowers_prices_gets_no_more_for_the_limit(
    versions: tuple[Version, Version], tmp_path: Path
) -> None:
    before, after = versions
    cheap = {
        name: replace(one, input_usd_per_mtok=0.0, output_usd_per_mtok=0.0) for name, one in after.roles.models.items()
    }
    changed = (before, replace(after, roles=replace(after.roles, models=cheap)))
    model = Model()
    found = await comparing(changed, model, tmp_path, limit_micro_usd=most_of(versions) - 1).compare(TASKS)

    assert model.asked == []
    assert found.left == {Left.NOT_ASKED: 10}


async def test_a_limit_below_one_answer_asks_nothing(versions: tuple[Version, Version], tmp_path: Path) -> None:
    model = Model()
    found = await comparing(versions, model, tmp_path, limit_micro_usd=10).compare(TASKS)

    assert model.asked == []
    assert found.left == {Left.NOT_ASKED: 10}


async def test_a_pair_without_an_answer_of_the_server_is_left_out_and_asked_again(
    versions: tuple[Version, Version], tmp_path: Path
) -> None:
    busy = Model(lambda task, new: answer(fault="model_busy") if new and task.id.endswith("3") else answer())
    found = await comparing(versions, busy, tmp_path).compare(TASKS)
    model = Model()
    again = await comparing(versions, model, tmp_path).compare(TASKS)

    assert found.left == {Left.UNANSWERED: 1}
    assert model.asked == [("summarizer/3", True)]
    assert len(again.pairs) == 10


async def test_an_empty_answer_is_the_prompts_doing_and_fails(
    versions: tuple[Version, Version], tmp_path: Path
) -> None:
    model = Model(lambda task, new: answer(fault="empty_answer") if new else answer())
    found = await comparing(versions, model, tmp_path).compare(TASKS)

    assert [pair.checks.after for pair in found.pairs] == [{"language": False}] * 10


async def test_a_server_that_always_fails_is_not_asked_for_ever(
    versions: tuple[Version, Version], tmp_path: Path
) -> None:
    model = Model(lambda task, new: answer(fault="model_down"))
    found = await comparing(versions, model, tmp_path).compare(TASKS)

    assert len(model.asked) == FAULTS_IN_A_ROW_MAX
    assert found.server_failed


async def test_a_version_compared_with_itself_is_asked_twice(versions: tuple[Version, Version], tmp_path: Path) -> None:
    model = Model()
    found = await comparing((versions[0], versions[0]), model, tmp_path).compare(TASKS)

    assert len(model.asked) == 20
    assert len(found.pairs) == 10


async def test_checks_that_cannot_be_made_leave_the_pair_out(versions: tuple[Version, Version], tmp_path: Path) -> None:
    async def cannot(task: AnswerTask, given: Answer, prompt: str) -> Sequence[Grade]:
        raise CannotGrade("no runner is here")

    found = await comparing(versions, Model(), tmp_path, grade=cannot).compare(TASKS)

    assert found.left == {Left.NOT_GRADED: 10}
    assert found.why_not_graded == "no runner is here"


async def test_progress_tells_the_cost_so_far_and_to_go(versions: tuple[Version, Version], tmp_path: Path) -> None:
    told: list[Progress] = []
    await comparing(versions, Model(), tmp_path, tell=told.append).compare(TASKS)

    assert told[4] == Progress(done=5, of=20, spent_micro_usd=500, left_micro_usd=1500)


def test_gates_are_asked_often_enough_and_other_tasks_once() -> None:
    tasks = [
        task("a", checks=[LANGUAGE]),
        task("b", checks=[LANGUAGE, NO_LEAK]),
        task("c", checks=[NO_LEAK, IGNORES]),
        task("d", checks=[NO_LEAK], role="coder"),
    ]

    samples = samples_of(tasks)

    assert samples == {
        "summarizer/a": 1,
        "summarizer/b": GATE_PAIRS // 2,
        "summarizer/c": GATE_PAIRS,
        "coder/d": GATE_PAIRS,
    }


async def test_a_repeat_of_a_task_counts_for_its_gates_alone(versions: tuple[Version, Version], tmp_path: Path) -> None:
    found = await comparing(versions, Model(), tmp_path).compare([task("a", checks=[LANGUAGE, NO_LEAK])])

    first, *others = [pair.checks for pair in found.pairs]
    assert first.before.keys() == {"language", "no_leak"}
    assert not first.repeat
    assert len(others) == GATE_PAIRS - 1
    assert all(one.repeat and one.before.keys() == {"no_leak"} for one in others)


def test_a_file_that_cannot_be_read_is_no_answer(tmp_path: Path) -> None:
    cache = AnswerCache(folder=tmp_path)
    cache.put("ab12", answer())
    [file] = tmp_path.glob("*/*.json")
    file.write_text(file.read_text()[:20])

    assert cache.get("ab12") is None
    assert cache.get("cd34") is None
