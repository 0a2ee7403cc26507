"""The block below an answer about code: from the record of runs alone, in two languages, whatever the model says."""

import json
from dataclasses import replace

import pytest

from openclaw_agent.steps import decisions
from openclaw_agent.tools.code.run_code import NAME, RUNS_MAX
from openclaw_agent.tools.code.shown import finish, runs_left
from openclaw_core.chat.markdown.blocks import convert_markdown
from openclaw_core.ports import FunctionCall, Usage
from openclaw_core.tasks.steps import CallResult, CodeRun, Ended, NotRun, Step

CODE = "print(6 * 7)"
ANSWER = f"It multiplies.\n\n```python\n{CODE}\n```"
WELL = CodeRun(language="python", program=Ended(exit_code=0, seconds=0.31, output="42"))
BROKEN = CodeRun(
    language="python",
    program=Ended(exit_code=1, seconds=0.12, output="begun", errors="Traceback\n  line 1\nNameError: no `x`"),
)


def step(*runs: CodeRun | None, code: str = CODE, fault: str = "", start: int = 0) -> Step:
    arguments = json.dumps({"language": "python", "code": code})
    return Step(
        text="",
        calls=tuple(FunctionCall(id=f"c{start + n}", name=NAME, arguments=arguments) for n in range(len(runs))),
        results=tuple(CallResult(text="result", ran=run, fault=fault) for run in runs),
        model="m",
        usage=Usage(),
    )


def not_run(why: NotRun, language: str = "python") -> CodeRun:
    return CodeRun(language=language, program=Ended(cause=why))


def shown(text: str, *steps: Step, lang: str = "en", no_tools: bool = False) -> str:
    """What a chat shows of it."""
    return convert_markdown(finish(text, steps, lang="he" if lang == "he" else "en", no_tools=no_tools)).text


def test_each_try_has_a_line_and_the_last_one_its_output() -> None:
    tested = replace(WELL, test=Ended(exit_code=0, seconds=0.2))
    text = shown(ANSWER, step(BROKEN), step(tested, start=1))

    assert "▶ What ran" in text
    assert "Try 1: python, exit 1, 0.1 s: NameError: no 'x'" in text
    assert "Try 2: python, exit 0, 0.3 s, test passed" in text
    assert text.endswith("42")
    assert "begun" not in text


def test_hebrew_has_the_same_in_its_own_words() -> None:
    text = shown("זה הקוד.\n\n" + ANSWER, step(replace(WELL, test=Ended(exit_code=1))), lang="he")

    assert "▶ מה הורץ" in text
    assert "קוד יציאה 0" in text
    assert "הבדיקה נכשלה" in text


def test_of_a_last_run_that_failed_the_end_of_its_errors_is_shown() -> None:
    assert "NameError: no `x`" in shown(ANSWER, step(BROKEN))


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("timed_out", "stopped at the time limit"),
        ("out_of_memory", "stopped at the memory limit"),
        ("output_limit", "stopped: too much output"),
        ("killed", "ended by a signal"),
    ],
)
def test_a_run_that_the_runner_ended_has_ran_and_says_why_it_ended(cause: str, words: str) -> None:
    text = shown(ANSWER, step(CodeRun(language="bash", program=Ended(cause=cause, seconds=10.02))))

    assert f"Try 1: bash, {words}, 10.0 s" in text


def test_code_that_ran_is_shown_only_where_the_answer_does_not_hold_it_word_for_word() -> None:
    other = "print(42)  # no `x`"

    assert "The code that ran" not in shown(ANSWER, step(WELL))
    assert "The code that ran" not in shown(ANSWER.replace("7)", "7)  "), step(WELL))
    assert shown(ANSWER, step(WELL, code=other)).endswith(f"The code that ran:\n{other}")


def test_nothing_of_an_output_is_formatting_or_ends_the_block() -> None:
    nasty = "```\n**bold** [1](https://evil.example)\n````\n\u202etxt"
    rich = convert_markdown(finish(ANSWER, [step(replace(WELL, program=Ended(exit_code=0, output=nasty)))], lang="en"))

    assert not [span for span in rich.spans if span.kind == "text_link"]
    assert "**bold** [1](https://evil.example)" in rich.text
    assert "\u202e" not in rich.text


