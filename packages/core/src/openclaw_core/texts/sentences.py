"""The fixed sentences, in English and Hebrew. Hebrew is neutral in gender: impersonal or plural.

Why there is no answer is said in `failures`, what stands on buttons and in the menu in `menus`.
"""

from openclaw_core.texts.translated import TranslatedText


class Sentence(TranslatedText):
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
        "Put the id behind the command: /allow 123456, or /remove 123456. In a group, the command with my name and no "
        "id, such as /allow@MyBot, means the group. The bot tells each stranger their id.",
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
        "Delete what I keep of you? That is our conversation, your questions and answers here and in groups, what "
        "waits or runs, and your language. It can't be undone. What you have used of your budget stays, and so does "
        "whether you may use the bot. Messages in Telegram stay until you delete them there.",
        "למחוק את מה ששמור כאן עליך? השיחה שלנו, השאלות והתשובות כאן ובקבוצות, מה שממתין או רץ, והשפה שנבחרה. אי אפשר לבטל את זה. "
        "מה שנוצל מהתקציב נשאר, וגם ההרשאה להשתמש בבוט. ההודעות בטלגרם נשארות עד שמוחקים אותן שם.",
    )
    FORGET_ASK_GROUP = (
        "Delete what I keep of your questions in this group, with their answers? What others said stays. For "
        "everything, send /forget in our private chat. It can't be undone.",
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
