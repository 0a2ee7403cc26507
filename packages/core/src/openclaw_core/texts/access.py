"""Sentences about access to the bot, with ids and times."""

from collections.abc import Sequence
from datetime import UTC, datetime

from openclaw_core.ports import Lang

EVERYONE = "*"
"""The subject of a row that gives access to all."""


def access_list(rows: Sequence[Sequence[str]], more: int, lang: Lang) -> str:
    """The answer to /access. A row: subject, right, by whom (`git` or an owner's id), since when (Unix time in ms)."""
    if not rows:
        return {"en": "Nobody may use this bot.", "he": "לאף אחד אין גישה לבוט הזה."}[lang]
    head = {"en": "Who may use this bot, and since when:", "he": "למי יש גישה לבוט, וממתי:"}[lang]
    lines = [f"• {_row(row, lang)}" for row in rows]
    if more:
        lines.append({"en": f"… and {more} more", "he": f"… ועוד {more}"}[lang])
    return "\n".join([head, *lines])


def access_given(subject: str, lang: Lang) -> str:
    """The answer to /allow."""
    return {
        "en": f"{_name(subject, lang)} may use the bot from now on.",
        "he": f"מעכשיו יש גישה לבוט: {_name(subject, lang)}.",
    }[lang]


def access_taken(subject: str, lang: Lang) -> str:
    """The answer to /remove."""
    return {
        "en": f"{_name(subject, lang)} may not use the bot any more. What was waiting or running there has stopped.",
        "he": f"הגישה לבוט הוסרה: {_name(subject, lang)}. מה שרץ או המתין שם נעצר.",
    }[lang]


def pair_code(user: str, code: str, lang: Lang) -> str:
    """What a newcomer is told who asks for access."""
    return {
        "en": f"This bot is open to people whom its owners let in. Your code is {code}: tell it to an owner whom you know. "
        f"They have a button that lets you in, for one hour. Your id is {user}.",
        "he": f"הגישה לבוט הזה היא באישור הבעלים. הקוד שלך: \u2068{code}\u2069. מסרו אותו לאחד הבעלים שמכירים אותך: "
        f"יש שם כפתור אישור, שפועל במשך שעה. המזהה שלך: \u2068{user}\u2069.",
    }[lang]


def pair_request(user: str, code: str, lang: Lang) -> str:
    """What an owner is told about a newcomer."""
    return {
        "en": f"User {user} asks for access to this bot, with the code {code}. Give it only if somebody whom you know has told "
        "you this code. The buttons work for one hour.",
        "he": f"מזהה \u2068{user}\u2069 מבקש גישה לבוט, עם הקוד \u2068{code}\u2069. תנו גישה רק אם מישהו שאתם מכירים מסר לכם "
        "את הקוד הזה. הכפתורים פועלים במשך שעה.",
    }[lang]


def pair_full(user: str, lang: Lang) -> str:
    """What a newcomer is told while too many others wait."""
    return {
        "en": f"Others are waiting for access to this bot, so I can't ask for you now. Write again in an hour, or give your id, {user}, "
        "to an owner whom you know.",
        "he": f"אחרים כבר ממתינים לגישה לבוט הזה, ולכן אי אפשר לבקש עכשיו עוד אחת. כתבו שוב בעוד שעה, או מסרו את המזהה "
        f"שלך, \u2068{user}\u2069, לאחד הבעלים שמכירים אותך.",
    }[lang]


def _row(row: Sequence[str], lang: Lang) -> str:
    subject, right, by, at_ms = row
    what = {
        "owner": {"en": "owner, ", "he": "בעלים, "},
        "none": {"en": "access taken away, ", "he": "הגישה הוסרה, "},
    }.get(right, {"en": "", "he": ""})[lang]
    if by == "git":
        source = {"en": "by Git", "he": "לפי Git"}[lang]
    elif by:
        source = {"en": f"by the bot (owner {by})", "he": f"דרך הבוט (בעלים \u2068{by}\u2069)"}[lang]
    else:
        source = {"en": "by an entry that this release cannot read", "he": "לפי רישום שהגרסה הזאת לא יודעת לקרוא"}[lang]
    return f"{_name(subject, lang)}: {what}{source}{_since(int(at_ms), lang)}"


def _name(subject: str, lang: Lang) -> str:
    """A person or a group by id, isolated: a minus must not go to the other side in Hebrew."""
    if subject == EVERYONE:
        return {"en": "Everyone", "he": "כולם"}[lang]
    group = subject.startswith("-")
    word = {"en": "Group" if group else "User", "he": "קבוצה" if group else "מזהה"}[lang]
    return f"{word} \u2068{subject}\u2069"


def _since(at_ms: int, lang: Lang) -> str:
    if at_ms <= 0:
        return ""
    when = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {"en": f", since {when}", "he": f", מאז \u2068{when}\u2069"}[lang]