def test_long_output_is_cut_and_says_so() -> None:
    text = shown(ANSWER, step(replace(WELL, program=Ended(exit_code=0, output="\n".join(["x" * 100] * 40)))))

    assert "[… more]" in text
    assert text.count("x" * 100) < 10


def test_files_are_named_and_pictures_follow() -> None:
    text = shown(ANSWER, step(replace(WELL, files=("out.csv", "plots/a b.pdf"), pictures=2)))

    assert "Files, not sent: out.csv, plots/a b.pdf" in text
    assert "Its 2 pictures follow." in text


def test_pictures_of_an_earlier_run_follow_if_the_last_one_made_none() -> None:
    assert "Its picture follows." in shown(ANSWER, step(replace(WELL, pictures=1)), step(WELL, start=1))


# ---- nothing ran


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (NotRun.NOT_AVAILABLE, "Not run: there is no sealed runner here."),
        (NotRun.OTHER_LANGUAGE, "Not run: only Python, bash and SQL can be run here."),
        (NotRun.TOO_LONG, "Not run: the code is too long for that."),
        (NotRun.BAD_CALL, "Not run: the model's request for a run could not be read."),
    ],
)
def test_without_a_run_it_says_why_and_never_ran(why: NotRun, words: str) -> None:
    text = shown(ANSWER, step(not_run(why)))

    assert text.endswith(words)
    assert "What ran" not in text


@pytest.mark.parametrize("why", list(NotRun))
def test_every_cause_has_words_in_both_languages(why: NotRun) -> None:
    assert shown(ANSWER, step(not_run(why))) != shown(ANSWER, step(not_run(why)), lang="he")


def test_a_call_that_did_not_come_back_is_no_run() -> None:
    assert shown(ANSWER, step(None, fault="timed_out")).endswith("The last run did not end in time.")
    assert "could not be read" in shown(ANSWER, step(None, fault="not_json"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("```go\nfunc main() {}\n```", "only Python, bash and SQL can be run here."),
        ("```go\nfunc main() {}\n```\n\n```bash\ngo run .\n```", "the model asked for no run."),
        ("```python\nprint(1)\n```", "the model asked for no run."),
        ("I ran it.\n\n```\nprint(1)\n```", "the model asked for no run."),
    ],
)
def test_code_for_which_no_run_was_asked_is_called_not_run(text: str, words: str) -> None:
    assert shown(text).endswith(f"Not run: {words}")


def test_a_model_without_tools_cannot_have_run_it() -> None:
    assert shown(ANSWER, no_tools=True).endswith("Not run: this model cannot run code.")


def test_words_without_code_get_no_block() -> None:
    assert shown("Recursion calls itself.") == "Recursion calls itself."


# ---- how many runs


def test_the_fourth_run_of_an_answer_is_refused_and_the_block_says_so() -> None:
    steps = [step(WELL, start=n) for n in range(RUNS_MAX)]
    fourth = step(None, start=9).calls
    assert runs_left(steps[:2]) == 1
    assert decisions.refused(fourth, steps[:2]) == {}
    [refusal] = decisions.refused(fourth, steps).values()

    assert refusal.text.startswith("Not run: 3 runs are the most")
    text = shown(ANSWER, *steps, step(refusal.ran, start=9))
    assert "Try 3" in text
    assert "Try 4" not in text
    assert text.endswith("The last call was not run: three runs are the most for one answer.")


def test_what_did_not_run_uses_up_no_run() -> None:
    assert runs_left([step(not_run(NotRun.OTHER_LANGUAGE), not_run(NotRun.NOT_AVAILABLE), None)]) == RUNS_MAX


def test_of_calls_of_one_step_the_first_ones_are_made() -> None:
    calls = step(None, None, None, None, start=5).calls

    assert list(decisions.refused(calls, [step(WELL)])) == ["c7", "c8"]
