"""What a model thinks is taken out of what it says; what it says about thinking stays."""

import pytest

from openclaw_core.models.thought_filter import ThoughtFilter, without_thoughts
from tests.core.written_thoughts import ANSWER, KEPT, THOUGHT, UNENDED, WRITTEN, streamed


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
