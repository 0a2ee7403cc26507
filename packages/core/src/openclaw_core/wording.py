"""Every sentence that a user reads, in English and Hebrew, in one place. Hebrew is neutral in gender: impersonal or plural.

No sentence is built from an exception, and none repeats what the user wrote.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from openclaw_core.outcome import Cause
from openclaw_core.ports import Lang

if TYPE_CHECKING:  # loading roles needs YAML, saying something does not
    from openclaw_core.roles import Roles

LANGS: tuple[Lang, ...] = ("en", "he")
LANG_NAMES: Mapping[Lang, str] = {"en": "English", "he": "עברית"}
PLACEHOLDER = "💭"
"""What stands in a message that is reserved for an answer."""
ANSWER_SHARE = 0.3
"""From this share of Hebrew letters in a message on, it is answered in Hebrew."""

_HEBREW = re.compile("[\u0590-\u05ff\ufb1d-\ufb4f]")
_NO_WORDS = re.compile(r"https?://\S+|www\.\S+|(?<!\S)[/@]\w\S*")


class Say(StrEnum):
    """Sentences without parts."""

    NEW_DONE = "new_done"
    NOTHING_TO_STOP = "nothing_to_stop"
    STOP_TOO_LATE = "stop_too_late"
    NOTHING_TO_RETRY = "nothing_to_retry"
    ALREADY_RETRIED = "already_retried"
    STATUS_NOTHING = "status_nothing"
    LANG_MENU = "lang_menu"
    LANG_SET = "lang_set"
    ALL_FULL = "all_full"
    EDIT_UPDATED = "edit_updated"
    EDIT_TOO_LATE = "edit_too_late"
    STICKER = "sticker"
    VOICE = "voice"
    PHOTO = "photo"
    VIDEO = "video"
    FILE_UNSUPPORTED = "file_unsupported"
    LOCATION = "location"
    CONTACT = "contact"
    POLL = "poll"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_COMMAND = "unknown_command"
    BUTTON_OLD = "button_old"
    NO_MORE_ACCESS = "no_more_access"
    STOPPED = "stopped"
    TRUNCATED = "truncated"
    FILE_FATE_UNKNOWN = "file_fate_unknown"
    FILE_GONE = "file_gone"
    FILE_SHORTENED = "file_shortened"
    DEMO_NO_HEBREW = "demo_no_hebrew"


_SENTENCES: Mapping[Say, Mapping[Lang, str]] = {
    Say.NEW_DONE: {
        "en": "A fresh start: I have forgotten what we talked about. What's on your mind?",
        "he": "מתחילים מחדש: השיחה הקודמת נמחקה. במה אפשר לעזור?",
    },
    Say.NOTHING_TO_STOP: {
        "en": "There is nothing to stop: I'm not working on anything here.",
        "he": "אין מה לעצור, שום דבר לא רץ כאן כרגע.",
    },
    Say.STOP_TOO_LATE: {
        "en": "Too late to stop: the answer is ready and on its way to you.",
        "he": "מאוחר מדי לעצור: התשובה כבר מוכנה ובדרך לכאן.",
    },
    Say.NOTHING_TO_RETRY: {
        "en": "There is nothing to try again yet. Just write your question.",
        "he": "עדיין אין על מה לנסות שוב. אפשר פשוט לכתוב שאלה.",
    },
    Say.ALREADY_RETRIED: {
        "en": "I have already tried that one again. To ask once more, send the question as a new message.",
        "he": "על זה כבר היה ניסיון חוזר. כדי לשאול שוב, שלחו את השאלה כהודעה חדשה.",
    },
    Say.STATUS_NOTHING: {
        "en": "All quiet: nothing is running and nothing is waiting.",
        "he": "הכול שקט: שום דבר לא רץ ושום דבר לא ממתין.",
    },
    Say.LANG_MENU: {
        "en": "Which language should menus and notices be in? Answers follow the language of your question.",
        "he": "באיזו שפה להציג תפריטים והודעות? התשובות עצמן יהיו בשפת השאלה.",
    },
    Say.LANG_SET: {
        "en": "Done: menus and notices are in English now.",
        "he": "מעכשיו התפריטים וההודעות בעברית.",
    },
    Say.ALL_FULL: {
        "en": "So many people are asking right now that I can't take your message. Please send it again in a few minutes.",
        "he": "יש עכשיו כל כך הרבה שאלות שההודעה הזאת לא נכנסה לתור. שלחו אותה שוב בעוד כמה דקות.",
    },
    Say.EDIT_UPDATED: {
        "en": "Got it, I'll answer the edited message.",
        "he": "התיקון התקבל, והתשובה תהיה להודעה המתוקנת.",
    },
    Say.EDIT_TOO_LATE: {
        "en": "I had already started on that message. To have the edited one answered, send it as a new message.",
        "he": "העבודה על ההודעה הזאת כבר התחילה. כדי לקבל תשובה לנוסח המתוקן, שלחו אותו כהודעה חדשה.",
    },
    Say.STICKER: {
        "en": "Nice one! I can only read text, though: tell me in words what you need.",
        "he": "חמוד! אבל כאן קוראים רק טקסט, אז ספרו במילים במה אפשר לעזור.",
    },
    Say.VOICE: {
        "en": "The built-in demo model can't listen to recordings. Please write it as text.",
        "he": "מודל ההדגמה המובנה לא יודע להאזין להקלטות. אפשר לכתוב את זה כטקסט?",
    },
    Say.PHOTO: {
        "en": "I can't look at pictures. Describe what is in it, or paste its text, and I'll gladly help.",
        "he": "אין כאן אפשרות לראות תמונות. תארו מה רואים בה או הדביקו את הטקסט שבה, ונמשיך משם.",
    },
    Say.VIDEO: {
        "en": "I can't watch videos. Tell me in words what it is about.",
        "he": "אין כאן אפשרות לצפות בסרטונים. ספרו במילים במה מדובר.",
    },
    Say.FILE_UNSUPPORTED: {
        "en": "I can't read this kind of file. Send it as a text file, or paste the text here.",
        "he": "קובץ מהסוג הזה אי אפשר לקרוא כאן. שלחו אותו כקובץ טקסט, או הדביקו את הטקסט.",
    },
    Say.LOCATION: {
        "en": "Thanks for the location, but I can't use a map. Tell me in words what you'd like to know.",
        "he": "תודה על המיקום, אבל אין כאן מפה. כתבו במילים מה תרצו לדעת.",
    },
    Say.CONTACT: {
        "en": "I can't use contacts, and I haven't kept this one. Tell me in words what you need.",
        "he": "אין כאן שימוש באנשי קשר, והפרטים לא נשמרו. ספרו במילים במה אפשר לעזור.",
    },
    Say.POLL: {
        "en": "I can't take part in polls or games. Ask me in words and I'll answer.",
        "he": "אין כאן אפשרות להשתתף בסקרים או במשחקים. שאלו במילים, ותגיע תשובה.",
    },
    Say.UNKNOWN_KIND: {
        "en": "I can't handle this kind of message. Plain text always works.",
        "he": "הודעה מהסוג הזה לא נתמכת כאן. טקסט פשוט תמיד עובד.",
    },
    Say.UNKNOWN_COMMAND: {
        "en": "I don't know that command. /help shows what I can do.",
        "he": "הפקודה הזאת לא מוכרת. \u200e/help מראה מה אפשר לעשות כאן.",
    },
    Say.BUTTON_OLD: {
        "en": "This button is from an older conversation and does nothing any more.",
        "he": "הכפתור הזה שייך לשיחה ישנה וכבר לא פעיל.",
    },
    Say.NO_MORE_ACCESS: {
        "en": "Sorry, this bot is not open to you.",
        "he": "מצטערים, הבוט הזה לא פתוח עבורך.",
    },
    Say.STOPPED: {"en": "⏹ Stopped", "he": "⏹ נעצר"},
    Say.TRUNCATED: {
        "en": "✂️ The answer reached its length limit and ends here. Write “continue” for the rest.",
        "he": "✂️ התשובה הגיעה לאורך המרבי ונקטעה כאן. כתבו ״המשך״ כדי לקבל את השאר.",
    },
    Say.FILE_FATE_UNKNOWN: {
        "en": "I'm not sure the file reached you. If you don't see it above, press the button and I'll send it again.",
        "he": "לא ברור אם הקובץ הגיע. אם הוא לא מופיע למעלה, לחיצה על הכפתור תשלח אותו שוב.",
    },
    Say.FILE_SHORTENED: {
        "en": "✂️ The file is longer than I can read at once: I have seen its beginning and its end.",
        "he": "✂️ הקובץ ארוך מדי לקריאה בבת אחת: נקראו תחילתו וסופו.",
    },
    Say.FILE_GONE: {
        "en": "That file is no longer kept. Ask again and I'll make a new one.",
        "he": "הקובץ כבר לא שמור. אפשר לבקש שוב, וייווצר קובץ חדש.",
    },
    # Bilingual on purpose: whoever set the bot up reads one of the two.
    Say.DEMO_NO_HEBREW: {
        "en": "The built-in demo model knows only English. For answers in Hebrew, set GROQ_API_KEY and start again.\n\n"
        "מודל ההדגמה המובנה יודע רק אנגלית. כדי לקבל תשובות בעברית, הגדירו GROQ_API_KEY והפעילו מחדש.",
        "he": "מודל ההדגמה המובנה יודע רק אנגלית. כדי לקבל תשובות בעברית, הגדירו GROQ_API_KEY והפעילו מחדש.\n\n"
        "The built-in demo model knows only English. For answers in Hebrew, set GROQ_API_KEY and start again.",
    },
}

_FAILED: Mapping[Cause, Mapping[Lang, str]] = {
    Cause.MODEL_BUSY: {
        "en": "The AI model is busy and would not take your question. Try again in a minute.",
        "he": "מודל השפה עמוס ולא קיבל את השאלה. אפשר לנסות שוב בעוד דקה.",
    },
    Cause.MODEL_DOWN: {
        "en": "The AI model is not answering at the moment. Try again in a few minutes.",
        "he": "מודל השפה לא עונה כרגע. אפשר לנסות שוב בעוד כמה דקות.",
    },
    Cause.MODEL_GONE: {
        "en": "The AI models set for this task are no longer offered. Whoever runs this bot has to choose another; "
        "then try again.",
        "he": "מודלי השפה שהוגדרו למשימה הזאת כבר לא זמינים. מי שמפעיל את הבוט צריך לבחור אחר, ואז אפשר לנסות שוב.",
    },
    Cause.MODEL_KEY: {
        "en": "The AI model does not accept this bot's key. Whoever runs the bot has to renew it; then try again.",
        "he": "מודל השפה לא מקבל את המפתח של הבוט. מי שמפעיל אותו צריך לחדש את המפתח, ואז אפשר לנסות שוב.",
    },
    Cause.TOO_LONG: {
        "en": "That is too long for the AI model to read at once. Send a shorter text, or begin afresh with /new.",
        "he": "זה ארוך מדי בשביל מודל השפה. שלחו טקסט קצר יותר, או התחילו שיחה חדשה עם \u200e/new.",
    },
    Cause.REFUSED: {
        "en": "The AI model did not accept this question. Put it in other words and send it again.",
        "he": "מודל השפה לא קיבל את השאלה. נסחו אותה אחרת ושלחו שוב.",
    },
    Cause.EMPTY_ANSWER: {
        "en": "The AI model came back without an answer. Try again, or ask in other words.",
        "he": "מודל השפה חזר בלי תשובה. אפשר לנסות שוב או לנסח את השאלה אחרת.",
    },
    Cause.FILE_UNREADABLE: {
        "en": "I could not fetch that file, or it holds no text that I can read. Send it once more, or paste the text here.",
        "he": "לא ניתן היה להביא את הקובץ, או שאין בו טקסט קריא. שלחו אותו שוב או הדביקו כאן את הטקסט.",
    },
    Cause.FILE_EMPTY: {
        "en": "I found no text in this file. If it is a scan, send its text as a message instead.",
        "he": "לא נמצא טקסט בקובץ. אם זה מסמך סרוק, שלחו את הטקסט עצמו כהודעה.",
    },
    Cause.VOICE_UNCLEAR: {
        "en": "I couldn't make out any words in that recording. Try again closer to the microphone, or write it.",
        "he": "לא היה אפשר להבין מילים בהקלטה. אפשר לנסות שוב קרוב יותר למיקרופון, או לכתוב.",
    },
    Cause.AGENT_LOST: {
        "en": "The agent that worked on your question stopped answering. Try again.",
        "he": "הסוכן שטיפל בשאלה הפסיק להגיב. אפשר לנסות שוב.",
    },
    Cause.CRASH: {
        "en": "The agent crashed while working on your question. Try again; if it happens once more, ask in other words.",
        "he": "הסוכן קרס באמצע העבודה על השאלה. אפשר לנסות שוב, ואם זה חוזר כדאי לנסח אחרת.",
    },
    Cause.OUT_OF_MEMORY: {
        "en": "The agent ran out of memory on this one. Try again with a shorter text or a smaller file.",
        "he": "לסוכן נגמר הזיכרון באמצע. נסו שוב עם טקסט קצר יותר או קובץ קטן יותר.",
    },
    Cause.DEADLINE: {
        "en": "This took longer than a question may take. Try again, or split it into smaller questions.",
        "he": "זה לקח יותר זמן מהמותר לשאלה אחת. אפשר לנסות שוב או לחלק לשאלות קטנות יותר.",
    },
    Cause.EVICTED: {
        "en": "The machine needed its room and stopped the agent. Try again.",
        "he": "השרת נזקק למקום ועצר את הסוכן. אפשר לנסות שוב.",
    },
    Cause.NODE_LOST: {
        "en": "The machine on which the agent ran has gone away. Try again.",
        "he": "השרת שעליו רץ הסוכן נפל. אפשר לנסות שוב.",
    },
    Cause.BAD_TASK: {
        "en": "Something in your message got lost on the way to the agent. Send it again as a new message.",
        "he": "משהו בהודעה השתבש בדרך אל הסוכן. שלחו אותה שוב כהודעה חדשה.",
    },
    Cause.MISCONFIGURED: {
        "en": "The agent is not set up correctly. Whoever runs this bot has to look into it; then try again.",
        "he": "הסוכן לא מוגדר כראוי. מי שמפעיל את הבוט צריך לבדוק, ואז אפשר לנסות שוב.",
    },
    Cause.IMAGE: {
        "en": "The agent could not be started because its program could not be fetched. Try again later.",
        "he": "הסוכן לא עלה כי לא ניתן היה להביא את התוכנה שלו. אפשר לנסות שוב מאוחר יותר.",
    },
    Cause.CONTAINER_CONFIG: {
        "en": "The agent could not be started because part of its setup is missing. Whoever runs this bot has to "
        "look into it; then try again.",
        "he": "הסוכן לא עלה כי חסרה לו הגדרה. מי שמפעיל את הבוט צריך לבדוק, ואז אפשר לנסות שוב.",
    },
    Cause.NO_ROOM: {
        "en": "There was no room for another agent in all this time. Try again later.",
        "he": "בכל הזמן הזה לא התפנה מקום לעוד סוכן. אפשר לנסות שוב מאוחר יותר.",
    },
    Cause.ADMISSION: {
        "en": "The cluster's rules did not let the agent start. Whoever runs this bot has to look into it; then try again.",
        "he": "כללי האשכול לא אפשרו לסוכן לעלות. מי שמפעיל את הבוט צריך לבדוק, ואז אפשר לנסות שוב.",
    },
    Cause.QUOTA: {
        "en": "All agents were taken in all this time. Try again in a few minutes.",
        "he": "כל הסוכנים היו תפוסים לאורך כל הזמן הזה. אפשר לנסות שוב בעוד כמה דקות.",
    },
    Cause.CLUSTER: {
        "en": "The cluster did not answer in all this time, so no agent could start. Try again in a few minutes.",
        "he": "האשכול לא הגיב בכל הזמן הזה, ולכן אף סוכן לא עלה. אפשר לנסות שוב בעוד כמה דקות.",
    },
    Cause.QUEUE_DEADLINE: {
        "en": "Your question waited too long in the queue, so I have let it go. Try again when it is quieter.",
        "he": "השאלה חיכתה בתור יותר מדי זמן וירדה ממנו. אפשר לנסות שוב כשיהיה פחות עומס.",
    },
    Cause.INTERNAL: {
        "en": "Something went wrong on my side. Try again; if it happens once more, tell whoever runs this bot.",
        "he": "משהו השתבש אצלי. אפשר לנסות שוב, ואם זה חוזר כדאי לספר למי שמפעיל את הבוט.",
    },
}

_WAITING: Mapping[Cause, Mapping[Lang, str]] = {
    Cause.IMAGE: {
        "en": "⏳ The agent's program can't be fetched right now. Your question keeps its place, and I go on trying.",
        "he": "⏳ אי אפשר להביא כרגע את התוכנה של הסוכן. השאלה נשארת בתור, והניסיונות נמשכים.",
    },
    Cause.CONTAINER_CONFIG: {
        "en": "⏳ Part of the agent's setup is missing. Your question keeps its place until that is put right.",
        "he": "⏳ חסרה הגדרה לסוכן. השאלה נשארת בתור עד שזה יתוקן.",
    },
    Cause.NO_ROOM: {
        "en": "⏳ There is no room for another agent yet. Your question keeps its place and starts as soon as there is.",
        "he": "⏳ עדיין אין מקום לעוד סוכן. השאלה נשארת בתור ותתחיל ברגע שיתפנה.",
    },
    Cause.ADMISSION: {
        "en": "⏳ The cluster's rules don't let the agent start. Your question keeps its place until that is put right.",
        "he": "⏳ כללי האשכול לא מאפשרים לסוכן לעלות. השאלה נשארת בתור עד שזה יתוקן.",
    },
    Cause.QUOTA: {
        "en": "⏳ All agents are taken right now. Your question keeps its place and starts as soon as one is free.",
        "he": "⏳ כל הסוכנים תפוסים כרגע. השאלה נשארת בתור ותתחיל ברגע שאחד יתפנה.",
    },
    Cause.CLUSTER: {
        "en": "⏳ The cluster doesn't answer just now. Your question keeps its place and starts as soon as it does.",
        "he": "⏳ האשכול לא מגיב כרגע. השאלה נשארת בתור ותתחיל ברגע שהוא יגיב.",
    },
}
_WAITING_ELSE: Mapping[Lang, str] = {
    "en": "⏳ I can't start an agent right now. Your question keeps its place, and I go on trying.",
    "he": "⏳ אי אפשר להפעיל סוכן כרגע. השאלה נשארת בתור, והניסיונות נמשכים.",
}


class Label(StrEnum):
    """Buttons. Roles and languages have names of their own."""

    STOP = "stop"
    RETRY = "retry"
    SEND_FILE_AGAIN = "send_file_again"


_LABELS: Mapping[Label, Mapping[Lang, str]] = {
    Label.STOP: {"en": "⏹ Stop", "he": "⏹ עצירה"},
    Label.RETRY: {"en": "🔄 Try again", "he": "🔄 לנסות שוב"},
    Label.SEND_FILE_AGAIN: {"en": "📎 Send the file again", "he": "📎 לשלוח שוב את הקובץ"},
}

_COMMANDS: Mapping[str, Mapping[Lang, str]] = {
    "new": {"en": "Forget this conversation and start afresh", "he": "לשכוח את השיחה ולהתחיל מחדש"},
    "stop": {"en": "Stop what is running or waiting", "he": "לעצור את מה שרץ או ממתין"},
    "retry": {"en": "Try the last question again", "he": "לנסות שוב את השאלה האחרונה"},
    "status": {"en": "What is running or waiting, and for how long", "he": "מה רץ או ממתין, וכמה זמן"},
    "lang": {"en": "Language of menus and notices", "he": "שפת התפריטים וההודעות"},
    "help": {"en": "What I can do", "he": "מה אפשר לעשות כאן"},
}


# ---- language


def is_hebrew(char: str) -> bool:
    """Whether *char* is a Hebrew letter or one of its points."""
    return _HEBREW.match(char) is not None


def hebrew_share(text: str, *, first_letters: int | None = None) -> float:
    """The share of Hebrew among the letters of *text*, or among its first ones; 0 if it has none."""
    letters = list(islice((char for char in text if char.isalpha()), first_letters))
    return sum(map(is_hebrew, letters)) / len(letters) if letters else 0.0


def lang_of(text: str = "", *, stored: Lang | None = None, language_code: str | None = None) -> Lang:
    """The language of an answer to *text*, or without words in it, that of notices.

    Commands, mentions and addresses are no words. Notices go by the stored choice, then by the `language_code` of the user's app, then English.
    """
    text = _NO_WORDS.sub(" ", text)
    if any(char.isalpha() for char in text):
        return "he" if hebrew_share(text) >= ANSWER_SHARE else "en"
    if stored is not None:
        return stored
    return "he" if (language_code or "").lower().split("-")[0] in ("he", "iw") else "en"  # iw: older Android


# ---- sentences


def say(what: Say, lang: Lang) -> str:
    """A sentence without parts."""
    return _SENTENCES[what][lang]


def failed(cause: Cause, lang: Lang) -> str:
    """Why there is no answer, and what to do; it stands above a Retry button."""
    return "⚠️ " + _FAILED[cause][lang]


def waiting(cause: Cause, lang: Lang) -> str:
    """Why a question still waits; *cause* is the pool's."""
    return _WAITING.get(cause, _WAITING_ELSE)[lang]


