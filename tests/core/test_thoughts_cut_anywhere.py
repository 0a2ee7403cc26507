"""Any text with thoughts in it, however the stream is cut: no word of a thought is left, and no other word is lost."""

import random
import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openclaw_core.models.thought_filter import ThoughtFilter, without_thoughts
from tests.core.written_thoughts import ANSWER, THOUGHT, UNENDED, WRITTEN, parts_of, streamed

PIECES = st.sampled_from(
    [piece for form in (*WRITTEN, *UNENDED) for piece in re.findall(r"<[^<>]*>|\[[^\]]*\]|◁[^▷]*▷|\{[ta]\}", form)]
    + ["`", "``", "```", "~~~", "\n", "\n\n", " ", ".", ",", "- ", "word", "Word", "מילה", "<", "</", "<|", "[", '"', "\\", "5"]
    + ["analysis", "assistantfinal", "Okay, so ", "Here is my thought process:", "Here is my response:", "<answer>", "</answer>"]
    + ["    ", "\t", "<pre>", "</pre>", "<code>", "</code>", "{why}", " is the tag ", " and ", "[thinking]", "[/thinking]", ":", "assistant"]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(PIECES, max_size=20).map("".join), st.lists(st.integers(0, 300), max_size=8))
@example("~~~\n</think>\n~~~", [])
@example("</thought><|channel|><think></think><|start|>\n<|message|><|channel|>", [])
@example("<think `a`>b", [8])
@example("Use <reasoning>" + "y" * 3000 + "</reasoning> and so on", [1500, 2500])
@example("<think> is the tag " + "y" * 3000 + " </think>.", [1500, 2500])
@example("<think>x `</think>` " + "y" * 400 + "</think>Four", [20])
def test_where_a_stream_is_cut_makes_no_difference(text: str, cuts: list[int]) -> None:
    whole = without_thoughts(text)
    assert streamed(parts_of(text, [min(cut, len(text)) for cut in cuts]))[0] == whole
    assert streamed(list(text))[0] == whole


MARKS = [
    ("<think>", "</think>"), ("<THINKING>", "</thinking>"), ("<seed:think>", "</seed:think>"), ("<antThinking>", "</antThinking>"),
    ("<reasoning>", "</reasoning>"), ("<ifm|think>", "</ifm|think>"), ("<think>", "</ think>"), ("<think>", "</think/>"),
    ("<|think|>", "</think>"), ("<think>", "<|/think|>"), ("<|think|>", "<|end|><|begin|>assistant<|content|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"), ("<|think:start|>", "<|think:end|>"), ("<|think_start|>", "<|think_end|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"), ("<|plamo:begin_think:plamo|>", "<|plamo:end_think:plamo|>"),
    ("[THINK]", "[/THINK]"), ("[thinking]", "[/thinking]"), ("[REASONING]", "[/REASONING]"), ("◁think▷", "◁/think▷"),
    ("<|inner_prefix|>", "<|inner_suffix|>"), ("<unused94>", "<unused95>"), ("[unused16]", "[unused17]"),
    ("<|channel>thought\n", "<channel|>"), ("<|content_thinking|>", "<|content_text|>"),
    ("<|open|>think<|sep|>", "<|close|>think<|sep|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("<|channel|>analysis to=python code<|message|>", "<|call|><|start|>assistant<|channel|>final<|message|>"),
]  # fmt: skip
"""What begins a thought, and what ends it."""


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(MARKS),
    st.sampled_from(["", "\n", "One.\n", "One. ", "- One.\n\n"]),
    st.text(alphabet="ψξ \n.,:`*-'5", max_size=40).map(lambda text: f"ψ{text}ξ"),
    st.sampled_from(["", "\n"]),
    st.sampled_from(["Four", "\n\nFour", " Four", "\nfour", "**Four**", ""]),
    st.data(),
)
def test_no_moment_shows_a_character_of_a_thought_between_marks(
    marks: tuple[str, str], before: str, thought: str, around: str, after: str, data: st.DataObject
) -> None:
    text = before + marks[0] + around + thought + around + marks[1] + after
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=12))

    shown, moments = streamed(parts_of(text, cuts))
    assert not any(set(moment) & set("ψξ<|[◁") for moment in moments)
    assert after.strip() in shown


CODE = [
    "So:\n```\n{x}\n```\n", "~~~xml\n{x}\n~~~", "Write `{x}` there.", "Write ``{x}`` there.", "So:\n\n    {i}\n\nThat was it.",
    "    {i}\n\nThat was it.", "<pre>{x}</pre>", "So: <code>{x}</code> is it.", "<pre><code>\n{x}\n</code></pre>\n", "- <code>{x}</code>",
    "- So:\n  ```\n  {x}\n  ```\n", "<code>\n{x}\n</code>",
]  # fmt: skip


@pytest.mark.parametrize("form", CODE)
@pytest.mark.parametrize("marks", MARKS)
@pytest.mark.parametrize("inner", ["x", "\nx\n", "\n\nx. y\n", ""])
def test_marks_in_code_of_any_form_stay(form: str, marks: tuple[str, str], inner: str) -> None:
    begins, ends = (
        re.split(r"\n|<\|begin\||(?<=.)<\|start", mark)[0] for mark in marks
    )  # the rest of a header is no code's
    if form.startswith("Write") and "\n\n" in inner:
        return  # a blank line ends a span of backticks
    x = begins + inner + ends
    text = form.format(x=x, i=x.replace("\n", "\n    "))

    assert without_thoughts(text) == text
    assert streamed(list(text))[0] == text


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(MARKS).map(lambda marks: f"{marks[0]}ψ{marks[1]}\n"), max_size=3),
    st.lists(st.sampled_from([marks[1] for marks in MARKS if "<|" not in marks[1]] + ["\n", " "]), max_size=4),
)
def test_words_outside_thoughts_are_never_lost_as_a_whole(before: list[str], behind: list[str]) -> None:
    text = "".join(before) + "Four." + "".join(behind)
    assert "Four." in streamed(list(text))[0]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="<[◁"), max_size=200))
def test_text_without_a_mark_is_left_as_it_is(text: str) -> None:
    if not text.lstrip().lower().startswith(("analysis", "here")):
        assert without_thoughts(text) == text
        assert streamed(list(text))[0] == text


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(WRITTEN), st.text(alphabet="ab .,!\nאב", min_size=1, max_size=60), st.data())
def test_no_word_of_a_thought_is_left_by_any_cut(form: str, around: str, data: st.DataObject) -> None:
    text = form.format(t=THOUGHT + around.replace("\n", " "), a=ANSWER)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=12))

    assert THOUGHT not in streamed(parts_of(text, cuts))[0]


def test_long_answers_of_nothing_but_marks_are_read_in_linear_time() -> None:
    for piece in (
        "<",
        "`",
        "<think",
        "</think>",
        "<|channel|>",
        "<think> x ",
        "</think> x ",
        "a\n",
        "[THINK]",
        "~~~",
        "[think]\n",
        "[think] ",
        "<pre>",
        "<code>\n\n",
        "    <think>\n",
        "<|begin|>assistant",
        "<|channel|>analysis ",
        "<think> is the tag ",
        "x <think>y</think> ",
    ):
        begun = time.process_time()
        text = piece * (40_000 // len(piece))
        reader, chance = ThoughtFilter(), random.Random(0)
        at = 0
        while at < len(text):
            step = chance.randint(1, 40)
            reader.feed(text[at : at + step])
            at += step
        reader.finish()
        assert time.process_time() - begun < 4, piece
