"""The fixed sentences, in English and Hebrew. Hebrew is neutral in gender: impersonal or plural."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from openclaw_core.ports import Lang
from openclaw_core.tasks.outcome import Cause


class _Text(StrEnum):
    """A text in English, which is its value, and in Hebrew."""

    words: Mapping[Lang, str]

    def __new__(cls, en: str, he: str) -> Self:
        text = str.__new__(cls, en)
        text._value_, text.words = en, {"en": en, "he": he}
        return text


class Sentence(_Text):
    """The fixed sentences."""

    NEW_DONE = (
        "A fresh start: I have forgotten what we talked about. What's on your mind?",
        "מתחילים מחדש: השיחה הקודמת נמחקה. במה אפשר לעזור?",
    )
    NOTHING_TO_STOP = (
        "There is nothing to stop: I'm not working on anything here.",
        "אין מה לעצור, שום דבר לא רץ כאן כרגע.",
    )
    STOP_TOO_LATE = (
        "Too late to stop: the answer is ready and on its way to you.",
        "מאוחר מדי לעצור: התשובה כבר מוכנה ובדרך לכאן.",
    )
    NOTHING_TO_RETRY = (
        "There is nothing to try again yet. Just write your question.",
        "עדיין אין על מה לנסות שוב. אפשר פשוט לכתוב שאלה.",
    )
    ALREADY_RETRIED = (
        "I have already tried that one again. To ask once more, send the question as a new message.",
        "על זה כבר היה ניסיון חוזר. כדי לשאול שוב, שלחו את השאלה כהודעה חדשה.",
    )
    STATUS_NOTHING = (
        "All quiet: nothing is running and nothing is waiting.",
        "הכול שקט: שום דבר לא רץ ושום דבר לא ממתין.",
    )
    WHY_NOTHING = (
        "There is no answer here that I could tell you about: none is ready yet, or it was too long ago.",
        "אין כאן תשובה שאפשר לספר עליה: עדיין אין תשובה מוכנה, או שעבר יותר מדי זמן.",
    )
    LANG_MENU = (
        "Which language should menus and notices be in? Answers follow the language of your question.",
        "באיזו שפה להציג תפריטים והודעות? התשובות עצמן יהיו בשפת השאלה.",
    )
    LANG_SET = (
        "Done: menus and notices are in English now.",
        "מעכשיו התפריטים וההודעות בעברית.",
    )
    ALL_FULL = (
        "So many people are asking right now that I can't take your message. Please send it again in a few minutes.",
        "יש עכשיו כל כך הרבה שאלות שההודעה הזאת לא נכנסה לתור. שלחו אותה שוב בעוד כמה דקות.",
    )
    EDIT_UPDATED = (
        "Got it, I'll answer the edited message.",
        "התיקון התקבל, והתשובה תהיה להודעה המתוקנת.",
    )
    EDIT_TOO_LATE = (
        "I had already started on that message. To have the edited one answered, send it as a new message.",
        "העבודה על ההודעה הזאת כבר התחילה. כדי לקבל תשובה לנוסח המתוקן, שלחו אותו כהודעה חדשה.",
    )
    STICKER = (
        "Nice one! I can only read text, though: tell me in words what you need.",
        "חמוד! אבל כאן קוראים רק טקסט, אז ספרו במילים במה אפשר לעזור.",
    )
    VOICE = (
        "The built-in demo model can't listen to recordings. Please write it as text.",
        "מודל ההדגמה המובנה לא יודע להאזין להקלטות. אפשר לכתוב את זה כטקסט?",
    )
    PHOTO = (
        "I can't look at pictures. Describe what is in it, or paste its text, and I'll gladly help.",
        "אין כאן אפשרות לראות תמונות. תארו מה רואים בה או הדביקו את הטקסט שבה, ונמשיך משם.",
    )
    VIDEO = (
        "I can't watch videos. Tell me in words what it is about.",
        "אין כאן אפשרות לצפות בסרטונים. ספרו במילים במה מדובר.",
    )
    FILE_UNSUPPORTED = (
        "I can't read this kind of file. Send it as a text file, or paste the text here.",
        "קובץ מהסוג הזה אי אפשר לקרוא כאן. שלחו אותו כקובץ טקסט, או הדביקו את הטקסט.",
    )
    LOCATION = (
        "Thanks for the location, but I can't use a map. Tell me in words what you'd like to know.",
        "תודה על המיקום, אבל אין כאן מפה. כתבו במילים מה תרצו לדעת.",
    )
    CONTACT = (
        "I can't use contacts, and I haven't kept this one. Tell me in words what you need.",
        "אין כאן שימוש באנשי קשר, והפרטים לא נשמרו. ספרו במילים במה אפשר לעזור.",
    )
    POLL = (
        "I can't take part in polls or games. Ask me in words and I'll answer.",
        "אין כאן אפשרות להשתתף בסקרים או במשחקים. שאלו במילים, ותגיע תשובה.",
    )
    UNKNOWN_KIND = (
        "I can't handle this kind of message. Plain text always works.",
        "הודעה מהסוג הזה לא נתמכת כאן. טקסט פשוט תמיד עובד.",
    )
    UNSEEN_PHOTO = (
        "I can't look at pictures, so this answers the words alone.",
        "אין כאן אפשרות לראות תמונות, והתשובה היא למילים בלבד.",
    )
    SEEING_MODEL_AWAY = (
        "The model that looks at pictures did not answer, so this answers the words alone.",
        "המודל שמסתכל על תמונות לא ענה, והתשובה היא למילים בלבד.",
    )
    PICTURES_LEFT_OUT = (
        "There were more pictures than I can look at in one message, so this answers the first ones.",
        "יש כאן יותר תמונות ממה שאפשר לראות בהודעה אחת, והתשובה היא לפי הראשונות.",
    )
    PICTURE_TOO_LARGE = (
        "This picture is too large for me. Send it as a photo instead of a file: Telegram then makes it smaller.",
        "התמונה הזאת גדולה מדי. שלחו אותה כתמונה ולא כקובץ, ואז טלגרם מקטין אותה.",
    )
    UNSEEN_VIDEO = (
        "I can't watch videos, so this answers the words alone.",
        "אין כאן אפשרות לצפות בסרטונים, והתשובה היא למילים בלבד.",
    )
    UNSEEN_FILE = (
        "I can't read this kind of file, so this answers the words alone.",
        "קובץ מהסוג הזה אי אפשר לקרוא כאן, והתשובה היא למילים בלבד.",
    )
    UNSEEN_VOICE = (
        "The built-in demo model can't listen to recordings, so this answers the words alone.",
        "מודל ההדגמה המובנה לא יודע להאזין להקלטות, והתשובה היא למילים בלבד.",
    )
    UNSEEN_OTHER = (
        "I can only read text, so this answers the words alone.",
        "כאן קוראים רק טקסט, והתשובה היא למילים בלבד.",
    )
    STOP_HEARD = (
        "⏹ Stopping…",
        "⏹ עוצרים…",
    )
    VOTE_TAKEN = (
        "Noted, thank you.",
        "נרשם, תודה.",
    )
    NOT_YOURS = (
        "Only the person who asked can press this.",
        "רק מי ששאל יכול ללחוץ על זה.",
    )
    UNKNOWN_COMMAND = (
        "I don't know that command. /help shows what I can do.",
        "הפקודה הזאת לא מוכרת. \u200e/help מראה מה אפשר לעשות כאן.",
    )
    BUTTON_OLD = (
        "This button is from an older conversation and does nothing any more.",
        "הכפתור הזה שייך לשיחה ישנה וכבר לא פעיל.",
    )
    NO_MORE_ACCESS = (
        "Sorry, this bot is not open to you.",
        "מצטערים, הבוט הזה לא פתוח עבורך.",
    )
    OWNERS_ONLY = (
        "Only an owner of this bot can do that.",
        "רק בעלי הבוט יכולים לעשות את זה.",
    )
    ACCESS_PRIVATE = (
        "Ask me that in our private chat: the list is for owners alone.",
        "אפשר לבקש את זה בצ׳אט הפרטי איתי: הרשימה מיועדת לבעלי הבוט בלבד.",
    )
    ACCESS_HOW = (
        "Put the id behind the command: /allow 123456, or /remove 123456. In a group, the command with my name and no id, such as /allow@MyBot, means the group. "
        "The bot tells each stranger their id.",
        "כתבו את המזהה אחרי הפקודה: ‎/allow 123456 או ‎/remove 123456. בקבוצה, הפקודה עם שם הבוט ובלי מזהה, למשל \u200e/allow@MyBot, מתייחסת לקבוצה כולה. "
        "הבוט מוסר לכל מי שאין לו גישה את המזהה שלו.",
    )
    OWNER_STAYS = (
        "This is an owner. Owners are listed in access.yaml, and only a change there makes or removes one.",
        "זה אחד מבעלי הבוט. בעלים רשומים ב־access.yaml, ורק שינוי שם מוסיף או מסיר אותם.",
    )
    PAIRED = (
        "You're in: ask me anything. /help shows what I can do.",
        "יש לך גישה: אפשר לשאול הכול. \u200e/help מראה מה אפשר לעשות כאן.",
    )
    PAIRING_GIVEN = ("They have access now.", "הגישה ניתנה.")
    PAIRING_DECLINED = (
        "Refused. They can ask for access again in a day.",
        "הבקשה נדחתה. אפשר לבקש שוב רק בעוד יום.",
    )
    PAIRING_ALREADY = (
        "They have access already. /remove takes it away again.",
        "כבר יש להם גישה. \u200e/remove מסיר אותה.",
    )
    PAIRING_EXPIRED = (
        "This request has expired, or was decided. To give access, use /allow with the id.",
        "הבקשה פגה או שכבר הוכרעה. כדי לתת גישה, השתמשו ב־\u200e/allow עם המזהה.",
    )
    FORGET_ASK = (
        "Delete what I keep of you? That is our conversation, your questions and answers here and in groups, what waits or runs, and your "
        "language. It can't be undone. What you have used of your budget stays, and so does whether you may use the bot. Messages in Telegram stay until you "
        "delete them there.",
        "למחוק את מה ששמור כאן עליך? השיחה שלנו, השאלות והתשובות כאן ובקבוצות, מה שממתין או רץ, והשפה שנבחרה. אי אפשר לבטל את זה. "
        "מה שנוצל מהתקציב נשאר, וגם ההרשאה להשתמש בבוט. ההודעות בטלגרם נשארות עד שמוחקים אותן שם.",
    )
    FORGET_ASK_GROUP = (
        "Delete what I keep of your questions in this group, with their answers? What others said stays. For everything, send /forget in our "
        "private chat. It can't be undone.",
        "למחוק את מה ששמור כאן מהשאלות שלך בקבוצה הזאת, עם התשובות? מה שאחרים כתבו נשאר. למחיקת הכול, שלחו \u200e/forget בצ׳אט הפרטי. "
        "אי אפשר לבטל את זה.",
    )
    FORGET_BEGUN = ("Deleting…", "המחיקה התחילה…")
    FORGET_KEPT = ("Nothing was deleted.", "שום דבר לא נמחק.")
    FORGOTTEN = (
        "Done: what I kept of you is deleted. If you write again, we start afresh.",
        "בוצע: כל מה שהיה שמור עליך נמחק. אם תכתבו שוב, נתחיל מחדש.",
    )
    FORGOTTEN_GROUP = (
        "Done: what I kept of those questions in this group is deleted.",
        "בוצע: מה שהיה שמור מהשאלות האלה בקבוצה נמחק.",
    )
    STOPPED = ("⏹ Stopped", "⏹ נעצר")
    TRUNCATED = (
        "✂️ The answer reached its length limit and ends here. Write “continue” for the rest.",
        "✂️ התשובה הגיעה לאורך המרבי ונקטעה כאן. כתבו ״המשך״ כדי לקבל את השאר.",
    )
    FILE_FATE_UNKNOWN = (
        "I'm not sure the file reached you. If you don't see it above, press the button and I'll send it again.",
        "לא ברור אם הקובץ הגיע. אם הוא לא מופיע למעלה, לחיצה על הכפתור תשלח אותו שוב.",
    )
    FILE_SHORTENED = (
        "✂️ The file is longer than I can read at once: I have seen its beginning and its end.",
        "✂️ הקובץ ארוך מדי לקריאה בבת אחת: נקראו תחילתו וסופו.",
    )
    NO_TOOLS = (
        "This model can use no tools: nothing was looked up or run, and the answer is from memory.",
        "המודל הזה לא יודע להשתמש בכלים: שום דבר לא נבדק ולא הורץ, והתשובה היא מהזיכרון.",
    )
    FILE_GONE = (
        "That file is no longer kept. Ask again and I'll make a new one.",
        "הקובץ כבר לא שמור. אפשר לבקש שוב, וייווצר קובץ חדש.",
    )
    SOURCES = ("Sources", "מקורות")
    ALSO_READ = ("Also read", "נקראו גם")
    FROM_MEMORY = (
        "This answer is from memory: no page was opened for it.",
        "התשובה מהזיכרון בלבד: לא נפתח דף כדי לבדוק אותה.",
    )
    FROM_PICTURE = (
        "This answer is from the picture and from memory: no page was opened for it.",
        "התשובה היא לפי התמונה ומהזיכרון: לא נפתח דף כדי לבדוק אותה.",
    )
    # Bilingual on purpose: whoever set the bot up reads one of the two.
    DEMO_NO_HEBREW = (
        "The built-in demo model knows only English. For answers in Hebrew, set GROQ_API_KEY and start again.\n\n"
        "מודל ההדגמה המובנה יודע רק אנגלית. כדי לקבל תשובות בעברית, הגדירו GROQ_API_KEY והפעילו מחדש.",
        "מודל ההדגמה המובנה יודע רק אנגלית. כדי לקבל תשובות בעברית, הגדירו GROQ_API_KEY והפעילו מחדש.\n\n"
        "The built-in demo model knows only English. For answers in Hebrew, set GROQ_API_KEY and start again.",
    )


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
    Cause.FILE_SCANNED: {
        "en": "The pages of this document are pictures, as from a scanner, and I can't read text from pictures. Send a version "
        "with text, or paste the text here.",
        "he": "העמודים במסמך הזה הם תמונות, כמו מסריקה, ואין כאן אפשרות לקרוא טקסט מתמונות. שלחו גרסה עם טקסט, או הדביקו את הטקסט.",
    },
    Cause.FILE_ENCRYPTED: {
        "en": "This document is protected by a password. Send it without one, or paste the text here.",
        "he": "המסמך הזה מוגן בסיסמה. שלחו אותו בלי סיסמה, או הדביקו את הטקסט.",
    },
    Cause.FILE_DAMAGED: {
        "en": "This document is damaged and can't be opened. Save it anew and send it once more.",
        "he": "המסמך הזה פגום ואי אפשר לפתוח אותו. שמרו אותו מחדש ושלחו שוב.",
    },
    Cause.FILE_HOSTILE: {
        "en": "Opening this document takes more time or memory than it may, as with files that are made to do harm, so I stopped. "
        "Send the part that matters as a smaller file.",
        "he": "פתיחת המסמך הזה דורשת יותר זמן או זיכרון מהמותר, כמו בקבצים שנועדו להזיק, ולכן הקריאה נעצרה. "
        "שלחו את החלק החשוב כקובץ קטן יותר.",
    },
    Cause.FILE_UNSUPPORTED: {
        "en": "I can't read this kind of file. Send it as PDF, Word, Excel, PowerPoint, e-book or text.",
        "he": "קובץ מהסוג הזה אי אפשר לקרוא כאן. שלחו אותו כ־PDF, Word, Excel, PowerPoint, ספר אלקטרוני או טקסט.",
    },
    Cause.NO_RUNNER: {
        "en": "Documents can't be opened here just now: what opens them safely is not running. Send the text itself, or try again later.",
        "he": "אי אפשר לפתוח כאן מסמכים כרגע, כי מה שפותח אותם בבטחה לא פועל. שלחו את הטקסט עצמו, או נסו שוב מאוחר יותר.",
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
    Cause.NO_TOOLS: {
        "en": "This needs an agent with tools, and there are none here. Whoever runs this bot has to look into it; then try again.",
        "he": "בשביל זה צריך סוכן עם כלים, ואין כאן כזה. מי שמפעיל את הבוט צריך לבדוק, ואז אפשר לנסות שוב.",
    },
    Cause.QUEUE_DEADLINE: {
        "en": "Your question waited too long in the queue, so I have let it go. Try again when it is quieter.",
        "he": "השאלה חיכתה בתור יותר מדי זמן וירדה ממנו. אפשר לנסות שוב כשיהיה פחות עומס.",
    },
    Cause.BUDGET: {
        "en": "What may be spent here is used up for now. /usage shows when it goes on; try again then.",
        "he": "מה שמותר להוציא כאן נוצל בינתיים. \u200e/usage מראה מתי אפשר להמשיך, ואז אפשר לנסות שוב.",
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


class Label(_Text):
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