def label(button: Label, lang: Lang) -> str:
    """The text on a button."""
    return _LABELS[button][lang]


def duration(seconds: float, lang: Lang) -> str:
    """A time that has passed, in words: `5 s`, `2 min`, `1 h 5 min`; Hebrew alike."""
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


def start(roles: "Roles", lang: Lang) -> str:
    """The answer to /start."""
    return {
        "en": "👋 Hello! Ask me anything, in English or Hebrew. I pick the right helper by myself:",
        "he": "👋 שלום! אפשר לשאול הכול, בעברית או באנגלית. העוזר המתאים ייבחר מעצמו:",
    }[lang] + f"\n\n{_role_list(roles, lang)}\n\n" + {
        "en": "To choose one yourself, press its button, or put its command before your question. /help shows the rest.",
        "he": "כדי לבחור בעצמכם, לחצו על הכפתור או כתבו את הפקודה לפני השאלה. \u200e/help מראה את השאר.",
    }[lang]  # fmt: skip


def help_text(roles: "Roles", lang: Lang) -> str:
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
    commands = "\n".join(f"{_ltr(lang)}/{name} – {words[lang]}" for name, words in _COMMANDS.items())
    return f"{intro}\n\n{_role_list(roles, lang)}\n\n{others}\n{commands}\n\n{end}"


