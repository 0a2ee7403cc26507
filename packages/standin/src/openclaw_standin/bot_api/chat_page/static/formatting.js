// Turns a text and its entities into elements. Text becomes text nodes only, never markup.

import { word } from "./translations.js";

const SIMPLE = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code" };
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);

export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") node.className = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** The address of a link to the web; null for any other target. */
function address(raw) {
  try {
    const url = new URL(/^[a-z][a-z0-9+.-]*:/i.test(raw) ? raw : `https://${raw}`);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** "rtl" if the first letter of `text` is Hebrew or Arabic, as the browser decides for `dir="auto"`. */
export function direction(text) {
  const [letter = ""] = /\p{L}/u.exec(text) ?? [];
  return /[\p{Script=Hebrew}\p{Script=Arabic}]/u.test(letter) ? "rtl" : "ltr";
}

/** Elements for `text`. Offsets of entities are UTF-16 units, which is what JavaScript counts too. */
export function render(text, entities = []) {
  const out = document.createDocumentFragment();
  const blocks = entities.filter((e) => BLOCKS.has(e.type));
  const inline = entities.filter((e) => !BLOCKS.has(e.type));
  let at = 0;
  for (const block of blocks) {
    if (block.offset < at) continue;
    lines(out, text, at, block.offset, inline, { beforeBlock: true, afterBlock: at > 0 });
    const end = block.offset + block.length;
    if (block.type === "pre") out.append(codeBlock(text.slice(block.offset, end), block.language));
    else {
      const quote = element("blockquote");
      lines(quote, text, block.offset, end, inline);
      out.append(quote);
    }
    at = end;
  }
  lines(out, text, at, text.length, inline, { afterBlock: at > 0 });
  return out;
}

/** Each line is a paragraph with a direction of its own, as in Telegram. */
function lines(parent, text, from, to, entities, { beforeBlock = false, afterBlock = false } = {}) {
  // A block has its own space around it, so line breaks next to it are not shown.
  if (afterBlock) while (from < to && text[from] === "\n") from += 1;
  if (beforeBlock) while (to > from && text[to - 1] === "\n") to -= 1;
  if (from >= to) return;
  let start = from;
  for (;;) {
    const stop = text.indexOf("\n", start);
    const end = stop === -1 || stop > to ? to : stop;
    const line = element("div", { class: "line", dir: "auto" });
    inlineParts(line, text, start, end, entities);
    parent.append(line);
    if (end === to) return;
    start = end + 1;
  }
}

function inlineParts(parent, text, from, to, entities) {
  let at = from;
  entities.forEach((entity, index) => {
    const start = Math.max(entity.offset, at);
    const end = Math.min(entity.offset + entity.length, to);
    if (start >= end) return;
    parent.append(text.slice(at, start));
    const node = inlineElement(entity, text.slice(start, end));
    inlineParts(node, text, start, end, entities.slice(index + 1));
    parent.append(node);
    at = end;
  });
  parent.append(text.slice(at, to));
}

function inlineElement(entity, shown) {
  if (SIMPLE[entity.type]) return element(SIMPLE[entity.type], entity.type === "code" ? { dir: "ltr" } : {});
  if (entity.type === "url" || entity.type === "text_link") {
    const href = address(entity.url ?? shown);
    return href ? element("a", { href, target: "_blank", rel: "noopener noreferrer" }) : element("span");
  }
  if (entity.type === "bot_command") return element("button", { type: "button", class: "command", dir: "ltr", "data-say": shown });
  if (entity.type === "spoiler") {
    const node = element("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": word("show") });
    const reveal = () => {
      node.classList.add("shown");
      for (const name of ["role", "tabindex", "aria-label"]) node.removeAttribute(name);
    };
    node.addEventListener("click", reveal);
    node.addEventListener("keydown", (event) => event.key === "Enter" && reveal());
    return node;
  }
  return element("span");
}

function codeBlock(text, language) {
  const label = element("span", {}, word("copy"));
  const button = element("button", { type: "button", class: "copy" }, icon("copy"), label);
  button.addEventListener("click", async () => {
    await copy(text);
    label.textContent = word("copied");
    button.querySelector("use").setAttribute("href", "#i-check");
    setTimeout(() => {
      label.textContent = word("copy");
      button.querySelector("use").setAttribute("href", "#i-copy");
    }, 1600);
  });
  const code = element("pre", { tabindex: "0", dir: "ltr" }, element("code", {}, text));
  return element("figure", { class: "block" }, element("figcaption", {}, language || word("code"), button), code);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No permission, or an old browser: select a hidden field and copy that.
    const field = element("textarea", { class: "hidden-text" });
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}
