"""The words of the block below an answer whose model may run code: what ran, how it ended, and why something did not."""

import re

from openclaw_core.ports import Lang
from openclaw_core.tasks.steps import CodeRun, Ended, NotRun

Words = dict[Lang, str]

HEADING: Words = {"en": "▶ What ran", "he": "▶ מה הורץ"}
CODE: Words = {"en": "The code that ran", "he": "הקוד שהורץ"}
OUTPUT_CUT: Words = {"en": "[… more]", "he": "[… עוד]"}

NOT_RUN: dict[str, Words] = {
    NotRun.NOT_AVAILABLE: {
        "en": "Not run: there is no sealed runner here.",
        "he": "לא הורץ: אין כאן סביבה מבודדת להרצת קוד.",
    },
    NotRun.OTHER_LANGUAGE: {
        "en": "Not run: only Python, bash and SQL can be run here.",
        "he": "לא הורץ: אפשר להריץ כאן רק Python, ‏bash ו־SQL.",
    },
    NotRun.TOO_LONG: {"en": "Not run: the code is too long for that.", "he": "לא הורץ: הקוד ארוך מדי להרצה."},
    NotRun.LIMIT: {
        "en": "The last call was not run: three runs are the most for one answer.",
        "he": "הבקשה האחרונה לא הורצה: שלוש הרצות הן המרב לתשובה אחת.",
    },
    NotRun.BAD_CALL: {
        "en": "Not run: the model's request for a run could not be read.",
        "he": "לא הורץ: אי אפשר היה לקרוא את בקשת ההרצה של המודל.",
    },
    NotRun.NO_END: {"en": "The last run did not end in time.", "he": "ההרצה האחרונה לא הסתיימה בזמן."},
}
"""By the cause of a record."""
NOT_ASKED: Words = {"en": "Not run: the model asked for no run.", "he": "לא הורץ: המודל לא ביקש הרצה."}
NO_TOOLS: Words = {"en": "Not run: this model cannot run code.", "he": "לא הורץ: המודל הזה לא יכול להריץ קוד."}

_ENDED_AT: dict[str, Words] = {
    "timed_out": {"en": "stopped at the time limit", "he": "נעצר במגבלת הזמן"},
    "out_of_memory": {"en": "stopped at the memory limit", "he": "נעצר במגבלת הזיכרון"},
    "too_many_processes": {"en": "stopped: too many processes", "he": "נעצר: יותר מדי תהליכים"},
    "output_limit": {"en": "stopped: too much output", "he": "נעצר: יותר מדי פלט"},
    "folder_limit": {"en": "stopped: too much in files", "he": "נעצר: יותר מדי בקבצים"},
}
_KILLED: Words = {"en": "ended by a signal", "he": "הסתיים באות"}

_OF_THE_BLOCK = re.compile(
    r"""(?: [▶►▷⏵]?\s* (?:what\ ran|מה\ הורץ) \s*:?
      | (?:try|ניסיון)\ \d+:\ [^,\n]{1,40},\ (?:exit\ -?\d|stopped|ended\ by|קוד\ יציאה|נעצר|הסתיים) .*
      | its\ (?:\d+\ )?pictures?\ follows?\. | (?:התמונה|\d+\ תמונות)\ בהמשך\.
      | (?:files,\ not\ sent|קבצים,\ לא\ נשלחו): .* | (?:the\ code\ that\ ran|הקוד\ שהורץ) :? )""",
    re.IGNORECASE | re.VERBOSE,
)


def claims_run(line: str) -> bool:
    """Whether *line*, without marks of Markdown, is one that only the block may have: its heading, a try, what it says
    of files and pictures.
    """
    return _OF_THE_BLOCK.fullmatch(line) is not None


def why_not_run(cause: str, lang: Lang) -> str:
    """Why code was not run; *cause* is that of its record."""
    return NOT_RUN.get(cause, NOT_RUN[NotRun.BAD_CALL])[lang]


def run_line(run: CodeRun, n: int, lang: Lang) -> str:
    """`Try 2: python, exit 0, 0.3 s, test passed`."""
    parts = [_end(run.program, lang), _seconds(run.program, lang)]
    if run.test is not None:
        parts.append(_test(run.test, lang))
    start = {"en": f"Try {n}: {run.language}", "he": f"ניסיון {n}: ‎{run.language}‎"}[lang]
    return ", ".join([start, *parts])


def files_line(names: tuple[str, ...], lang: Lang) -> str:
    """Names are ASCII letters, digits and `_.+-() /`, so they are in code."""
    listed = ", ".join(f"`{name}`" for name in names)
    return {"en": f"Files, not sent: {listed}", "he": f"קבצים, לא נשלחו: {listed}"}[lang]


def pictures_line(count: int, lang: Lang) -> str:
    if lang == "he":
        return "התמונה בהמשך." if count == 1 else f"{count} תמונות בהמשך."
    return "Its picture follows." if count == 1 else f"Its {count} pictures follow."


def _end(ended: Ended, lang: Lang) -> str:
    if ended.exit_code is not None:
        return {"en": f"exit {ended.exit_code}", "he": f"קוד יציאה {ended.exit_code}"}[lang]
    return _ENDED_AT.get(ended.cause, _KILLED)[lang]


def _test(test: Ended, lang: Lang) -> str:
    if test.exit_code == 0:
        return {"en": "test passed", "he": "הבדיקה עברה"}[lang]
    if test.exit_code is not None:
        return {"en": "test failed", "he": "הבדיקה נכשלה"}[lang]
    return {"en": "test ", "he": "הבדיקה: "}[lang] + _end(test, lang)


def _seconds(ended: Ended, lang: Lang) -> str:
    return f"{ended.seconds:.1f} s" if lang == "en" else f"{ended.seconds:.1f} שנ׳"
