"""What stands on buttons, and what the menu of commands says of each, in English and Hebrew."""

from collections.abc import Mapping

from openclaw_core.ports import Lang
from openclaw_core.texts.translated import TranslatedText


class Label(TranslatedText):
    """Buttons. Roles and languages have names of their own."""

    STOP = ("⏹ Stop", "⏹ עצירה")
    RETRY = ("🔄 Try again", "🔄 לנסות שוב")
    FORGET = ("🗑 Delete", "🗑 למחוק")
    KEEP = ("Keep", "להשאיר")
    LET_IN = ("✅ Give access", "✅ לתת גישה")
    REFUSE = ("🚫 Refuse", "🚫 לדחות")
    REMOVE_ACCESS = ("🚫 Remove", "🚫 הסרת גישה")
    SEND_FILE_AGAIN = ("📎 Send the file again", "📎 לשלוח שוב את הקובץ")


COMMANDS: Mapping[str, Mapping[Lang, str]] = {
    "new": {"en": "Forget this conversation and start afresh", "he": "לשכוח את השיחה ולהתחיל מחדש"},
    "stop": {"en": "Stop what is running or waiting", "he": "לעצור את מה שרץ או ממתין"},
    "retry": {"en": "Try the last question again", "he": "לנסות שוב את השאלה האחרונה"},
    "status": {"en": "What is running or waiting, and for how long", "he": "מה רץ או ממתין, וכמה זמן"},
    "usage": {"en": "What you have used, and what is left", "he": "כמה נוצל וכמה נשאר"},
    "why": {"en": "What the last answer was made of, and what it cost", "he": "ממה נוצרה התשובה האחרונה, וכמה עלתה"},
    "forget": {"en": "Delete what I keep of you", "he": "למחוק את מה ששמור כאן עליך"},
    "lang": {"en": "Language of menus and notices", "he": "שפת התפריטים וההודעות"},
    "help": {"en": "What I can do", "he": "מה אפשר לעשות כאן"},
}
