"""What a model thinks is taken out of what it says, however the stream is cut; what it says about thinking stays."""

import random
import re
import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openclaw_core.models.thought_filter import ThoughtFilter, without_thoughts

THOUGHT = "secret plan"
ANSWER = "Four."

WRITTEN = [
    "<think>{t}</think>{a}",
    "<think>\n{t}\n</think>\n\n{a}",
    "\n<think>\n{t}\n</think>\n{a}",
    "<THINK>{t}</THINK>{a}",
    '<think type="long">{t}</think >{a}',
    "<thinking>{t}</thinking>\n{a}",
    "<thought>{t}</thought>{a}",
    "<thoughts>{t}</thoughts>{a}",
    "<reasoning>{t}</reasoning>{a}",
    "<thought_process>{t}</thought_process>{a}",
    "<reflection>{t}</reflection>{a}",
    "<scratchpad>{t}</scratchpad>{a}",
    "<seed:think>{t}</seed:think>{a}",
    "<longcat_think>{t}</longcat_think>{a}",
    "[THINK]{t}[/THINK]{a}",
    "◁think▷{t}◁/think▷{a}",
    "<|START_THINKING|>{t}<|END_THINKING|><|START_RESPONSE|>{a}<|END_RESPONSE|>",
    "<|begin_of_thought|>{t}<|end_of_thought|>\n<|begin_of_solution|>{a}<|end_of_solution|>",
    "<|thinking|>{t}<|/thinking|>{a}",
    "<|inner_prefix|>{t}<|inner_suffix|>{a}",
    "[unused16]{t}[unused17]{a}",
    "<|channel>thought\n{t}<channel|>{a}",
    "<|open|>think<|sep|>{t}<|close|>think<|sep|><|open|>response<|sep|>{a}<|close|>response<|sep|>",
    "<|open|>think<|sep|>{t}<|close|>think<|sep|>{a}",
    "<unused94>thought\n{t}<unused95>{a}",
    "<|think|>{t}<|end|><|begin|>assistant<|content|>{a}<|end|>",
    "<|begin|>assistant<|think|>{t}<|end|><|begin|>assistant<|content|>{a}<|flush|>",
    "<|begin|>assistant<|content|>{a}<|end|>",
    "<|think:start|>{t}<|think:end|>{a}",
    "<|think_start|>{t}<|think_end|>{a}",
    "<|think_start|>{t}<|think_end|><|response_start|>{a}<|response_end|>",
    "<|thinking_start|>{t}<|thinking_end|><|answer_start|>{a}<|answer_end|>",
    "<|THINK_START|>{t}<|THINK_END|>{a}",
    "<|plamo:begin_think:plamo|>{t}<|plamo:end_think:plamo|>{a}",
    "<|content_thinking|>{t}<|end_message|><|message_model|><|content_text|>{a}<|end_message|>",
    "<|content_thinking|>{t}<|content_text|>{a}",
    "<ifm|think_fast>{t}</ifm|think_fast>{a}",
    "<mm:think>{t}</mm:think>{a}",
    "<antThinking>{t}</antThinking>{a}",
    "<inner_monologue>{t}</inner_monologue>{a}",
    "[THINKING]{t}[/THINKING]{a}",
    "[REASONING]\n{t}\n[/REASONING]\n{a}",
    "[think]{t}[/think]{a}",
    # one mark that begins, and another kind that ends
    "<|think|>{t}</think>{a}",
    "<think>{t}<|/think|>{a}",
    "<think>{t}</think/>{a}",
    "<think>{t}</ think>{a}",
    "[THINK]{t}</think>{a}",
    "<think>{t}[/THINK]{a}",
    "<think>{t}</think>Fo<think>{t}</think>ur.",
    "<think>{t}</think><answer>{a}</answer>",
    "<think>{t}</think>\n<response>\n{a}</response>",
    "<think></think>{a}",
    "<think/>{a}",
    "<think>\n\n</think>\n\n{a}",
    # more than one, and in other places
    "<think>{t}</think>\n<think>{t}</think>{a}",
    "<think>{t}<think>{t}</think>{t}</think>{a}",
    "<thinking>{t}<thought>{t}</thought>{t}</thinking>{a}",
    "<think>{t}: the user asks about `</think>` and \"</think>\", {t}</think>{a}",
    "<think>{t} ```python\nx = `\n</think>\n{a}",
    # the mark that begins the thought stood in the prompt
    "{t}</think>{a}",
    "{t}\n</think>\n\n{a}",
    "{t} </think> {a}",
    "{t} says `</think>` ends it.\n{t}\n</think>\n{a}",
    "Okay, so {t}.\n\n{t}\n</think>\n\n{a}",
    "{t}[/THINK]{a}",
    "{t}<|END_THINKING|>{a}",
    "{t}◁/think▷{a}",
    "{t}<unused95>{a}",
    "{t}<|think:end|>{a}",
    "{t}<|end|><|begin|>assistant<|content|>{a}<|end|>",
    "</think>{a}",
    # and one behind the answer
    "<think>{t}</think>{a}</think>",
    "<think>{t}</think>{a}\n</think>\n",
    # gpt-oss
    "<|channel|>analysis<|message|>{t}<|end|><|start|>assistant<|channel|>final<|message|>{a}<|return|>",
    "<|start|>assistant<|channel|>analysis<|message|>{t}<|end|><|start|>assistant<|channel|>final<|message|>{a}",
    "<|channel|>analysis<|message|>{t}<|start|>assistant<|channel|>final<|message|>{a}<|end|>",
    "<|channel|>analysis<|message|>{t}<|end|><|start|>assistant<|channel|>commentary to=functions.x <|constrain|>json<|message|>"
    '{{"q": "{t}"}}<|call|><|start|>assistant<|channel|>final<|message|>{a}<|return|>',
    "<|channel|>commentary<|message|>{t}<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>{a}<|return|>",
    "{t}<|end|><|start|>assistant<|channel|>final<|message|>{a}<|return|>",
    "{t}<|channel|>final<|message|>{a}",
    "<|channel|>analysis<|message|>{t}<|end|>assistant<|channel|>final<|message|>{a}",
    "<|channel|>final<|message|>{a}",
    '<|channel|>analysis to=browser.search code<|message|>{{"q": "{t}"}}<|call|><|start|>assistant<|channel|>final<|message|>{a}',
    "<|channel|>analysis code<|message|>{t}<|end|><|start|>assistant<|channel|>final<|message|>{a}<|return|>",
    '<|channel|>commentary to=functions.x json<|message|>{{"q": "{t}"}}<|call|><|channel|>final json<|message|>{a}',
    '<|start|>assistant to=functions.x<|channel|>commentary json<|message|>{{"q": "{t}"}}<|call|><|channel|>final<|message|>{a}',
    ' to=functions.x<|channel|>commentary json<|message|>{{"q": "{t}"}}<|call|><|channel|>final<|message|>{a}',
    "<|channel|>commentary to=functions.x<|constrain|>json <|channel|>analysis code<|message|>{t}<|call|><|channel|>final<|message|>{a}",
    "<|channel|>analysis thinking hard, in English<|message|>{t}<|end|><|start|>assistant<|channel|>final<|message|>{a}",
    "<|start|>assistant to=self<|message|>{t}<|eom|><|start|>assistant to=user<|message|>{a}<|eot|>",
    "analysisWe need {t}.assistantfinal{a}",
    "Here is my thought process: {t}\n\nHere is my response: {a}",
    "Here's my thought process:\n{t}\nHere's my response:\n{a}",
]  # fmt: skip

