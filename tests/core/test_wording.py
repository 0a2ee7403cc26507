"""Every sentence exists in both languages, says what to do, and carries nothing that it should not."""

import re
import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw_core.ports import Lang
from openclaw_core.roles.values import Role, Roles, Router
from openclaw_core.tasks.outcome import Cause
from openclaw_core.texts import spending, wording
from openclaw_core.texts.language import LANGS, hebrew_share, is_hebrew, lang_of
from openclaw_core.texts.wording import Label, Sentence

POOL_CAUSES = (Cause.IMAGE, Cause.CONTAINER_CONFIG, Cause.NO_ROOM, Cause.ADMISSION, Cause.QUOTA)


def role(name: str, command: str) -> Role:
    return Role(
        name=name,
        command=command,
        titles={"en": name.title(), "he": "עוזר"},
        descriptions={"en": f"does {name}", "he": f"עושה {name}"},
        emoji="🔎",
        when="",
        prompt="",
        models=("m",),
        tools=(),
        max_answer_tokens=1,
        history_tokens=1,
        temperature=None,
        reasoning_effort=None,
        template="agent",
    )


ROLES = Roles(
    roles={"researcher": role("researcher", "research"), "coder": role("coder", "code")},
    default="researcher",
    router=Router(models=(), prompt="", budget_s=2, max_tokens=1, reasoning_effort=None),
    models={},
)

USED = [
    ("user", "day", "tokens", 12_300, 300_000),
    ("user", "day", "micro_usd", 4_200, 0),
    ("user", "month", "tokens", 45_000, 0),
    ("user", "month", "micro_usd", 420_000, 5_000_000),
    ("chat", "day", "tokens", 900, 800),
]

WITH_PARTS: dict[str, Callable[[Lang], str]] = {
    "start": lambda lang: wording.start_reply(ROLES, lang),
    "help": lambda lang: wording.help_reply(ROLES, lang),
    "role_chosen": lambda lang: wording.role_chosen(ROLES, "coder", lang),
    "stopped": lambda lang: wording.stop_reply(running=1, waiting=3, lang=lang),
    "status": lambda lang: wording.status_reply(running_s=5, waiting_s=(70, 8), lang=lang),
    "chat_full": lambda lang: wording.chat_full(20, lang),
    "no_access": lambda lang: wording.no_access(4711, lang),
    "file_too_large": lambda lang: wording.file_too_large(20, lang),
    "rest_is_in_file": lambda lang: wording.rest_is_in_file("a.py", lang),
    "duration": lambda lang: wording.duration(3700, lang),
    "budget day": lambda lang: spending.limit_reached("user day 2026-12-01 00:00 UTC", lang) or "",
    "budget month": lambda lang: spending.limit_reached("all month 2026-12-01 00:00 UTC", lang) or "",
    "budget near": lambda lang: spending.limit_near("chat", "month", 83, lang),
    "usage": lambda lang: spending.usage_reply(USED, next_day="2026-12-01", next_month="2026-12-01", lang=lang),
    "stopped_mark": lambda lang: wording.with_stopped_mark("", lang),
}


def every_sentence(lang: Lang) -> dict[str, str]:
    return {
        **{what: wording.sentence(what, lang) for what in Sentence},
        **{f"failed {cause}": wording.failure(cause, lang) for cause in Cause},
        **{f"waiting {cause}": wording.pool_wait(cause, lang) for cause in Cause},
        **{button: wording.label(button, lang) for button in Label},
        **{name: make(lang) for name, make in WITH_PARTS.items()},
    }


def has_hebrew(text: str) -> bool:
    return any(map(is_hebrew, text))


def test_every_sentence_is_said_in_both_languages() -> None:
    english, hebrew = every_sentence("en"), every_sentence("he")

    for name, text in english.items():
        assert text.strip(), name
        assert not has_hebrew(text) or name == Sentence.DEMO_NO_HEBREW, name
        assert hebrew[name] != text, name
        assert has_hebrew(hebrew[name]), name
        assert hebrew_share(hebrew[name]) > 0.3 or name in ("rest_is_in_file", Sentence.DEMO_NO_HEBREW), name


