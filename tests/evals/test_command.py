"""`openclaw eval answers` as people run it: its exit status is the verdict."""

import asyncio
import json
import os
import sys
from pathlib import Path

from openclaw_cli.eval.answers.prices import most_micro_usd
from openclaw_cli.eval.answers.tasks import load_tasks
from openclaw_cli.eval.answers.versions import FOLDER, work_tree
from tests.evals.answer_values import change_canary, change_prompt, commit, repository
from tests.evals.prompted_model import prompted_model
from tests.runner.runners import needs_sealing

TASK = """lang: {lang}
message: |
  Shorten this, please: the fair number {n} is on Monday.
holds:
  - has_not: {{words: [Tuesday]}}
"""


async def eval_answers(folder: Path, *args: str, **settings: str) -> tuple[int, str]:
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "openclaw_cli", "eval", "answers", *args, env=env | settings, cwd=folder,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


def changed(folder: Path, *, tasks: int = 10) -> Path:
    """A repository with tasks, whose work tree has another prompt of the summarizer."""
    repository(folder)
    (folder / "evals/summarizer").mkdir(parents=True)
    for n in range(tasks):
        (folder / f"evals/summarizer/t{n}.yaml").write_text(TASK.format(lang="en", n=n))
    change_prompt(folder, "summarizer", "\nSay Tuesday.")
    return folder


async def test_without_a_key_the_scripted_model_answers_and_there_is_no_verdict(tmp_path: Path) -> None:
    code, out = await eval_answers(
        changed(tmp_path), "--json", "report.json", "--markdown", "report.md", "--html", "a.html"
    )

    assert code == 3, out
    assert "The scripted model answered" in out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["scripted"] is True
    assert report["before"]["answers"] == 10
    assert (tmp_path / "report.md").read_text() in out
    assert "The scripted model answered" in (tmp_path / "a.html").read_text()


def by_prompt(prompt: str, message: str) -> str:
    return "The fair is on Tuesday." if "Say Tuesday." in prompt else "The fair is on Monday."


async def test_a_prompt_that_makes_answers_worse_ends_with_1_and_a_repeat_asks_nothing(tmp_path: Path) -> None:
    folder = changed(tmp_path)
    async with prompted_model(by_prompt) as model:
        settings = {"GROQ_BASE_URL": model.url, "GROQ_API_KEY": "k"}
        code, out = await eval_answers(folder, **settings)
        asked = len(model.prompts)
        again, _ = await eval_answers(folder, **settings)

    assert code == again == 1, out
    assert "summarizer: all checks went worse in 10 pairs" in out
    assert "| summarizer: has_not | 10 | 10 | 0 | 10 | 0 |" in out
    assert "-The fair is on Monday.\n+The fair is on Tuesday." in out
    assert asked == len(model.prompts) == 20