def commands(roles: "Roles", lang: Lang) -> list[tuple[str, str]]:
    """The command menu, roles first."""
    by_role = [(role.command, f"{role.emoji} {role.descriptions[lang]}"[:256]) for role in roles.roles.values()]
    return by_role + [(name, words[lang]) for name, words in _COMMANDS.items()]


def role_label(roles: "Roles", name: str, lang: Lang) -> str:
    """A role as a button or a heading."""
    role = roles.roles[name]
    return f"{role.emoji} {role.titles[lang]}"


def role_chosen(roles: "Roles", name: str, lang: Lang) -> str:
    """The answer to a role's button, or to its command without a question."""
    return {
        "en": f"{role_label(roles, name, lang)}: write your question, and it goes there.",
        "he": f"{role_label(roles, name, lang)}: כתבו את השאלה, והיא תגיע לשם.",
    }[lang]


def stopped(*, running: int, waiting: int, lang: Lang) -> str:
    """The answer to /stop."""
    if not running and not waiting:
        return say(Say.NOTHING_TO_STOP, lang)
    if lang == "en":
        parts = ["the running answer" if running == 1 else f"{running} running answers"] if running else []
        parts += [_counted_en(waiting, "waiting question")] if waiting else []
        return f"⏹ Stopped {' and '.join(parts)}."
    parts = ["התשובה שרצה נעצרה" if running == 1 else f"{running} תשובות שרצו נעצרו"] if running else []
    if waiting:
        parts.append("שאלה אחת ירדה מהתור" if waiting == 1 else f"{waiting} שאלות ירדו מהתור")
    return f"⏹ {(', ו־' if parts[-1][0].isdigit() else ', ו').join(parts)}."