@pytest.mark.parametrize("lang", LANGS)
def test_no_sentence_shows_a_placeholder_or_an_internal_word(lang: Lang) -> None:
    for name, text in every_sentence(lang).items():
        assert not re.search(r"[{}]|None|Error|Exception|Traceback|\bpod\b|\bJob\b|Kubernetes|Redis", text), name
        assert len(text.encode("utf-16-le")) // 2 <= 4096, name


@pytest.mark.parametrize("lang", LANGS)
def test_each_cause_has_its_own_sentence_that_says_what_to_do(lang: Lang) -> None:
    sentences = [wording.failure(cause, lang) for cause in Cause]
    advice = {"en": r"[Tt]ry again|Send|send|Put", "he": r"לנסות|נסו|שלחו|נסחו"}[lang]

    assert len(set(sentences)) == len(sentences)
    assert all(re.search(advice, sentence) for sentence in sentences)


@pytest.mark.parametrize("lang", LANGS)
def test_a_wait_has_its_own_sentence_for_each_cause_of_a_pool(lang: Lang) -> None:
    assert len({wording.pool_wait(cause, lang) for cause in POOL_CAUSES}) == len(POOL_CAUSES)
    assert wording.pool_wait(Cause.CRASH, lang) not in {wording.pool_wait(cause, lang) for cause in POOL_CAUSES}


@pytest.mark.parametrize("lang", LANGS)
def test_help_names_every_role_and_command(lang: Lang) -> None:
    shown = wording.help_reply(ROLES, lang)
    menu = wording.commands(ROLES, lang)

    assert [name for name, _ in menu] == [
        "research",
        "code",
        "new",
        "stop",
        "retry",
        "status",
        "usage",
        "why",
        "forget",
        "lang",
        "help",
    ]
    for name, description in menu:
        assert f"/{name} " in shown
        assert 1 <= len(description) <= 256
        assert set(name) <= set(string.ascii_lowercase)


@pytest.mark.parametrize("lang", LANGS)
def test_button_labels_are_short(lang: Lang) -> None:
    assert all(len(wording.label(button, lang)) <= 24 for button in Label)
    assert wording.role_label(ROLES, "coder", "en") == "🔎 Coder"


@pytest.mark.parametrize(
    ("running", "waiting", "en", "he"),
    [
        (1, 0, "⏹ Stopped the running answer.", "⏹ התשובה שרצה נעצרה."),
        (0, 1, "⏹ Stopped 1 waiting question.", "⏹ שאלה אחת ירדה מהתור."),
        (1, 1, "⏹ Stopped the running answer and 1 waiting question.", "⏹ התשובה שרצה נעצרה, ושאלה אחת ירדה מהתור."),
        (1, 4, "⏹ Stopped the running answer and 4 waiting questions.", "⏹ התשובה שרצה נעצרה, ו־4 שאלות ירדו מהתור."),
    ],
)
def test_stop_counts_what_it_stopped(running: int, waiting: int, en: str, he: str) -> None:
    assert wording.stop_reply(running=running, waiting=waiting, lang="en") == en
    assert wording.stop_reply(running=running, waiting=waiting, lang="he") == he


def test_stop_says_when_there_was_nothing() -> None:
    assert wording.stop_reply(running=0, waiting=0, lang="en") == wording.sentence(Sentence.NOTHING_TO_STOP, "en")


def test_status_says_what_runs_and_waits_and_for_how_long() -> None:
    assert wording.status_reply(running_s=65, waiting_s=(130, 10), lang="en") == (
        "▶️ Running for 1 min\n⏳ 2 questions waiting, the first for 2 min"
    )
    assert wording.status_reply(running_s=None, waiting_s=(3.9,), lang="he") == "⏳ שאלה אחת ממתינה כבר 3 שנ׳"
    assert wording.status_reply(running_s=None, lang="en") == wording.sentence(Sentence.STATUS_NOTHING, "en")


