"""Receipts and `openclaw runs replay`: an answer's request is rebuilt from what is kept, or what has expired is said."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from openclaw_agent.answering import RunAnswerer
from openclaw_cli.runs.receipts import commit_of, receipt_rows
from openclaw_core.store import Script
from openclaw_core.tasks.receipt import Receipt, digest, messages_digest
from openclaw_core.tasks.run_usage import CallUsage, RunUsage, StepUsage, usage_fields
from openclaw_core.tasks.task import Attachment, Task
from openclaw_standin.model import ScriptedModel
from tests.cli.test_commands import openclaw
from tests.core.store_world import ORDER, World, task
from tests.fakes.chat import FakeChat

SECRET = "marker-of-the-user"


@pytest.fixture
async def world(script: Script) -> World:
    world = World(script)
    await world.lead()
    return world


@pytest.fixture
def where(redis_url: str, bot_id: int) -> Mapping[str, str]:
    return {"TELEGRAM_TOKEN": f"{bot_id}:x", "REDIS_URL": redis_url}


async def answered(world: World, one: Task) -> FakeChat:
    """An agent answers *one* by its own code, and the answer is shown. Returns the model that was asked."""
    chat = FakeChat()
    run = await world.claimed(one)
    answerer = RunAnswerer(
        work=world.agent, chat=chat, transcriber=chat, files_of=lambda _: None, task_deadline_s=60, revision="0f1e2d3"  # type: ignore[arg-type, return-value]
    )  # fmt: skip
    assert await answerer.answer(run) is None
    await world.hear()
    await world.show_all()
    return chat


async def replayed(where: Mapping[str, str], *args: str, code: int = 0) -> Any:
    found, out = await openclaw("runs", "replay", *args, "--json", **where)
    assert found == code, out
    return json.loads(out)


async def test_a_request_is_rebuilt_byte_for_byte(world: World, where: Mapping[str, str]) -> None:
    await answered(world, task(1, text="sort a list"))
    chat = await answered(world, task(2, text=SECRET))
    [call] = chat.calls
    await answered(world, task(3, text="what came after it is no part of it"))

    shown = await replayed(where, "u2", "--text")
    assert (shown["same"], shown["lacking"]) == (True, [])
    assert [(one["role"], one["content"]) for one in shown["messages"]] == [
        (one.role, one.content) for one in call.messages
    ]
    assert shown["digest"] == messages_digest(call.messages)


async def test_a_users_words_are_printed_only_where_they_are_asked_for(world: World, where: Mapping[str, str]) -> None:
    await answered(world, task(1, text=SECRET))
    code, out = await openclaw("runs", "replay", "u1", **where)
    assert (code, SECRET in out, "byte for byte those of the run" in out) == (0, False, True)
    assert SECRET not in json.dumps(await replayed(where, "u1"))
    code, out = await openclaw("runs", "replay", "u1", "--text", **where)
    assert (code, SECRET in out) == (0, True)


@pytest.mark.parametrize(
    ("expired", "sentence"),
    [
        (("task", "u2"), "The question has expired: it is kept for 7 days."),
        (("turns", "1"), "The conversation before it has expired: the last 10 turns are kept, for 24 hours."),
    ],
)
async def test_what_has_expired_is_said(
    world: World, where: Mapping[str, str], expired: tuple[str, str], sentence: str
) -> None:
    await answered(world, task(1))
    await answered(world, task(2))
    await world.script.read("DEL", world.script.keys(*expired))
    code, out = await openclaw("runs", "replay", "u2", **where)
    assert (code, sentence in out) == (3, True), out


async def test_a_prompt_that_has_expired_is_said(world: World, where: Mapping[str, str]) -> None:
    await answered(world, task(1))
    [run] = await world.runs.newest(count=1)
    await world.script.read("DEL", world.script.keys("agent", "order", run.order, "z"))
    code, out = await openclaw("runs", "replay", "u1", **where)
    assert (code, "The prompt and the settings have expired" in out) == (3, True), out


async def test_turns_that_were_dropped_since_are_noticed(world: World, where: Mapping[str, str]) -> None:
    await answered(world, task(1))
    await answered(world, task(2))
    await world.script.read("LPOP", world.script.keys("turns", 1))
    shown = await replayed(where, "u2", code=3)
    assert shown["lacking"] == ["The conversation before it has changed since: turns were dropped, or it began anew."]


async def test_files_and_results_of_tools_are_named_as_lacking(world: World, where: Mapping[str, str]) -> None:
    usage = RunUsage(model="m", steps=(StepUsage(calls=(CallUsage(tool="open_page", result="ab"),)),))
    run = await world.claimed(replace(task(1), attachments=(Attachment(kind="voice", file_id="v"),)))
    from openclaw_core.tasks.work import Answered

    await world.end(run, Answered(markdown="x", usage=usage))
    await world.show_all()
    shown = await replayed(where, "u1", code=3)
    assert "Its files and recordings are not kept." in shown["lacking"]
    assert any(sentence.startswith("The results of 1 calls") for sentence in shown["lacking"])


async def test_an_unknown_run_is_said(world: World, where: Mapping[str, str]) -> None:
    code, out = await openclaw("runs", "replay", "u9", **where)
    assert (code, "no run of u9" in out) == (1, True)


async def test_a_model_is_asked_again_with_another_prompt(
    world: World, where: Mapping[str, str], tmp_path: Path
) -> None:
    await answered(world, task(1, text="sort a list"))
    other = tmp_path / "other.md"
    other.write_text("You are another one.\n")
    async with ScriptedModel.open(first_token_s=0.01, tokens_per_s=2000, tokens=20) as model:
        settings = {**where, "GROQ_API_KEY": "k", "GROQ_BASE_URL": model.url}
        asked = ("--ask", "--model", "openai/gpt-oss-20b", "--prompt", str(other))
        code, out = await openclaw("runs", "replay", "u1", *asked, **settings)
    [call] = model.calls
    assert code == 0, out
    assert call.model == "openai/gpt-oss-20b"
    assert call.messages[0]["content"].startswith("You are another one.\n\n# Today\n")
    assert call.messages[-1]["content"] == "sort a list"
    assert "openai/gpt-oss-20b:\n" in out


async def test_show_names_what_an_answer_was_made_of(world: World, where: Mapping[str, str]) -> None:
    await answered(world, task(1, text=SECRET))
    code, out = await openclaw("runs", "show", "u1", "--json", **where)
    assert code == 0, out
    receipt = json.loads(out)["receipt"]
    assert (receipt["revision"], receipt["prompt"]) == ("0f1e2d3", digest(ORDER.prompt))
    code, out = await openclaw("runs", "show", "u1", COLUMNS="200", **where)
    assert "0f1e2d3" in out
    assert SECRET not in out


def test_the_commit_of_a_prompt_is_found_by_its_digest(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    prompts = tmp_path / "platform/openclaw/base/prompts"
    prompts.mkdir(parents=True)
    git("init", "-q")
    commits = []
    for text in ("first\n", "second\n", "third\n"):
        (prompts / "coder.md").write_text(text)
        git("add", "-A")
        git("commit", "-qm", text)
        commits.append(git("rev-parse", "--short=10", "HEAD"))
    assert commit_of(digest("second"), tmp_path).startswith(f"coder.md, commit {commits[1]} of ")
    assert commit_of(digest("never"), tmp_path) == ""
    rows = dict(receipt_rows(Receipt(prompt=digest("never")), tmp_path))
    assert rows["prompt"] == f"{digest('never')}  of no commit of this folder"


def test_a_receipt_is_stored_small() -> None:
    full = Receipt(revision="0" * 40, prompt="1" * 16, messages="2" * 16, tools=("web_search", "open_page"))
    stored = json.dumps(usage_fields(RunUsage(receipt=full)))
    assert len(stored) - len(json.dumps(usage_fields(RunUsage()))) < 200
    assert "receipt" not in usage_fields(RunUsage())
