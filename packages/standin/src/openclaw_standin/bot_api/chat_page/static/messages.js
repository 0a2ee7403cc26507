// One element for each message. An edit changes only what differs, so focus and selection stay.

import { direction, element, icon, render } from "./formatting.js";
import { language, word } from "./translations.js";

const FILES = ["document", "voice", "audio", "video", "photo", "sticker"];

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hour12: false });
}

export function day(seconds) {
  const date = new Date(seconds * 1000);
  const ago = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86400000);
  if (ago === 0) return word("today");
  if (ago === 1) return word("yesterday");
  return date.toLocaleDateString(language, { day: "numeric", month: "long", year: "numeric" });
}

export function size(bytes) {
  if (!bytes) return "";
  const units = ["B", "kB", "MB"];
  let step = 0;
  while (bytes >= 1000 && step < 2) [bytes, step] = [bytes / 1000, step + 1];
  return `${bytes < 10 && step ? bytes.toFixed(1) : Math.round(bytes)} ${units[step]}`;
}

/** The first line of a message, for a quotation. */
function gist(message) {
  return (message.text ?? message.caption ?? "").split("\n")[0].slice(0, 120);
}

/** A photo; a press opens it alone. */
function picture(photo) {
  const src = `page/photos/${encodeURIComponent(photo.file_id)}`;
  const image = element("img", { class: "picture", src, alt: word("photo"), width: photo.width, height: photo.height });
  return element("a", { class: "picture-link", href: src, target: "_blank", rel: "noopener noreferrer" }, image);
}

function fileLink(message) {
  const kind = FILES.find((name) => message[name]);
  if (!kind) return null;
  if (kind === "photo") return picture(message.photo.at(-1));
  const file = message[kind];
  const name = file.file_name ?? word(kind);
  const text = element("span", { class: "file-text" });
  text.append(
    element("span", { class: "file-name", dir: "auto" }, name),
    element("span", { class: "file-size" }, [word("download"), size(file.file_size)].filter(Boolean).join(" · ")),
  );
  const href = `page/files/${encodeURIComponent(file.file_id)}`;
  return element("a", { class: "file", href, download: name }, element("span", { class: "file-sign" }, icon("file")), text);
}

function keyRow(row) {
  return element(
    "div",
    {},
    ...row.map((key) => {
      if (!key.url) return element("button", { type: "button", class: "key", "data-press": key.callback_data, dir: "auto" }, key.text);
      const href = /^https?:\/\//.test(key.url) ? key.url : undefined;
      return element("a", { class: "key", href, target: "_blank", rel: "noopener noreferrer", dir: "auto" }, key.text);
    }),
  );
}

export class MessageView {
  constructor(message, mine, author) {
    this.id = message.message_id;
    this.mine = mine;
    this.date = message.date;
    this.body = element("div", { class: "body" });
    this.keys = element("div", { class: "keys" });
    this.meta = element("div", { class: "meta" });
    this.node = element(
      "article",
      { class: `message ${mine ? "mine" : "theirs"}`, "data-id": this.id },
      element("span", { class: "hidden-text" }, `${author}: `),
      this.body,
      this.keys,
      this.meta,
    );
    this.shown = {};
    this.update(message);
  }

  update(message) {
    this.message = message;
    this.#changed("body", [this.quotes, message.text, message.entities, message.caption, message.caption_entities, FILES.map((f) => message[f])], () => {
      this.body.replaceChildren();
      const quoted = message.reply_to_message;
      if (quoted && this.quotes && gist(quoted)) this.body.append(element("span", { class: "quoted", dir: "auto" }, gist(quoted)));
      const file = fileLink(message);
      if (file) this.body.append(file);
      const text = message.text ?? message.caption ?? "";
      this.keys.dir = direction(text); // buttons begin where the text begins
      this.body.append(render(text, message.text === undefined ? message.caption_entities : message.entities));
    });
    this.#changed("keys", message.reply_markup?.inline_keyboard ?? [], (rows) => {
      this.keys.replaceChildren(...rows.map(keyRow));
    });
    this.#changed("meta", [this.reaction, message.date, this.last], () => this.#drawMeta());
  }

  /** The bot's one reaction; empty for none. */
  react(emoji) {
    this.reaction = emoji;
    this.#drawMeta();
  }

  /**
   * Set the place of the message: whether it is the first (shows the mark) and the last (shows the time) of a group from one side, and which
   * message is above it. The message that it replies to is quoted, unless that is the one above.
   */
  place(first, last, before) {
    const replied = this.message.reply_to_message?.message_id;
    this.quotes = replied !== undefined && replied !== before;
    this.update(this.message);
    this.node.classList.toggle("first", first);
    const mark = this.node.querySelector(".mark");
    if (first && !this.mine && !mark) this.node.prepend(element("span", { class: "mark", "aria-hidden": "true" }, icon("claw")));
    if (!first) mark?.remove();
    if (this.last !== last) {
      this.last = last;
      this.#drawMeta();
    }
  }

  #drawMeta() {
    this.meta.replaceChildren();
    if (this.reaction) {
      this.meta.append(element("span", { class: "reaction", role: "img", "aria-label": `${word("reacted")}: ${this.reaction}` }, this.reaction));
    }
    if (this.last && this.mine) this.meta.append(element("time", {}, clock(this.date)));
    this.meta.hidden = !this.meta.hasChildNodes();
  }

  #changed(part, value, draw) {
    const now = JSON.stringify(value);
    if (this.shown[part] === now) return;
    this.shown[part] = now;
    draw(value);
  }
}
