// All texts of the page in English and Hebrew, by the language of the browser. Texts of the bot are not here.

const words = {
  en: {
    skip: "Skip to the message field", newChat: "New chat", chats: "Chats", messages: "Messages", message: "Message",
    send: "Send", attach: "Attach a file", close: "Close", commands: "Commands", toEnd: "To the newest message",
    emptyTitle: "What shall we look into?", emptyText: "Write a question, attach a file, or type / for the commands.",
    typing: "is writing…", online: "Connected", joining: "Connecting…", lost: "Connection lost. Trying again…",
    lostLong: "The connection to OpenClaw is lost. It comes back by itself once “make up” runs again.",
    notSent: "Not sent: OpenClaw does not answer. Your text is still here.", tooBig: "This file is too large: 20 MB is the most.",
    noAnswer: "OpenClaw does not answer right now.",
    copy: "Copy", copied: "Copied", dark: "Dark colours", light: "Light colours", remove: "Remove the file",
    gone: "This button is no longer there.", you: "You", today: "Today", yesterday: "Yesterday", show: "Show",
    reacted: "The bot's reaction", untitled: "New chat", unread: "new", code: "code", download: "Download",
    voice: "Voice message", photo: "Photo", audio: "Audio", video: "Video", sticker: "Sticker",
  },
  he: {
    skip: "דילוג לשדה ההודעה", newChat: "שיחה חדשה", chats: "שיחות", messages: "הודעות", message: "הודעה",
    send: "שליחה", attach: "צירוף קובץ", close: "סגירה", commands: "פקודות", toEnd: "להודעה האחרונה",
    emptyTitle: "מה נבדוק היום?", emptyText: "אפשר לכתוב שאלה, לצרף קובץ, או להקליד / לרשימת הפקודות.",
    typing: "כותב…", online: "מחובר", joining: "מתחבר…", lost: "החיבור נותק. מנסה שוב…",
    lostLong: "החיבור ל־OpenClaw נותק. הוא יחזור מעצמו כש־“make up” ירוץ שוב.",
    notSent: "לא נשלח: OpenClaw לא עונה. הטקסט שלך נשאר כאן.", tooBig: "הקובץ גדול מדי: עד 20 מגה־בייט.",
    noAnswer: "OpenClaw לא עונה כרגע.",
    copy: "העתקה", copied: "הועתק", dark: "צבעים כהים", light: "צבעים בהירים", remove: "הסרת הקובץ",
    gone: "הכפתור הזה כבר לא קיים.", you: "את/ה", today: "היום", yesterday: "אתמול", show: "הצגה",
    reacted: "התגובה של הבוט", untitled: "שיחה חדשה", unread: "חדש", code: "קוד", download: "הורדה",
    voice: "הודעה קולית", photo: "תמונה", audio: "שמע", video: "וידאו", sticker: "מדבקה",
  },
};

const wanted = (navigator.language || "en").toLowerCase();
export const language = wanted.startsWith("he") || wanted.startsWith("iw") ? "he" : "en";
export const word = (name) => words[language][name] ?? name;

/** Write the texts into the static page. */
export function fillPage() {
  document.documentElement.lang = language;
  document.documentElement.dir = language === "he" ? "rtl" : "ltr";
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", word(node.dataset.label));
    if (node.localName === "button") node.title = word(node.dataset.label);
  }
  for (const node of document.querySelectorAll("[data-hint]")) node.placeholder = word(node.dataset.hint);
}