def status(*, running_s: float | None, waiting_s: tuple[float, ...] = (), lang: Lang) -> str:
    """The answer to /status: for how many seconds an answer has been running, and each waiting question has waited."""
    if running_s is None and not waiting_s:
        return say(Say.STATUS_NOTHING, lang)
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
    """A chat is over its cap of waiting questions; this one was not taken."""
    return {
        "en": f"{waiting} messages are waiting here already. I'll take new ones when some are answered; "
        "please send this one again then. /stop clears the queue.",
        "he": f"כבר {waiting} הודעות ממתינות כאן. חדשות ייכנסו כשחלקן ייענו, ואז אפשר לשלוח שוב. \u200e/stop מרוקן את התור.",
    }[lang]


def no_access(user_id: int, lang: Lang) -> str:
    """The bot is not open to this user."""
    return {
        "en": f"Sorry, this bot is not open to you yet. Your id is {user_id}: send it to whoever runs this bot, "
        "who can add it to ALLOWED_USER_IDS.",
        "he": f"הבוט הזה עדיין לא פתוח עבורך. המזהה שלך הוא {user_id}: העבירו אותו למי שמפעיל את הבוט, "
        "כדי להוסיף אותו ל־ALLOWED_USER_IDS.",
    }[lang]


def file_too_large(max_mb: int, lang: Lang) -> str:
    """A file or recording over the limit."""
    return {
        "en": f"That file is too large for me: up to {max_mb} MB works. Send a smaller one, or paste the part that matters.",
        "he": f"הקובץ גדול מדי: אפשר עד {max_mb} מ״ב. שלחו קובץ קטן יותר או הדביקו את החלק החשוב.",
    }[lang]


