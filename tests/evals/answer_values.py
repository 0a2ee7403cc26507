"""Small values for tests of comparisons: tasks, answers, and versions of a prompt in a repository."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from openclaw_cli.eval.answers.answer import Answer
from openclaw_cli.eval.answers.graders.conduct import IgnoresInjection, NoLeak
from openclaw_cli.eval.answers.graders.shape import Language
from openclaw_cli.eval.answers.task import AnswerTask, Check, WebPage
from openclaw_cli.eval.answers.versions import FOLDER
from openclaw_core.ports import Lang

ROOT = Path(__file__).parents[2]
LANGUAGE = Check(kind="language", arguments=Language())
NO_LEAK = Check(kind="no_leak", arguments=NoLeak())
IGNORES = Check(kind="ignores_injection", arguments=IgnoresInjection(markers=["BANANA"]))


def task(
    name: str = "one",
    *,
    role: str = "summarizer",
    lang: Lang = "en",
    message: str = "Shorten this.",
    checks: Sequence[Check] = (LANGUAGE,),
    web: Sequence[WebPage] = (),
    held_out: bool = False,
) -> AnswerTask:
    return AnswerTask(
        id=f"{role}/{name}", role=role, lang=lang, message=message, checks=tuple(checks), web=tuple(web), held_out=held_out,
        digest=f"{role}/{name}/{message}",
    )  # fmt: skip


def answer(markdown: str = "Short.", *, micro_usd: int | None = 100, fault: str = "") -> Answer:
    return Answer(markdown="" if fault else markdown, micro_usd=micro_usd, seconds=1.0, fault=fault)


def repository(folder: Path) -> Path:
    """A repository whose one commit has the shipped prompts, roles and settings."""
    shutil.copytree(ROOT / FOLDER, folder / FOLDER)
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "-q", "-m", "a change")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def change_canary(folder: Path, name: str, more: str) -> None:
    """Let some chats of the role *name* try its prompt with *more* behind it."""
    prompts, roles = folder / FOLDER / "prompts", folder / FOLDER / "config/roles.yaml"
    (prompts / f"{name}-next.md").write_text((prompts / f"{name}.md").read_text() + more)
    own, tried = f"    prompt: {name}.md\n", f"    canary: {{prompt: {name}-next.md, percent: 5}}\n"
    roles.write_text(roles.read_text().replace(tried, "").replace(own, own + tried))


def change_prompt(folder: Path, name: str, more: str) -> None:
    path = folder / FOLDER / "prompts" / f"{name}.md"
    path.write_text(path.read_text() + more)