@pytest.mark.parametrize(
    ("seconds", "en", "he"),
    [
        (-1, "0 s", "0 שנ׳"),
        (59.9, "59 s", "59 שנ׳"),
        (120, "2 min", "2 דק׳"),
        (3600, "1 h", "1 שע׳"),
        (3900, "1 h 5 min", "1 שע׳ ו־5 דק׳"),
    ],
)
def test_durations_in_words(seconds: float, en: str, he: str) -> None:
    assert (wording.duration(seconds, "en"), wording.duration(seconds, "he")) == (en, he)


def test_usage_says_what_is_used_and_what_is_left() -> None:
    english = spending.usage_reply(USED, next_day="2026-12-01 00:00 UTC", next_month="2027-01-01 00:00 UTC", lang="en")
    assert english.splitlines() == [
        "📊 You",
        "Today: 287,700 of 300,000 tokens left; $0.0042 used",
        "This month: 45,000 tokens used; $4.58 of $5.00 left",
        "",
        "📊 This chat",
        "Today: 0 of 800 tokens left",
        "",
        "A new day begins at 2026-12-01 00:00 UTC, a new month at 2027-01-01 00:00 UTC.",
    ]


def test_a_refusal_says_whose_budget_it_was_and_when_it_goes_on() -> None:
    assert wording.failure(Cause.BUDGET, "en", "user day 2026-12-01 00:00 UTC") == (
        "⚠️ Your budget for today is used up. It goes on at 2026-12-01 00:00 UTC; try again then."
    )
    for unknown in ("", "user", "user week 2026", "nobody day x"):
        assert wording.failure(Cause.BUDGET, "en", unknown) == wording.failure(Cause.BUDGET, "en")


def test_refused_users_learn_their_id_and_the_way_in() -> None:
    for lang in LANGS:
        assert "4711" in wording.no_access(4711, lang)
        assert "ALLOWED_USER_IDS" in wording.no_access(4711, lang)


def test_the_demo_model_says_in_both_languages_that_it_knows_no_hebrew() -> None:
    for lang in LANGS:
        text = wording.sentence(Sentence.DEMO_NO_HEBREW, lang)
        assert "only English" in text
        assert "רק אנגלית" in text
        assert text.count("GROQ_API_KEY") == 2


def test_a_stopped_preview_keeps_its_text_and_a_bare_placeholder_does_not() -> None:
    assert wording.with_stopped_mark("Half an ans ", "en") == "Half an ans\n\n⏹ Stopped"
    assert wording.with_stopped_mark(f"{wording.PLACEHOLDER} 🔎 Coder", "en") == "⏹ Stopped"


@pytest.mark.parametrize(
    ("text", "stored", "language_code", "lang"),
    [
        ("מה שלומך?", "en", "en", "he"),
        ("how are you?", "he", "he", "en"),
        ("תסביר לי את useEffect", None, None, "he"),
        ("what does שלום mean in English?", None, "he", "en"),
        ("👍 123", "he", "en", "he"),
        ("/help", "he", "en", "he"),
        ("/code@some_bot תכתוב מיון", None, "en", "he"),
        ("https://example.com/a/long/path", None, "he", "he"),
        ("@some_bot תסכם את https://example.com/a/long/path", None, "en", "he"),
        ("", None, "he-IL", "he"),
        ("", None, "iw", "he"),
        ("", None, "ru", "en"),
        ("", None, None, "en"),
        ("", "en", "he", "en"),
    ],
)
def test_answers_follow_the_message_and_notices_the_choice(
    text: str, stored: Lang | None, language_code: str | None, lang: Lang
) -> None:
    assert lang_of(text, stored=stored, language_code=language_code) == lang


@given(st.text(), st.none() | st.text(max_size=8))
def test_any_message_has_a_language(text: str, language_code: str | None) -> None:
    assert lang_of(text, language_code=language_code) in LANGS