UNENDED = [
    "<think>{t}",
    "<thinking>\n{t}\n",
    "[THINK]{t}",
    "<|channel|>analysis<|message|>{t}",
    "<|channel|>analysis<|message|>{t}<|end|>",
    "<|channel|>analysis<|message|>{t}<|end|><|start|>assistant<|channel|>fin",
    "<|channel|>ana",
    '<|channel|>commentary to=functions.x json<|message|>{{"q": "{t}"}}<|call|>',
    '<|start|>assistant to=functions.x<|channel|>commentary json<|message|>{{"q": "{t}"}}<|call|>',
    ' to=functions.x<|channel|>commentary json<|message|>{{"q": "{t}"}}<|call|>',
    "<|channel|>analysis<|message|>{t}<|end|><|start|>assistant<|channel|>analysis code<|message|>{t}<|call|>assistant",
    "<think>{t}</thi",
    "analysisThe user wants {t}",
]

KEPT = [
    "Use the <think> tag.",
    "use the `<think>` tag",
    "Wrap it in `<think>` and `</think>`.",
    "`<think>x</think>` is how R1 thinks.",
    "The `<think>\nx</think>` block",
    "Models wrap thoughts in <think> and </think> tags.",
    "Models wrap thoughts in <think>...</think> before they answer.",
    'It looks for "<think>" and "</think>".',
    "A </think> tag ends it.",
    "The tags (<think>, </think>) are special tokens.",
    "1. <think> opens it.\n2. </think> ends it.",
    "| <think> | opens |\n| </think> | ends |",
    "**<think>** opens, **</think>** ends it.",
    r"Write \<think> with a backslash.",
    "התגית <think> פותחת את המחשבה, והתגית </think> סוגרת אותה.",
    "השתמשו בתגית `<think>`.",
    "```\n<think>x</think>\n```",
    "```xml\n<think>\nx\n</think>\nFour\n```\nThat was it.",
    "~~~\n</think>\n~~~",
    "- So:\n  ```\n  <think>x</think>\n  ```\n",
    "````md\n```\n<think>x</think>\n```\n````",
    "```<think>``` is it.",
    "Harmony writes `<|channel|>analysis<|message|>`.",
    "```\n<|start|>assistant<|channel|>final<|message|>x<|return|>\n```",
    "The tokens <|start|> and <|channel|> and <|message|> frame it.",
    "Mistral writes `[THINK]`.",
    "if a < b and c > d: <b>x</b> <thin> </div>",
    "[link](https://e.org) [T] [/] [THIN",
    "Analysis of the data: fine.",
    "[thinking](https://e.org) about it",
    "[reasoning]: https://e.org",
    "[Reasoning] is what it does.",
    "The [reasoning] part and the [think] part.",
    "[Reflection] of light",
    "The tokens <|content|> and <|begin|>assistant and <|end|> frame it.",
    "The answer stands in <|answer|> there.",
    "analysis of it",
    "Okay, so here is the answer.",
    "The user can log in.",
    "I think </b> so",
    "<answer>42</answer>",
    "a ` b\n\n<b>",
    # code of every form
    "    <think>\n    a\n    </think>\nb",
    "So:\n\n    <think>a</think>\n    <answer>b</answer>\n\nThat was it.",
    "So:\n\n\t<think>\n\n\ta\n\t</think>\n\nThat was it.",
    "So:\n\n    x = '<think>' + a\n    </think>\n",
    "<code><think></code> opens",
    "<code><think>x</think></code> is how R1 thinks.",
    "<pre>\n<think>x</think>\n</pre>\nFour",
    '<pre lang="xml"><code class="x">\n<think>\nx\n</think>\n</code></pre>\nFour',
    "<CODE></think></CODE> ends it.",
    # pairs that only show how it is written
    "Use XML like <reasoning>why</reasoning> and <answer>x</answer>.",
    "Write it as <thinking>your steps</thinking>, then the answer.",
    "Use this template:\n\n<reasoning>\n{why}\n</reasoning>\n<answer>\n{answer}\n</answer>",
    "Use this template:\n<thinking>\n[your steps]\n</thinking>\nand so on",
    "It writes\n<think>\n...\n</think>\nand the answer.",
    # sentences that begin with a mark
    "<think> is the tag that reasoning models use. It ends with </think>.",
    "<think> is the tag that reasoning models use.",
    "<think> and </think> are special tokens.",
    "[THINK] opens a thought of Mistral's.",
    "Cohere's tokens are <|START_THINKING|> and <|END_THINKING|>.",
    "Kimi writes ◁think▷ before and ◁/think▷ after it.",
    "[thinking]\nIt has no end, so it is a heading.",
    # marks behind a whole answer
    "[Think] about [think] and [Reasoning]\n[reasoning]\nx",
]


