// The page: the list of chats, the open chat, changes from the server, actions of the user.

import { Composer } from "./composer.js";
import { element } from "./formatting.js";
import { clock, day, MessageView } from "./messages.js";
import { recall, remember } from "./local_storage.js";
import { get, listen, post } from "./connection.js";
import { theme } from "./theme.js";
import { fillPage, language, word } from "./translations.js";

const $ = (id) => document.getElementById(id);
const NEAR_END_PX = 80;
const TYPING_MS = 5500; // Telegram shows an action for five seconds

const chats = new Map(); // id → summary from the server
const unread = new Set();
let bot = {};
let openId = null;
let views = new Map(); // message id → MessageView, in the open chat
let typingTimer = 0;
let pinned = true;

// ---- the list of chats

function drawChats() {
  const sorted = [...chats.values()].sort((a, b) => (b.date || Infinity) - (a.date || Infinity) || b.id - a.id);
  const focused = document.activeElement?.dataset?.chat;
  $("chats").replaceChildren(
    ...sorted.map((chat) => {
      const button = element(
        "button",
        { type: "button", class: "chat", "data-chat": chat.id, "aria-current": chat.id === openId ? "true" : undefined },
        element("span", { class: "chat-title", dir: "auto" }, chat.title || word("untitled")),
        element("span", { class: "chat-time" }, chat.date ? clock(chat.date) : ""),
        element("span", { class: "chat-last", dir: "auto" }, chat.last),
      );
      if (unread.has(chat.id)) button.append(element("span", { class: "chat-dot", role: "img", "aria-label": word("unread") }));
      return element("li", {}, button);
    }),
  );
  if (focused) $("chats").querySelector(`[data-chat="${focused}"]`)?.focus();
  const open = chats.get(openId);
  $("title").textContent = open?.title || word("untitled");
  document.title = `${unread.size ? `(${unread.size}) ` : ""}${open?.title || bot.first_name || "OpenClaw"}`;
}

async function openChat(id) {
  composer.leave();
  openId = id;
  unread.delete(id);
  remember("chat", id);
  showTyping(false);
  const { chat, messages, reactions } = await get(`page/chats/${id}`);
  if (openId !== id) return;
  chats.set(id, chat);
  views = new Map();
  $("log").replaceChildren();
  // A screen reader must not read out a whole chat when it opens.
  $("log").setAttribute("aria-live", "off");
  for (const message of messages) addMessage(message, reactions[message.message_id]);
  arrange();
  requestAnimationFrame(() => $("log").setAttribute("aria-live", "polite"));
  pinned = true;
  toEnd();
  drawChats();
  composer.enter(id);
}

async function newChat() {
  const empty = [...chats.values()].find((chat) => !chat.date && chat.type === "private");
  const chat = empty ?? (await post("page/chats", { language }));
  chats.set(chat.id, chat);
  await openChat(chat.id);
}

// ---- messages

function addMessage(message, reaction) {
  const mine = message.from?.id !== bot.id;
  const view = new MessageView(message, mine, mine ? word("you") : bot.first_name);
  if (reaction) view.react(reaction);
  const after = [...views.values()].findLast((other) => other.id < view.id);
  views.set(view.id, view);
  if (after) after.node.after(view.node);
  else $("log").prepend(view.node);
  return view;
}

/** Show the days between messages, and group messages of one side. */
function arrange() {
  for (const node of $("log").querySelectorAll(".day")) node.remove();
  const sorted = [...views.values()].sort((a, b) => a.id - b.id);
  sorted.forEach((view, index) => {
    const before = sorted[index - 1];
    const after = sorted[index + 1];
    const newDay = !before || day(before.date) !== day(view.date);
    if (newDay) view.node.before(element("div", { class: "day" }, day(view.date)));
    view.place(newDay || before.mine !== view.mine, !after || after.mine !== view.mine || after.date - view.date > 300, before?.id);
  });
  $("empty").hidden = sorted.length > 0;
}

function showMessage(message) {
  const known = views.get(message.message_id);
  if (known) known.update(message);
  else {
    addMessage(message);
    arrange();
    if (message.from?.id === bot.id) showTyping(false);
    else pinned = true;
  }
  if (pinned) toEnd();
}

function toEnd() {
  const scroll = $("scroll");
  scroll.scrollTop = scroll.scrollHeight;
}

function showTyping(on) {
  clearTimeout(typingTimer);
  const dots = element("span", { class: "dots", "aria-hidden": "true" }, element("i"), element("i"), element("i"));
  if (!on) $("typing").replaceChildren();
  else if (!$("typing").hasChildNodes()) $("typing").append(dots, `${bot.first_name} ${word("typing")}`);
  if (on) typingTimer = setTimeout(() => showTyping(false), TYPING_MS);
  if (on && pinned) toEnd();
}

// ---- changes from the server

