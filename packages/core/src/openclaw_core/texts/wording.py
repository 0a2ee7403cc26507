"""Builds the sentences that users read, with parts such as numbers and role names.

Fixed ones are in `sentences`, `failures` and `menus`. No sentence contains an exception or the user's words.
"""

from typing import TYPE_CHECKING

from openclaw_core.characters import cleaned
from openclaw_core.ports import Lang
from openclaw_core.tasks.outcome import Cause
from openclaw_core.tasks.steps import Doing, Status
from openclaw_core.texts import failures, menus, spending
from openclaw_core.texts.menus import Label
from openclaw_core.texts.sentences import Sentence

if TYPE_CHECKING:  # the module needs YAML
    from openclaw_core.roles.values import Roles

__all__ = ["Label", "Sentence"]

PLACEHOLDER = "💭"
"""The text of a message that is reserved for an answer."""


def sentence(what: Sentence, lang: Lang) -> str:
    """A fixed sentence."""
    return what.words[lang]


def failure(cause: Cause, lang: Lang, budget: str = "") -> str:
    """Why there is no answer, and what to do; a Retry button is below it. *budget* is that of `Display`."""
    text = spending.limit_reached(budget, lang) if cause is Cause.BUDGET else None
    return "⚠️ " + (text or failures.FAILED[cause][lang])


def cause_sentence(cause: Cause, lang: Lang) -> str:
    """The same as part of a text."""
    return failures.FAILED[cause][lang]


def pool_wait(cause: Cause, lang: Lang) -> str:
    """Why a question still waits; *cause* is that of its pool."""
    return failures.WAITING.get(cause, failures.WAITING_ELSE)[lang]


def label(button: Label, lang: Lang) -> str:
    """The text on a button."""
    return button.words[lang]


def unseen_note(what: str, lang: Lang) -> str:
    """The line under an answer if something that the bot cannot read came with the words."""
    kinds = {
        "photo": Sentence.UNSEEN_PHOTO,
        "video": Sentence.UNSEEN_VIDEO,
        "file": Sentence.UNSEEN_FILE,
        "voice": Sentence.UNSEEN_VOICE,
    }
    return sentence(kinds.get(what, Sentence.UNSEEN_OTHER), lang)


def status_line(status: Status, lang: Lang) -> tuple[str, str]:
    """What an agent is doing, and with what: `🔎 searching: ` and a query. The second part is empty where there is nothing to name."""
    words: dict[Doing, dict[Lang, str]] = {
        Doing.OPENING: {"en": "📄 opening", "he": "📄 פתיחה"},
        Doing.SEARCHING: {"en": "🔎 searching", "he": "🔎 חיפוש"},
        Doing.READING: {"en": "📄 reading", "he": "📄 קריאה"},
        Doing.RUNNING: {"en": "▶ running code", "he": "▶ הרצת קוד"},
    }
    line = words[status.doing][lang]
    if status.n > 1:
        line += {"en": f", try {status.n}", "he": f", ניסיון {status.n}"}[lang]
    # Isolated: a query in the other script must not turn the line around, nor end its isolation.
    subject = cleaned(status.subject).strip()
    return (f"{line}: ", f"\u2068{subject}\u2069") if subject else (f"{line}…", "")


