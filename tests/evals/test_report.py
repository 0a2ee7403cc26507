"""The report shows what got worse and better side by side, hides what is held out, and no word of a model formats it."""

import json
import re

from openclaw_cli.eval.answers.comparing import AnsweredPair, Comparison, Graded, Left
from openclaw_cli.eval.answers.grading import Grade
from openclaw_cli.eval.answers.markdown import markdown_of
from openclaw_cli.eval.answers.report import Report, report_json, report_of
from openclaw_cli.eval.answers.verdict import Ruling
from openclaw_cli.eval.answers.versions import Version, work_tree
from tests.evals.answer_values import ROOT, answer, task

ROLES = work_tree(ROOT).roles
BEFORE, AFTER = Version(name="main (12345678)", roles=ROLES), Version(name="work tree", roles=ROLES)


def graded(markdown: str, *, passed: bool) -> Graded:
    why = "" if passed else "has no Hebrew"
    return Graded(answer=answer(markdown), grades=(Grade(kind="language", passed=passed, why=why),))


def pair(
    n: int, before: str = "good", after: str = "good", *, held_out: bool = False, message: str = "Shorten."
) -> AnsweredPair:
    return AnsweredPair(
        task=task(f"t{n}", held_out=held_out, message=message),
        sample=0,
        before=graded(before, passed="good" in before),
        after=graded(after, passed="good" in after),
    )


def report(*pairs: AnsweredPair, scripted: bool = False, left: dict[Left, int] | None = None) -> Report:
    found = Comparison(pairs=pairs, left=left or {}, asked=4, spent_micro_usd=1200)
    return report_of(found, BEFORE, AFTER, model="some/model", scripted=scripted)


def test_what_got_worse_and_better_has_both_answers_and_why() -> None:
    found = report(pair(1, after="bad"), pair(2, before="bad"), pair(3))

    assert [(one.task, one.before, one.after, one.lost) for one in found.worse] == [
        ("summarizer/t1", "good", "bad", ("language: has no Hebrew",))
    ]
    assert [one.task for one in found.better] == ["summarizer/t2"]
    text = markdown_of(found)
    assert "-good\n+bad" in text
    assert "lost language: has no Hebrew" in text
    assert "summarizer/t3" not in text


def test_answers_of_held_out_tasks_are_counted_and_nowhere_shown() -> None:
    found = report(pair(1, "good SECRET", "bad SECRET", held_out=True, message="SECRET"))

    assert (found.hidden, found.worse) == (1, ())
    assert found.held_out[0].counts.worse == 1
    for text in (markdown_of(found), json.dumps(report_json(found))):
        assert "SECRET" not in text
        assert "t1" not in text


def test_no_word_of_an_answer_or_a_message_ends_its_fence() -> None:
    hostile = "good\n````\n@everyone <img src=x>\n```"
    text = markdown_of(report(pair(1, hostile, f"{hostile}\nbad\n`````\n".replace("good", "worse"), message=hostile)))

    outside, fence = [], ""
    for line in text.splitlines():
        # As CommonMark reads it: up to three spaces before a fence, and one that closes has no words and is as long.
        mark = re.match(r" {0,3}(`{3,})(.*)", line)
        if fence:
            fence = "" if mark and len(mark[1]) >= len(fence) and not mark[2].strip() else fence
        elif mark:
            fence = mark[1]
        else:
            outside.append(line)
    assert text.count("@everyone") == 2
    assert not any("@everyone" in line or "<img" in line for line in outside)
    assert not fence


def test_a_long_report_stays_within_a_comment_and_says_what_it_leaves_out() -> None:
    text = markdown_of(report(*(pair(n, "good " + "word " * 300, "bad") for n in range(60))), max_chars=20_000)

    assert len(text) <= 20_000
    assert "more differences are on the page" in text


def test_the_scripted_model_gives_no_verdict() -> None:
    found = report(*(pair(n, after="bad") for n in range(40)), scripted=True)

    assert found.verdict.ruling is Ruling.NONE
    assert "no verdict" in markdown_of(found)
    assert report_json(found)["verdict"]["exit_code"] == 3


def test_pairs_that_were_not_asked_give_no_verdict() -> None:
    found = report(*(pair(n, after="bad") for n in range(40)), left={Left.NOT_ASKED: 1})

    assert found.verdict.ruling is Ruling.NONE
    assert "the limit is reached" in found.verdict.why


def test_pairs_that_could_not_be_graded_give_no_verdict() -> None:
    assert report(*(pair(n) for n in range(40)), left={Left.NOT_GRADED: 2}).verdict.ruling is Ruling.NONE


def test_cost_and_time_are_those_of_one_answer() -> None:
    found = report(pair(1), pair(2))

    assert (found.before.micro_usd, found.before.seconds, found.before.answers) == (100, 1.0, 2)
    assert "0.00010 USD" in markdown_of(found)


def test_the_figures_say_what_so_many_tasks_could_have_shown() -> None:
    assert "so few tasks could have shown no fall" in markdown_of(report(pair(1)))
    assert "a fall of" in markdown_of(report(*(pair(n) for n in range(40))))


def test_the_json_has_the_verdict_and_each_row() -> None:
    found = report_json(report(*(pair(n, after="bad") for n in range(40))))

    assert (found["v"], found["verdict"]["ruling"], found["verdict"]["exit_code"]) == (1, "worse", 1)
    assert found["subjects"][0]["name"] == "summarizer: all checks"
    assert (found["subjects"][0]["passed_before"], found["subjects"][0]["passed_after"]) == (40, 0)
