"""Lines that only a record may make: a model that writes them is not believed."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw_core.ports import Lang
from openclaw_core.tasks.steps import CodeRun, Ended
from openclaw_core.texts import code_words, documents, wording
from openclaw_core.texts.documents import PageUnit
from openclaw_core.texts.imitated import without_imitated
from openclaw_core.texts.wording import Sentence

LANGS: tuple[Lang, ...] = ("en", "he")
ENDS = [
    Ended(exit_code=0),
    Ended(exit_code=-9),
    *(Ended(cause=cause) for cause in ("timed_out", "out_of_memory", "killed", "folder_limit")),
]
OURS = [
    *(f"**{code_words.HEADING[lang]}**" for lang in LANGS),
    *(f"- {code_words.run_line(CodeRun(language='python', program=end, test=Ended(exit_code=0)), 2, lang)}" for lang in LANGS for end in ENDS),
    *(code_words.pictures_line(count, lang) for lang in LANGS for count in (1, 3)),
    *(code_words.files_line(("a.csv", "b c.txt"), lang) for lang in LANGS),
    *(f"{code_words.CODE[lang]}:" for lang in LANGS),
    *(f"_{code_words.why_not_run('limit', lang)}_" for lang in LANGS),
    *(f"_{wording.sentence(Sentence.FROM_MEMORY, lang)}_" for lang in LANGS),
    *(
        f"📄 `a report: 1.pdf`: {documents.read_line(unit, whole=whole, in_part=part, all_of_it=every, total=60, lang=lang)}"
        for unit, lang in itertools.product(PageUnit, LANGS)
        for whole, part, every in (("1–4, 9", "", False), ("", "7", False), ("1", "7–8", False), ("", "", False), ("1", "", True))
    ),
]  # fmt: skip


@pytest.mark.parametrize("line", OURS)
def test_no_line_of_ours_is_taken_from_a_model(line: str) -> None:
    assert without_imitated(f"It works.\n\n{line}\n\nMore.") == "It works.\n\nMore."


@pytest.mark.parametrize(
    "line",
    ["▶️ What ran", "## ► What ran:", "> **▶ What\u200b ran**", "***What ran***", "1. **Try 1**: python, exit 0, 0.1 s", "* Try 1: `python`, exit 0, test passed",
     "📄 report.pdf: pages 1-60 of 60", "• ניסיון 1: python, קוד יציאה 0"],
)  # fmt: skip
def test_nor_one_that_looks_like_it(line: str) -> None:
    assert without_imitated(f"It works.\n{line}") == "It works."


def test_output_that_follows_such_a_line_goes_and_other_code_stays() -> None:
    code = "```python\nprint(42)\n```"
    forged = f"Look.\n\n{code}\n\n**▶ What ran**\n- Try 1: python, exit 0, 0.1 s, test passed\n\n```text\n42\n```\n\nIts picture follows.\n\nDone."

    assert without_imitated(forged) == f"Look.\n\n{code}\n\nDone."
    assert without_imitated(f"▶ What ran\n{code}") == code
    assert without_imitated("▶ What ran\n\n```\n42") == ""


@pytest.mark.parametrize(
    "text",
    ["What ran yesterday?\n\nTry 1: exit the shell.\nTry 2: python, then bash.", "📄 Report: 3 of 5 stars\n📄 notes.md has 2 pages", "`▶ What ran` is the heading.",
     "```\n▶ What ran\n- Try 1: python, exit 0\n```\n\nend", "a\n\n\n\nb\n", "~~~\n```\n📄 a.pdf: read whole\n~~~"],
)  # fmt: skip
def test_other_words_stay_as_they_are(text: str) -> None:
    assert without_imitated(text) == text


def test_nothing_of_it_flashes_while_an_answer_grows() -> None:
    forged = "It works.\n\n**▶ What ran**\n- Try 1: python, exit 0, 0.1 s, test passed\n\n```text\n42\n```\n\n📄 a.pdf: pages 1–2 of 3\n\nThe end of it."
    for end in range(len(forged) + 1):
        shown = without_imitated(forged[:end], grows=True)
        for never in ("▶", "Try 1", "exit 0", "42", "📄"):
            assert never not in shown, shown


@given(
    st.lists(
        st.sampled_from(["▶ What ran", "```", "```text", "~~~", "a", "", "- Try 1: x, exit 0", "📄 a: read whole"]),
        max_size=12,
    ).map("\n".join)
)
def test_a_second_look_finds_nothing_more_outside_of_code(text: str) -> None:
    once = without_imitated(text)
    if "```" not in text and "~~~" not in text:
        assert without_imitated(once) == once
        assert "What ran" not in once
    assert len(once) <= len(text)