async def test_a_prompt_that_some_chats_are_to_try_is_judged_too(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    (folder / "evals/summarizer").mkdir(parents=True)
    for n in range(10):
        (folder / f"evals/summarizer/t{n}.yaml").write_text(TASK.format(lang="en", n=n))
    change_canary(folder, "summarizer", "\nSay Tuesday.")
    async with prompted_model(by_prompt) as model:
        code, out = await eval_answers(folder, GROQ_BASE_URL=model.url, GROQ_API_KEY="k")

    assert code == 1, out
    assert "canary of summarizer" in out


async def test_a_prompt_whose_answers_pass_as_before_ends_with_0(tmp_path: Path) -> None:
    async with prompted_model(lambda prompt, message: "The fair is on Monday.") as model:
        code, out = await eval_answers(changed(tmp_path), GROQ_BASE_URL=model.url, GROQ_API_KEY="k")

    assert code == 0, out
    assert "not worse" in out


PROGRAM = """lang: en
message: |
  Write a Python function double(n), number {n}.
holds:
  - program_passes:
      tests: |
        from main import double
        def test_double():
            assert double(4) == 8
"""


@needs_sealing
async def test_programs_of_answers_run_in_a_sealed_runner_that_is_started_here(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    (folder / "evals/coder").mkdir(parents=True)
    for n in range(8):
        (folder / f"evals/coder/t{n}.yaml").write_text(PROGRAM.format(n=n))
    change_prompt(folder, "coder", "\nAdd one.")

    def say(prompt: str, message: str) -> str:
        return f"```python\ndef double(n):\n    return 2 * n{' + 1' if 'Add one.' in prompt else ''}\n```"

    async with prompted_model(say) as model:
        code, out = await eval_answers(folder, GROQ_BASE_URL=model.url, GROQ_API_KEY="k")

    assert code == 1, out
    assert "| coder: program_passes | 8 | 8 | 0 | 8 | 0 |" in out


def most_of_one(folder: Path) -> int:
    """What one answer of the Summarizer may cost, in millionths of a dollar. What the model of these tests takes is about a hundred."""
    version, task = work_tree(folder), load_tasks(folder / "evals")[0]
    snapshot = version.snapshot("summarizer")
    assert snapshot is not None
    return most_micro_usd(task, snapshot, version.roles.models) or 0


async def test_a_limit_ends_without_a_verdict_and_the_next_run_goes_on(tmp_path: Path) -> None:
    folder = changed(tmp_path)
    async with prompted_model(by_prompt) as model:
        settings = {"GROQ_BASE_URL": model.url, "GROQ_API_KEY": "k"}
        limited, out = await eval_answers(folder, "--limit", f"{(most_of_one(folder) + 500) / 1e6}", **settings)
        asked = len(model.prompts)
        whole, _ = await eval_answers(folder, **settings)

    assert limited == 3, out
    assert "the limit is reached" in out
    assert 0 < asked < 20
    assert whole == 1
    assert len(model.prompts) == 20


async def test_a_server_that_is_away_ends_with_2(tmp_path: Path) -> None:
    code, out = await eval_answers(
        changed(tmp_path), "--role", "summarizer", GROQ_BASE_URL="http://127.0.0.1:9", GROQ_API_KEY="k"
    )

    assert code == 2, out
    assert "The model server failed all the time" in out
    assert "model.failed" not in out  # the report says it, in words


async def test_an_unchanged_work_tree_asks_nothing_and_ends_with_0(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    (folder / "evals/summarizer").mkdir(parents=True)
    (folder / "evals/summarizer/t.yaml").write_text(TASK.format(lang="en", n=1))

    code, out = await eval_answers(folder)

    assert code == 0, out
    assert "nothing to ask" in out


async def test_a_limit_needs_the_prices_of_both_versions(tmp_path: Path) -> None:
    folder = changed(tmp_path, tasks=1)
    roles = folder / FOLDER / "config/roles.yaml"
    priced = roles.read_text()
    roles.write_text("".join(line for line in priced.splitlines(keepends=True) if "usd_per_mtok" not in line))
    commit(folder)
    roles.write_text(priced)

    code, out = await eval_answers(folder, "--limit", "1", "--against", "HEAD", "--role", "summarizer", "--all")

    assert code == 2, out
    assert "roles.yaml has no usd_per_mtok" in out


async def test_a_fault_on_the_way_is_no_verdict(tmp_path: Path) -> None:
    folder = changed(tmp_path)
    (folder / "taken").write_text("a file where answers are to be kept")
    async with prompted_model(lambda prompt, message: "The fair is on Monday.") as model:
        settings = {"GROQ_BASE_URL": model.url, "GROQ_API_KEY": "k"}
        nowhere, out = await eval_answers(folder, "--html", "nowhere/page.html", **settings)
        asked = len(model.prompts)
        kept, trace = await eval_answers(folder, "--cache", "taken", **settings)

    assert (nowhere, asked, kept) == (2, 0, 2), out
    assert "there is no folder nowhere" in out
    assert "NotADirectoryError" in trace or "FileExistsError" in trace


async def test_what_cannot_run_ends_with_2(tmp_path: Path) -> None:
    folder = changed(tmp_path, tasks=1)

    for args, said in (
        (["--against", "nowhere"], "no commit 'nowhere'"),
        (["--role", "poet"], "--role poet"),
        (["--tasks", "elsewhere"], "elsewhere"),
        (["--model", "no/price", "--limit", "1"], "usd_per_mtok for no/price"),
        (["--limit", "nan"], "no amount in dollars"),
        (["--limit", "-1"], "no amount in dollars"),
    ):
        code, out = await eval_answers(folder, *args)
        assert code == 2, out
        assert said in out
