"""Why there is no answer, and what a question waits for, by cause: one sentence for each language."""

from collections.abc import Mapping

from openclaw_core.ports import Lang
from openclaw_core.tasks.outcome import Cause

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
