"""What stops an author's pull request: each fault with file, line and what to do, and none that only a test knows."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from openclaw_cli.doctor.roles import faults
from openclaw_core.roles.check import load_roles

BASE = Path(__file__).parents[2] / "platform/openclaw/base"
HERALD = """
  herald:
    command: herald
    emoji: 🎺
    titles: {en: Herald, he: כרוז}
    descriptions: {en: Heralds a text, he: תרגום של טקסט}
    when: nothing but the tests
    prompt: herald.md
    models: [openai/gpt-oss-20b]
    max_answer_tokens: 2000
    history_tokens: 2000
    template: agent
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The repository's own folder with a role more, as the docs say how."""
    shutil.copytree(BASE, tmp_path / "base")
    edit(tmp_path / "base/config/roles.yaml", lambda text: text + HERALD)
    edit(
        tmp_path / "base/kustomization.yaml",
        lambda text: text.replace(
            "      - prompts/summarizer.md\n", "      - prompts/summarizer.md\n      - prompts/herald.md\n"
        ),
    )
    (tmp_path / "base/prompts/herald.md").write_text("You are the herald.\n\nKeep the tone.\n")
    return tmp_path / "base"


def edit(file: Path, change: Callable[[str], str]) -> None:
    before = file.read_text()
    after = change(before)
    assert before != after
    file.write_text(after)


def line_of(file: Path, words: str) -> int:
    return next(n for n, line in enumerate(file.read_text().splitlines(), 1) if words in line)


def test_the_shipped_roles_and_one_added_by_the_docs_are_sound(folder: Path) -> None:
    assert faults(BASE, load_roles(BASE)) == []
    assert faults(folder, load_roles(folder)) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("emoji: 🎺", "emoji: {emoji}", "{emoji} is emoji of `{name}` too"),
        ("{en: Herald, he: כרוז}", "{en: {en}, he: כרוז}", "{en} is titles.en of `{name}` too"),
        ("{en: Herald, he: כרוז}", "{en: Herald, he: {he}}", "{he} is titles.he of `{name}` too"),
        ("template: agent\n", "template: agent-large\n", "there is no PodTemplate `agent-large`"),
    ],
)
def test_a_wrong_line_of_a_role_is_named(folder: Path, old: str, new: str, said: str) -> None:
    file = folder / "config/roles.yaml"
    first = next(iter(load_roles(folder).roles.values()))
    values = {"emoji": first.emoji, "name": first.name} | dict(first.titles)
    for key, value in values.items():
        new, said = new.replace(f"{{{key}}}", value), said.replace(f"{{{key}}}", value)
    edit(file, lambda text: new.join(text.rsplit(old, 1)))

    [fault] = faults(folder, load_roles(folder))

    last = max(n for n, line in enumerate(file.read_text().splitlines(), 1) if new.strip() in line)
    assert fault.startswith(f"{file}:{last}: ")
    assert said in fault
    assert re.search(r": (choose|take)|too: choose", fault)


def test_a_prompt_that_the_brain_would_not_get_is_named_at_the_list_that_it_belongs_to(folder: Path) -> None:
    file = folder / "kustomization.yaml"
    edit(file, lambda text: text.replace("      - prompts/herald.md\n", ""))

    [fault] = faults(folder, load_roles(folder))

    assert fault.startswith(f"{file}:{line_of(file, '- name: prompts')}: ")
    assert "add `- prompts/herald.md`" in fault


def test_a_line_without_its_prompt_is_named(folder: Path) -> None:
    file = folder / "kustomization.yaml"
    edit(
        file,
        lambda text: text.replace(
            "      - prompts/herald.md\n", "      - prompts/herald.md\n      - prompts/gone.md\n"
        ),
    )

    [fault] = faults(folder, load_roles(folder))

    assert fault.startswith(f"{file}:{line_of(file, 'gone.md')}: ")


@pytest.mark.parametrize("prompt", ["Herald.\n", "You are the herald. " + "You know every word. " * 40 + "\n"])
def test_a_prompt_begins_with_a_paragraph_that_can_stand_alone(folder: Path, prompt: str) -> None:
    (folder / "prompts/herald.md").write_text(prompt)

    [fault] = faults(folder, load_roles(folder))

    assert fault.startswith(f"{folder / 'prompts/herald.md'}:1: begin with a paragraph")


def test_where_only_roles_and_prompts_are_nothing_else_is_asked_for(folder: Path) -> None:
    """In the brain's pod there is no kustomization.yaml."""
    (folder / "kustomization.yaml").unlink()
    shutil.rmtree(folder / "agent")

    assert faults(folder, load_roles(folder)) == []