def text_too_long(max_chars: int, lang: Lang) -> str:
    """A message, or a message joined from a long paste, over the limit."""
    return {
        "en": f"That text is too long for me: up to {max_chars:,} characters work. Send the part that matters.",
        "he": f"הטקסט ארוך מדי: אפשר עד {max_chars:,} תווים. שלחו את החלק החשוב.",
    }[lang]


def rest_is_in_file(name: str, lang: Lang) -> str:
    """The line under long code."""
    return {"en": f"📎 All of it is in the file {name}", "he": f"📎 הקוד המלא בקובץ {name}"}[lang]


def placeholder(role_label: str = "") -> str:
    """What a reserved message says until there is an answer."""
    return f"{PLACEHOLDER} {role_label}".strip()


def with_stopped_mark(shown: str, lang: Lang) -> str:
    """A preview whose answer was stopped; *shown* may be empty or still the placeholder."""
    mark = say(Say.STOPPED, lang)
    return mark if not shown.strip() or shown.startswith(PLACEHOLDER) else f"{shown.rstrip()}\n\n{mark}"


def _role_list(roles: "Roles", lang: Lang) -> str:
    return "\n".join(
        f"{role.emoji} {_ltr(lang)}/{role.command} – {role.descriptions[lang]}" for role in roles.roles.values()
    )


def _ltr(lang: Lang) -> str:
    """Before a command in Hebrew: a left-to-right mark keeps its slash in front, and a right-to-left one the line's side."""
    return "\u200f\u200e" if lang == "he" else ""


def _counted_en(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
