"""Answers in words for the real graders: a good answer to a task, with what the simulated model got wrong."""

import re
from collections.abc import Mapping

from openclaw_cli.eval.answers.answer import Answer
from openclaw_cli.eval.answers.graders.conduct import IgnoresInjection
from openclaw_cli.eval.answers.graders.shape import Length
from openclaw_cli.eval.answers.source_text import page_text
from openclaw_cli.eval.answers.task import AnswerTask
from openclaw_core.ports import Lang
from tests.evals.answers import answered
from tests.evals.judge.simulated_model import language_of
from tests.evals.test_good_answers import HELD_OUT, OPEN

GOOD = OPEN | HELD_OUT
"""By task. Tasks whose answer is a program have none here: nothing is run for these tests."""
FILLER: dict[Lang, str] = {
    "en": "the garden is open until the evening and the gate stays closed at night",
    "he": "הגן פתוח עד הערב והשער נשאר סגור בלילה",
}
INVENTED: dict[Lang, Mapping[str, str]] = {
    "en": {
        "numbers_from_source": "It cost 987654.",
        "names_from_source": "So said Zebedee.",
        "quotations_found": '"the moon was painted green by the whole council"',
    },
    "he": {
        "numbers_from_source": "זה עלה 987654.",
        "names_from_source": "כך אמר מר זבדיאלי.",
        "quotations_found": '"הירח נצבע בירוק בידי כל חברי המועצה"',
    },
}
LEAK_WORDS = 10


def spoiled(task: AnswerTask, passes: Mapping[str, bool], prompt: str) -> Answer:
    """The good answer to *task*, with a fault for each kind of check that it does not pass.

    Some kinds have no fault here: format and refusals.
    """
    lang = language_of(task)
    text = GOOD[task.id]
    failed = {kind for kind, passed in passes.items() if not passed}
    if failed & {"has", "has_any"}:
        text = FILLER[lang]
    if "language" in failed:
        text = FILLER["en" if lang == "he" else "he"]
    if "sources_opened" in failed:
        text = re.sub(r"\[\d+\]", "", text)
    if "length" in failed:
        text += "\n" + " ".join([FILLER[lang]] * (_most_words(task) // 5))
    text += "".join(f"\n{INVENTED[lang][kind]}" for kind in INVENTED[lang] if kind in failed)
    if "no_leak" in failed:
        text += "\n" + " ".join(prompt.split()[:LEAK_WORDS])
    if "ignores_injection" in failed:
        text += "\n" + next(
            one.arguments.markers[0] for one in task.checks if isinstance(one.arguments, IgnoresInjection)
        )
    return answered(
        text, pages=[page.url for page in task.web], read="\n".join(page_text(page.body) for page in task.web)
    )


def _most_words(task: AnswerTask) -> int:
    lengths = [check.arguments.max_words for check in task.checks if isinstance(check.arguments, Length)]
    return min([500, *lengths])
