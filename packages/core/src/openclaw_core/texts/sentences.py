"""The sentences themselves, in English and Hebrew. Hebrew is neutral in gender: impersonal or plural."""

from collections.abc import Mapping
from enum import StrEnum

from openclaw_core.ports import Lang
from openclaw_core.tasks.outcome import Cause


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
    UNSEEN_PHOTO = "unseen_photo"
    UNSEEN_VIDEO = "unseen_video"
    UNSEEN_FILE = "unseen_file"
    UNSEEN_VOICE = "unseen_voice"
    UNSEEN_OTHER = "unseen_other"
    STOP_HEARD = "stop_heard"
    NOT_YOURS = "not_yours"
    BUTTON_OLD = "button_old"
    NO_MORE_ACCESS = "no_more_access"
    STOPPED = "stopped"
    TRUNCATED = "truncated"
    FILE_FATE_UNKNOWN = "file_fate_unknown"
    FILE_GONE = "file_gone"
    FILE_SHORTENED = "file_shortened"
    DEMO_NO_HEBREW = "demo_no_hebrew"
    SOURCES = "sources"
    ALSO_READ = "also_read"
    FROM_MEMORY = "from_memory"


SENTENCES: Mapping[Say, Mapping[Lang, str]] = {
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
    Say.UNSEEN_PHOTO: {
        "en": "I can't look at pictures, so this answers the words alone.",
        "he": "אין כאן אפשרות לראות תמונות, והתשובה היא למילים בלבד.",
    },
    Say.UNSEEN_VIDEO: {
        "en": "I can't watch videos, so this answers the words alone.",
        "he": "אין כאן אפשרות לצפות בסרטונים, והתשובה היא למילים בלבד.",
    },
    Say.UNSEEN_FILE: {
        "en": "I can't read this kind of file, so this answers the words alone.",
        "he": "קובץ מהסוג הזה אי אפשר לקרוא כאן, והתשובה היא למילים בלבד.",
    },
    Say.UNSEEN_VOICE: {
        "en": "The built-in demo model can't listen to recordings, so this answers the words alone.",
        "he": "מודל ההדגמה המובנה לא יודע להאזין להקלטות, והתשובה היא למילים בלבד.",
    },
    Say.UNSEEN_OTHER: {
        "en": "I can only read text, so this answers the words alone.",
        "he": "כאן קוראים רק טקסט, והתשובה היא למילים בלבד.",
    },
    Say.STOP_HEARD: {
        "en": "⏹ Stopping…",
        "he": "⏹ עוצרים…",
    },
    Say.NOT_YOURS: {
        "en": "Only the person who asked can press this.",
        "he": "רק מי ששאל יכול ללחוץ על זה.",
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
    Say.SOURCES: {"en": "Sources", "he": "מקורות"},
    Say.ALSO_READ: {"en": "Also read", "he": "נקראו גם"},
    Say.FROM_MEMORY: {
        "en": "This answer is from memory: no page was opened for it.",
        "he": "התשובה מהזיכרון בלבד: לא נפתח דף כדי לבדוק אותה.",
    },
    # Bilingual on purpose: whoever set the bot up reads one of the two.
    Say.DEMO_NO_HEBREW: {
        "en": "The built-in demo model knows only English. For answers in Hebrew, set GROQ_API_KEY and start again.\n\n"
        "מודל ההדגמה המובנה יודע רק אנגלית. כדי לקבל תשובות בעברית, הגדירו GROQ_API_KEY והפעילו מחדש.",
        "he": "מודל ההדגמה המובנה יודע רק אנגלית. כדי לקבל תשובות בעברית, הגדירו GROQ_API_KEY והפעילו מחדש.\n\n"
        "The built-in demo model knows only English. For answers in Hebrew, set GROQ_API_KEY and start again.",
    },
}

FAILED: Mapping[Cause, Mapping[Lang, str]] = {
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

WAITING: Mapping[Cause, Mapping[Lang, str]] = {
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
WAITING_ELSE: Mapping[Lang, str] = {
    "en": "⏳ I can't start an agent right now. Your question keeps its place, and I go on trying.",
    "he": "⏳ אי אפשר להפעיל סוכן כרגע. השאלה נשארת בתור, והניסיונות נמשכים.",
}


class Label(StrEnum):
    """Buttons. Roles and languages have names of their own."""

    STOP = "stop"
    RETRY = "retry"
    SEND_FILE_AGAIN = "send_file_again"


LABELS: Mapping[Label, Mapping[Lang, str]] = {
    Label.STOP: {"en": "⏹ Stop", "he": "⏹ עצירה"},
    Label.RETRY: {"en": "🔄 Try again", "he": "🔄 לנסות שוב"},
    Label.SEND_FILE_AGAIN: {"en": "📎 Send the file again", "he": "📎 לשלוח שוב את הקובץ"},
}

COMMANDS: Mapping[str, Mapping[Lang, str]] = {
    "new": {"en": "Forget this conversation and start afresh", "he": "לשכוח את השיחה ולהתחיל מחדש"},
    "stop": {"en": "Stop what is running or waiting", "he": "לעצור את מה שרץ או ממתין"},
    "retry": {"en": "Try the last question again", "he": "לנסות שוב את השאלה האחרונה"},
    "status": {"en": "What is running or waiting, and for how long", "he": "מה רץ או ממתין, וכמה זמן"},
    "lang": {"en": "Language of menus and notices", "he": "שפת התפריטים וההודעות"},
    "help": {"en": "What I can do", "he": "מה אפשר לעשות כאן"},
}