const changes = {
  commands: async () => showCommands(await get(statePath)),
  chat: ({ chat }) => chat && chats.set(chat.id, { ...chats.get(chat.id), ...chat }) && drawChats(),
  message: ({ chat_id: id, message, chat }) => {
    if (chat) chats.set(id, chat);
    if (id === openId) showMessage(message);
    else if (message.from?.id === bot.id && !message.edit_date) unread.add(id);
    drawChats();
  },
  deleted: ({ chat_id: id, message_id: gone }) => {
    if (id !== openId) return;
    views.get(gone)?.node.remove();
    views.delete(gone);
    arrange();
  },
  reaction: ({ chat_id: id, message_id: to, emoji }) => {
    if (id !== openId) return;
    views.get(to)?.react(emoji);
    if (pinned) toEnd();
  },
  action: ({ chat_id: id }) => id === openId && showTyping(true),
  answered: ({ chat_id: id, text }) => {
    if (id !== openId) return;
    for (const key of $("log").querySelectorAll(".key[aria-busy]")) key.removeAttribute("aria-busy");
    if (text) toast(text);
  },
};

const statePath = `page/state?language=${language}`;

async function refresh() {
  const state = await get(statePath);
  bot = state.bot;
  $("bot-name").textContent = bot.first_name;
  $("notice").textContent = state.notice;
  $("notice").hidden = !state.notice;
  showCommands(state);
  chats.clear();
  for (const chat of state.chats) chats.set(chat.id, chat);
  if (chats.has(openId)) return openChat(openId);
  const kept = Number(recall("chat"));
  const newest = [...chats.values()].sort((a, b) => b.date - a.date)[0];
  if (chats.has(kept)) return openChat(kept);
  return newest ? openChat(newest.id) : newChat();
}

function showCommands({ commands }) {
  composer.commands = commands;
  const first = commands.length ? commands.slice(0, 4).map((c) => `/${c.command}`) : ["/start", "/help"];
  $("starters").replaceChildren(...first.map((text) => element("button", { type: "button", class: "starter", dir: "ltr", "data-say": text }, text)));
}

function showLink(state) {
  $("link").dataset.state = state;
  $("link").textContent = word(state);
  $("lost").textContent = state === "lost" ? word("lostLong") : "";
  $("lost").hidden = state !== "lost";
}

function toast(text) {
  const node = element("div", { class: "toast", dir: "auto" }, text);
  $("toasts").append(node);
  setTimeout(() => node.remove(), 4000);
}

// ---- actions of the user

const composer = new Composer({
  form: $("composer"),
  toast,
  send: async ({ chat, text, file }) => {
    const path = `page/chats/${chat}`;
    if (!file) return post(`${path}/say`, { text });
    const body = new FormData();
    body.append("caption", text);
    body.append("file", file);
    return post(`${path}/upload`, body);
  },
});

async function press(key) {
  key.setAttribute("aria-busy", "true");
  setTimeout(() => key.removeAttribute("aria-busy"), 10000);
  const id = Number(key.closest(".message").dataset.id);
  try {
    await post(`page/chats/${openId}/press`, { message_id: id, data: key.dataset.press });
  } catch (error) {
    key.removeAttribute("aria-busy");
    toast(word(error.status === 409 ? "gone" : "noAnswer"));
  }
}

document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  const chat = at("[data-chat]");
  if (chat) {
    closeSidebar();
    openChat(Number(chat.dataset.chat)).then(
      () => composer.focus(),
      () => toast(word("noAnswer")),
    );
  }
  const key = at("[data-press]");
  if (key && !key.hasAttribute("aria-busy")) press(key);
  const say = at("[data-say]");
  if (say) {
    composer.say(openId, say.dataset.say);
    composer.focus();
  }
});

$("chats").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const all = [...$("chats").querySelectorAll("button")];
  all[all.indexOf(document.activeElement) + step]?.focus();
  event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeSidebar();
  const typing = /^(input|textarea)$/i.test(document.activeElement?.tagName ?? "");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    composer.focus("/");
    event.preventDefault();
  }
});

$("scroll").addEventListener("scroll", () => {
  const { scrollTop, clientHeight, scrollHeight } = $("scroll");
  pinned = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  $("to-end").hidden = pinned;
});
new ResizeObserver(() => pinned && toEnd()).observe($("scroll"));
$("to-end").addEventListener("click", toEnd);
$("new-chat").addEventListener("click", async () => {
  closeSidebar();
  try {
    await newChat();
    composer.focus();
  } catch {
    toast(word("noAnswer"));
  }
});

function closeSidebar() {
  if (!$("sidebar").classList.contains("open")) return;
  $("sidebar").classList.remove("open");
  $("shade").hidden = true;
  $("open-sidebar").setAttribute("aria-expanded", "false");
  $("open-sidebar").focus();
}
$("open-sidebar").addEventListener("click", () => {
  $("sidebar").classList.add("open");
  $("shade").hidden = false;
  $("open-sidebar").setAttribute("aria-expanded", "true");
  $("new-chat").focus();
});
$("close-sidebar").addEventListener("click", closeSidebar);
$("shade").addEventListener("click", closeSidebar);

fillPage();
theme($("theme"));
listen({ onJoined: refresh, onChange: (change) => changes[change.kind]?.(change), onState: showLink });