def duration(seconds: float, lang: Lang) -> str:
    """A duration in words: `5 s`, `2 min`, `1 h 5 min`, and the same in Hebrew."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole} s" if lang == "en" else f"{whole} שנ׳"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min" if lang == "en" else f"{minutes} דק׳"
    hours, minutes = divmod(minutes, 60)
    if lang == "en":
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    return f"{hours} שע׳" + (f" ו־{minutes} דק׳" if minutes else "")


def start_reply(roles: "Roles", lang: Lang) -> str:
    """The answer to /start."""
    return {
        "en": "👋 Hello! Ask me anything, in English or Hebrew. I pick the right helper by myself:",
        "he": "👋 שלום! אפשר לשאול הכול, בעברית או באנגלית. העוזר המתאים ייבחר מעצמו:",
    }[lang] + f"\n\n{_role_list(roles, lang)}\n\n" + {
        "en": "To choose one yourself, press its button, or put its command before your question. /help shows the rest.",
        "he": "כדי לבחור בעצמכם, לחצו על הכפתור או כתבו את הפקודה לפני השאלה. \u200e/help מראה את השאר.",
    }[lang]  # fmt: skip


def help_reply(roles: "Roles", lang: Lang) -> str:
    """The answer to /help: the roles and every command."""
    intro, others, end = {
        "en": (
            "Write your question, and I pick the right helper. Or choose one:",
            "More commands:",
            "An edited message counts as long as I haven't started on it. In groups, mention me or reply to me.",
        ),
        "he": (
            "כתבו שאלה, והעוזר המתאים ייבחר מעצמו. אפשר גם לבחור:",
            "פקודות נוספות:",
            "אפשר לערוך הודעה כל עוד העבודה עליה לא התחילה. בקבוצות, תייגו את הבוט או השיבו להודעה שלו.",
        ),
    }[lang]
    commands = "\n".join(f"{_ltr(lang)}/{name} – {words[lang]}" for name, words in menus.COMMANDS.items())
    return f"{intro}\n\n{_role_list(roles, lang)}\n\n{others}\n{commands}\n\n{end}"


def commands(roles: "Roles", lang: Lang) -> list[tuple[str, str]]:
    """The command menu, roles first."""
    by_role = [(role.command, f"{role.emoji} {role.descriptions[lang]}"[:256]) for role in roles.roles.values()]
    return by_role + [(name, words[lang]) for name, words in menus.COMMANDS.items()]


def role_label(roles: "Roles", name: str, lang: Lang) -> str:
    """A role as a button or a heading."""
    role = roles.roles[name]
    return f"{role.emoji} {role.titles[lang]}"


def role_chosen(roles: "Roles", name: str, lang: Lang) -> str:
    """The answer to the button of a role, or to its command without a question."""
    return {
        "en": f"{role_label(roles, name, lang)}: write your question, and it goes there.",
        "he": f"{role_label(roles, name, lang)}: כתבו את השאלה, והיא תגיע לשם.",
    }[lang]


def stop_reply(*, running: int, waiting: int, lang: Lang) -> str:
    """The answer to /stop."""
    if not running and not waiting:
        return sentence(Sentence.NOTHING_TO_STOP, lang)
    if lang == "en":
        parts = ["the running answer" if running == 1 else f"{running} running answers"] if running else []
        parts += ["1 waiting question" if waiting == 1 else f"{waiting} waiting questions"] if waiting else []
        return f"⏹ Stopped {' and '.join(parts)}."
    parts = ["התשובה שרצה נעצרה" if running == 1 else f"{running} תשובות שרצו נעצרו"] if running else []
    if waiting:
        parts.append("שאלה אחת ירדה מהתור" if waiting == 1 else f"{waiting} שאלות ירדו מהתור")
    return f"⏹ {(', ו־' if parts[-1][0].isdigit() else ', ו').join(parts)}."


def status_reply(*, running_s: float | None, waiting_s: tuple[float, ...] = (), lang: Lang) -> str:
    """The answer to /status: how long an answer has been running, and how long each question has waited, in seconds."""
    if running_s is None and not waiting_s:
        return sentence(Sentence.STATUS_NOTHING, lang)
    lines = []
    if running_s is not None:
        words = {"en": "▶️ Running for", "he": "▶️ רץ כבר"}[lang]
        lines.append(f"{words} {duration(running_s, lang)}")
    if waiting_s:
        longest = duration(max(waiting_s), lang)
        if len(waiting_s) == 1:
            lines.append(
                {"en": f"⏳ 1 question waiting for {longest}", "he": f"⏳ שאלה אחת ממתינה כבר {longest}"}[lang]
            )
        else:
            lines.append(
                {
                    "en": f"⏳ {len(waiting_s)} questions waiting, the first for {longest}",
                    "he": f"⏳ {len(waiting_s)} שאלות ממתינות, הראשונה כבר {longest}",
                }[lang]
            )
    return "\n".join(lines)


def chat_full(waiting: int, lang: Lang) -> str:
    """The chat has too many waiting questions: this one was not taken."""
    return {
        "en": f"{waiting} messages are waiting here already. I'll take new ones when some are answered; "
        "please send this one again then. /stop clears the queue.",
        "he": f"כבר {waiting} הודעות ממתינות כאן. חדשות ייכנסו כשחלקן ייענו, ואז אפשר לשלוח שוב. \u200e/stop מרוקן את התור.",
    }[lang]


def no_access(user_id: int, lang: Lang) -> str:
    """The bot is not open to this user."""
    return {
        "en": f"Sorry, this bot is not open to you yet. Your id is {user_id}: send it to whoever runs this bot, "
        "who can let you in with /allow, or add it to ALLOWED_USER_IDS.",
        "he": f"הבוט הזה עדיין לא פתוח עבורך. המזהה שלך הוא {user_id}: העבירו אותו למי שמפעיל את הבוט, "
        "כדי לאשר אותו עם \u200e/allow, או להוסיף אותו ל־ALLOWED_USER_IDS.",
    }[lang]


def file_too_large(max_mb: int, lang: Lang) -> str:
    """A file or recording over the limit."""
    return {
        "en": f"That file is too large for me: up to {max_mb} MB works. Send a smaller one, or paste the part that matters.",
        "he": f"הקובץ גדול מדי: אפשר עד {max_mb} מ״ב. שלחו קובץ קטן יותר או הדביקו את החלק החשוב.",
    }[lang]


def rest_is_in_file(name: str, lang: Lang) -> str:
    """The line under long code."""
    return {"en": f"📎 All of it is in the file {name}", "he": f"📎 הקוד המלא בקובץ {name}"}[lang]


def with_stopped_mark(shown: str, lang: Lang) -> str:
    """*shown* with the mark of a stopped answer; *shown* may be empty or the placeholder."""
    mark = sentence(Sentence.STOPPED, lang)
    return mark if not shown.strip() or shown.startswith(PLACEHOLDER) else f"{shown.rstrip()}\n\n{mark}"


def _role_list(roles: "Roles", lang: Lang) -> str:
    return "\n".join(
        f"{role.emoji} {_ltr(lang)}/{role.command} – {role.descriptions[lang]}" for role in roles.roles.values()
    )


def _ltr(lang: Lang) -> str:
    """Before a command in Hebrew: a left-to-right mark keeps its slash in front, and a right-to-left one the line's side."""
    return "\u200f\u200e" if lang == "he" else ""
