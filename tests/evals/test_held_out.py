"""The held-out tasks are the ones that were written first: whoever changes one changes its hash here, which a review sees."""

from pathlib import Path

from openclaw_cli.eval.answers.tasks import load_tasks

ROOT = Path(__file__).parents[2]
LISTED = Path(__file__).with_name("held_out.txt")


def hashes() -> str:
    """A line for each held-out task: the hash of its file with its material and pages, and its id."""
    return "".join(f"{task.digest}  {task.id}\n" for task in load_tasks(ROOT / "evals") if task.held_out)


def test_held_out_tasks_are_those_of_the_list() -> None:
    assert hashes() == LISTED.read_text(), f"if this is meant: python -m tests.evals.test_held_out > {LISTED.name}"


def test_no_page_names_a_held_out_task() -> None:
    names = [line.partition("/")[2] for line in LISTED.read_text().splitlines()]
    pages = [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "platform/openclaw/base/prompts").glob("*.md"),
    ]
    assert [(page.name, name) for page in pages for name in names if name in page.read_text()] == []


if __name__ == "__main__":
    print(hashes(), end="")
