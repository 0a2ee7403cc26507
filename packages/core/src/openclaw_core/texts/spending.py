"""What users read about budgets: that a limit is near or reached, and what is left."""

from collections.abc import Iterable

from openclaw_core.ports import Lang

_OF_DAY: dict[str, dict[Lang, str]] = {
    "user": {"en": "Your budget for today", "he": "התקציב שלכם להיום"},
    "chat": {"en": "The budget of this chat for today", "he": "התקציב של הצ׳אט הזה להיום"},
    "all": {"en": "The budget of this bot for today", "he": "התקציב של הבוט הזה להיום"},
}
_OF_MONTH: dict[str, dict[Lang, str]] = {
    "user": {"en": "Your budget for this month", "he": "התקציב שלכם לחודש הזה"},
    "chat": {"en": "The budget of this chat for this month", "he": "התקציב של הצ׳אט הזה לחודש הזה"},
    "all": {"en": "The budget of this bot for this month", "he": "התקציב של הבוט הזה לחודש הזה"},
}
_BY_PERIOD = {"day": _OF_DAY, "month": _OF_MONTH}
_HEADINGS: dict[str, dict[Lang, str]] = {
    "user": {"en": "📊 You", "he": "📊 אתם"},
    "chat": {"en": "📊 This chat", "he": "📊 הצ׳אט הזה"},
}
_PERIODS: dict[str, dict[Lang, str]] = {
    "day": {"en": "Today", "he": "היום"},
    "month": {"en": "This month", "he": "החודש"},
}


def limit_reached(budget: str, lang: Lang) -> str | None:
    """Why there is no answer, and when it goes on; None for what a newer release wrote.

    *budget* names the limit as the store does: whose, for which period, and when the next one begins: `user day 2026-12-01 00:00 UTC`.
    """
    scope, _, rest = budget.partition(" ")
    period, _, when = rest.partition(" ")
    named = _BY_PERIOD.get(period, {}).get(scope)
    if named is None or not when:
        return None
    return {
        "en": f"{named['en']} is used up. It goes on at {when}; try again then.",
        "he": f"{named['he']} נוצל. אפשר לנסות שוב החל מ־{_ltr(when)}.",
    }[lang]


def limit_near(scope: str, period: str, percent: int, lang: Lang) -> str:
    """That *percent* of a limit is spent. Raises KeyError for a scope or a period that is not known."""
    named = _BY_PERIOD[period][scope]
    return {
        "en": f"ℹ️ {named['en']} is {percent}% used. /usage shows what is left.",
        "he": f"ℹ️ {named['he']} נוצל ב־{_ltr(f'{percent}%')}. \u200e/usage מראה כמה נשאר.",
    }[lang]


def usage_reply(rows: Iterable[tuple[str, str, str, int, int]], *, next_day: str, next_month: str, lang: Lang) -> str:
    """The answer to /usage.

    Each row: whose (`user`, `chat`), which period, in what (`tokens`, `micro_usd`), spent, and the limit, 0 for none.

    Raises KeyError for a name that is not known.
    """
    lines: list[str] = []
    heading, line = "", ""
    for scope, period, unit, spent, limit in rows:
        if _HEADINGS[scope][lang] != heading:
            heading = _HEADINGS[scope][lang]
            lines += ["", heading] if lines else [heading]
            line = ""
        if not line.startswith(_PERIODS[period][lang]):
            line = f"{_PERIODS[period][lang]}: {_amount(unit, spent, limit, lang)}"
            lines.append(line)
        else:
            line = lines[-1] = f"{line}; {_amount(unit, spent, limit, lang)}"
    lines += [
        "",
        {
            "en": f"A new day begins at {next_day}, a new month at {next_month}.",
            "he": f"יום חדש מתחיל ב־{_ltr(next_day)}, חודש חדש ב־{_ltr(next_month)}.",
        }[lang],
    ]
    return "\n".join(lines)


def _amount(unit: str, spent: int, limit: int, lang: Lang) -> str:
    def shown(n: int) -> str:
        if unit == "tokens":
            return f"{n:,}"
        return _ltr(dollars(n)) if lang == "he" else dollars(n)

    tokens = {"en": " tokens", "he": " טוקנים"}[lang] if unit == "tokens" else ""
    if not limit:
        return {"en": f"{shown(spent)}{tokens} used", "he": f"נוצלו {shown(spent)}{tokens}"}[lang]
    left = max(0, limit - spent)
    return {
        "en": f"{shown(left)} of {shown(limit)}{tokens} left",
        "he": f"נותרו {shown(left)} מתוך {shown(limit)}{tokens}",
    }[lang]


def dollars(micro_usd: int) -> str:
    """An amount of money; below ten cents with more digits, since one answer costs a fraction of a cent."""
    usd = micro_usd / 1_000_000
    return f"${usd:,.2f}" if usd >= 0.1 or micro_usd == 0 else f"${usd:.4f}"


def _ltr(text: str) -> str:
    """*text* isolated from the direction of the sentence around it."""
    return f"\u2066{text}\u2069"
