"""Pairs of answers for tests of reports, in both languages: a change of the Summarizer that lost what makes it short
and in the reader's language.
"""

from openclaw_cli.eval.answers.answer import Answer
from openclaw_cli.eval.answers.comparing import AnsweredPair, Comparison, Graded, Left
from openclaw_cli.eval.answers.grading import Grade
from openclaw_cli.eval.answers.report import Report, report_of
from openclaw_cli.eval.answers.versions import Version, work_tree
from openclaw_core.ports import Lang
from tests.evals.answer_values import ROOT, task

ROLES = work_tree(ROOT).roles
BEFORE, AFTER = Version(name="main (12345678)", roles=ROLES), Version(name="work tree", roles=ROLES)

EN_MESSAGE = "Summarize: The garden committee met on 4 May. Dana will order 40 tulip bulbs by 12 May, for at most 90 euros. Yoav asks for a second tap; that is left open until June."
EN_BEFORE = "The committee settled the order of bulbs and left the second tap open.\n\n- Dana: order 40 tulip bulbs, until 12 May, for at most 90 euros\n- Second tap: left open until June"
EN_AFTER = "Here is a summary of your text! The committee settled the order of bulbs, which is great for spring, and left the second tap open.\n\n- Dana: order about 50 tulip bulbs, until 12 May, for 90 euros\n- Second tap: left open until June\n\nLet me know if you need anything else."
HE_MESSAGE = "תסכם: ועד הגינה נפגש ב-4 במאי. דנה תזמין עד 12 במאי 40 פקעות של צבעונים, ב-90 אירו לכל היותר. יואב מבקש ברז נוסף, וזה נשאר פתוח עד יוני."
HE_BEFORE = "הוועד סיכם על הזמנת הפקעות והשאיר את הברז פתוח.\n\n- דנה: להזמין 40 פקעות עד 12 במאי, עד 90 אירו\n- ברז נוסף: פתוח עד יוני"
HE_AFTER = "The committee settled the order of bulbs (הזמנת הפקעות) and left the tap open.\n\n- Dana: order 40 bulbs by 12 May, up to 90 euros\n- Second tap: open until June"
HE_WON = (
    "הוועד סיכם על הזמנת הפקעות.\n\n- דנה: להזמין 40 פקעות עד 12 במאי, עד 90 אירו\n- ברז נוסף: לא הוחלט, פתוח עד יוני"
)


def graded(markdown: str, *failed: str, seconds: float = 2.0, micro_usd: int = 410) -> Graded:
    """An answer that passes all checks but *failed*, each with its reason."""
    reasons = dict(one.split(": ", 1) for one in failed)
    kinds = ("language", "length", "numbers_from_source")
    grades = tuple(Grade(kind=kind, passed=kind not in reasons, why=reasons.get(kind, "")) for kind in kinds)
    return Graded(answer=Answer(markdown=markdown, micro_usd=micro_usd, seconds=seconds), grades=grades)


def pair(
    name: str,
    before: Graded,
    after: Graded,
    *,
    lang: Lang = "en",
    message: str = EN_MESSAGE,
    held_out: bool = False,
) -> AnsweredPair:
    return AnsweredPair(
        task=task(name, lang=lang, message=message, held_out=held_out), sample=0, before=before, after=after
    )


def report(*pairs: AnsweredPair, scripted: bool = False, left: dict[Left, int] | None = None) -> Report:
    found = Comparison(pairs=pairs, left=left or {}, asked=4, spent_micro_usd=1200)
    return report_of(found, BEFORE, AFTER, model="some/model", scripted=scripted)


def a_worse_summarizer() -> Report:
    """Forty tasks, of which a changed prompt lost a third."""
    good, good_he = graded(EN_BEFORE), graded(HE_BEFORE)
    added = graded(
        EN_AFTER, "length: has 41 words, at most 35", "numbers_from_source: has 50", seconds=2.6, micro_usd=520
    )
    english = graded(HE_AFTER, "language: 14 % of the letters are Hebrew", seconds=2.1)
    pairs = [pair(f"garden_{n}", good, added if n % 3 == 0 else good, held_out=n % 7 == 3) for n in range(20)]
    pairs += [
        pair(
            f"garden_{n}_he",
            good_he,
            english if n % 3 == 1 else good_he,
            lang="he",
            message=HE_MESSAGE,
            held_out=n % 7 == 3,
        )
        for n in range(19)
    ]
    won = graded(HE_AFTER, "language: 14 % of the letters are Hebrew")
    pairs.append(pair("minutes_he", won, graded(HE_WON), lang="he", message=HE_MESSAGE))
    return report(*pairs)