def parts_of(text: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(cuts), len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


def streamed(parts: list[str]) -> tuple[str, list[str]]:
    """What is left at the end, and what was shown at each moment."""
    reader, shown, moments = ThoughtFilter(), "", []
    for seen in [*map(reader.feed, parts), reader.finish()]:
        shown = seen.text if seen.restarted else shown + seen.text
        moments.append(shown)
    return shown, moments


@pytest.mark.parametrize("form", WRITTEN)
def test_what_was_thought_is_left_out_and_the_answer_is_whole(form: str) -> None:
    text = form.format(t=THOUGHT, a=ANSWER)

    assert without_thoughts(text).strip() == ANSWER
    assert streamed(list(text))[0].strip() == ANSWER


@pytest.mark.parametrize("form", UNENDED)
def test_a_thought_that_never_ends_leaves_nothing(form: str) -> None:
    assert streamed(list(form.format(t=THOUGHT)))[0].strip() == ""


@pytest.mark.parametrize("mark", ["</think>", "\n</think>\n", "[/THINK]", "<unused95>", "\n\n</think>\n</think>"])
def test_an_end_behind_the_whole_answer_takes_nothing_away(mark: str) -> None:
    text, moments = streamed(list(ANSWER + mark))

    assert text.strip() == ANSWER
    assert "" not in moments[1:], "nor does it vanish for a moment"
    reader = ThoughtFilter()
    reader.feed(ANSWER + mark)
    assert not reader.ended_without_begin


def test_an_end_behind_a_monologue_leaves_nothing() -> None:
    assert without_thoughts(f"Okay, so {THOUGHT}</think>") == ""
    held = ThoughtFilter(hold_back=True)
    assert (held.feed(f"{THOUGHT}</think>").text, held.finish().text) == ("", "")


@pytest.mark.parametrize("text", KEPT)
def test_text_that_speaks_of_the_marks_is_left_alone(text: str) -> None:
    assert without_thoughts(text) == text
    assert streamed(list(text))[0] == text


def test_an_answer_goes_on_around_a_thought() -> None:
    assert without_thoughts("Let me see. <think>plan</think>Four.") == "Let me see. Four."
    assert without_thoughts("One.\n<think>plan</think>\nTwo.") == "One.\n\nTwo."
    assert without_thoughts("One.<thinking>plan") == "One."
    assert without_thoughts("<think>plan</think>Two and <think>plan</think> two") == "Two and  two"


@pytest.mark.parametrize("form", [form for form in WRITTEN if not form.startswith("{t}")])
def test_no_moment_of_a_stream_shows_a_thought_that_began_with_a_mark(form: str) -> None:
    _, moments = streamed(list(form.format(t=THOUGHT, a=ANSWER)))

    # `{t}` behind an inner end is told only by the outer one.
    assert not any("secr" in moment for moment in moments) or form.count("{t}") > 2
    assert not any(set(moment) & set("<|[◁") for moment in moments) or form.count("{t}") > 2


def test_a_monologue_is_held_back_until_its_end_says_what_it_was() -> None:
    text = "Okay, so the user wants a number.\nLet me add.\n</think>\nFour."
    assert streamed(list(text))[1][:-1].count("") >= len(text) - 6, "nothing of it is shown"

    answer = "Okay, so this is how: add them."
    shown, moments = streamed(list(answer))
    assert (shown, set(moments[:-1])) == (answer, {""}), "and an answer that only begins so comes whole"


def test_plain_text_is_given_out_as_it_comes() -> None:
    reader = ThoughtFilter()
    assert [reader.feed(part).text for part in ("של", "ום", " wor", "ld")] == ["של", "ום", " wor", "ld"]


def test_a_server_that_leaves_out_the_first_mark_is_told_and_can_be_held() -> None:
    reader = ThoughtFilter()
    reader.feed("plan</think>Four.")
    assert reader.ended_without_begin
    proper = ThoughtFilter()
    proper.feed("<think>plan</think>Four.")
    assert not proper.ended_without_begin

    held = ThoughtFilter(hold_back=True)
    assert [held.feed(part).text for part in ("pl", "an", "</think>", "Fo", "ur.")] == ["", "", "", "Fo", "ur."]
    unmarked = ThoughtFilter(hold_back=True)
    assert (unmarked.feed("Four.").text, unmarked.finish().text) == ("", "Four.")


# ---- any text, cut anywhere

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
