// The message field: drafts for each chat, the command menu, one attached file.

import { element, icon } from "./formatting.js";
import { size } from "./messages.js";
import { word } from "./translations.js";

const MAX_FILE_BYTES = 20 * 1024 * 1024;
const MAX_HEIGHT_PX = 200;

export class Composer {
  constructor({ form, send, toast }) {
    this.commands = [];
    this.drafts = new Map();
    this.chat = null;
    this.file = null;
    this.picked = 0;
    this.unsent = [];
    this.sendOut = send;
    this.toast = toast;
    this.form = form;
    this.text = form.querySelector("textarea");
    this.menu = form.querySelector("#commands");
    this.attached = form.querySelector("#attached");
    this.button = form.querySelector("#send");
    const input = form.querySelector("#file");

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.text.addEventListener("input", () => this.#draw());
    this.text.addEventListener("keydown", (event) => this.#key(event));
    this.text.addEventListener("blur", () => setTimeout(() => this.#showMenu([]), 120));
    this.text.addEventListener("paste", (event) => {
      const [file] = event.clipboardData?.files ?? [];
      if (file) {
        event.preventDefault();
        this.#attach(file);
      }
    });
    form.querySelector("#attach").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      if (input.files[0]) this.#attach(input.files[0]);
      input.value = "";
    });
    for (const kind of ["dragenter", "dragover"]) {
      document.addEventListener(kind, (event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        form.classList.add("dropping");
      });
    }
    document.addEventListener("dragleave", (event) => !event.relatedTarget && form.classList.remove("dropping"));
    document.addEventListener("drop", (event) => {
      form.classList.remove("dropping");
      const [file] = event.dataTransfer?.files ?? [];
      if (file) {
        event.preventDefault();
        this.#attach(file);
      }
    });
    this.#draw();
  }

  enter(chat) {
    this.chat = chat;
    const draft = this.drafts.get(chat) ?? "";
    if (this.text.value !== draft) this.text.value = draft; // else the caret stays where it is
    this.#draw();
  }

  leave() {
    if (this.chat !== null) this.drafts.set(this.chat, this.text.value);
  }

  focus(text) {
    this.text.focus();
    if (text !== undefined && !this.text.value) {
      this.text.value = text;
      this.#draw();
    }
  }

  #send() {
    const text = this.text.value.trim();
    const file = this.file;
    if (!text && !file) return;
    this.text.value = "";
    this.#attach(null);
    this.#queue({ chat: this.chat, text, file });
  }

  /** Send the text of a button. The field and its draft stay. */
  say(chat, text) {
    this.#queue({ chat, text, ofButton: true });
  }

  #queue(message) {
    this.unsent.push(message);
    if (this.unsent.length === 1) this.#deliver();
  }

  /** Send in order: a quick second message neither waits in the field nor overtakes the first. */
  async #deliver() {
    try {
      while (this.unsent.length) {
        await this.sendOut(this.unsent[0]);
        this.unsent.shift();
      }
    } catch {
      // The button can be pressed again. Its text must not replace the draft.
      const written = this.unsent.splice(0).filter((message) => !message.ofButton);
      for (const message of written.reverse()) this.#giveBack(message);
      this.toast(word(written.length ? "notSent" : "noAnswer"));
    }
  }

  /** Give an unsent text back to the field. */
  #giveBack({ chat, text, file }) {
    const both = (draft) => (text && draft ? `${text}\n${draft}` : text || draft);
    if (chat !== this.chat) {
      this.drafts.set(chat, both(this.drafts.get(chat) ?? ""));
      return;
    }
    this.text.value = both(this.text.value);
    if (file) this.#attach(file);
    this.#draw();
  }

  #attach(file) {
    if (file && file.size > MAX_FILE_BYTES) {
      this.toast(word("tooBig"));
      return;
    }
    this.file = file;
    this.attached.replaceChildren();
    this.attached.hidden = !file;
    if (file) {
      const remove = element("button", { type: "button", class: "plain", "aria-label": word("remove"), title: word("remove") }, icon("close"));
      remove.addEventListener("click", () => {
        this.#attach(null);
        this.text.focus();
      });
      this.attached.append(icon("file"), element("span", { dir: "auto" }, `${file.name} · ${size(file.size)}`), remove);
      this.text.focus();
    }
    this.#draw();
  }

  #draw() {
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(this.text.scrollHeight, MAX_HEIGHT_PX)}px`;
    this.text.style.overflowY = this.text.scrollHeight > MAX_HEIGHT_PX ? "auto" : "hidden";
    this.button.disabled = !this.text.value.trim() && !this.file;
    const begun = /^\/([a-z0-9_]*)$/.exec(this.text.value);
    this.picked = 0;
    this.#showMenu(begun ? this.commands.filter((c) => c.command.startsWith(begun[1])) : []);
  }

  // ---- the command menu

  #showMenu(commands) {
    this.offered = document.activeElement === this.text ? commands : [];
    this.menu.replaceChildren(
      ...this.offered.map((command, index) => {
        const option = element(
          "li",
          { role: "option", id: `command-${index}`, "aria-selected": String(index === this.picked) },
          element("b", {}, `/${command.command}`),
          element("span", { dir: "auto" }, command.description),
        );
        option.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          this.#take(index);
        });
        return option;
      }),
    );
    this.menu.hidden = !this.offered.length;
    if (this.offered.length) {
      this.text.setAttribute("aria-controls", "commands");
      this.text.setAttribute("aria-activedescendant", `command-${this.picked}`);
      this.menu.children[this.picked].scrollIntoView({ block: "nearest" });
    } else {
      this.text.removeAttribute("aria-controls");
      this.text.removeAttribute("aria-activedescendant");
    }
  }

  #take(index) {
    this.text.value = `/${this.offered[index].command} `;
    this.#showMenu([]);
    this.#draw();
    this.text.focus();
  }

  #key(event) {
    if (event.isComposing) return;
    if (this.offered?.length) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        this.picked = (this.picked + step + this.offered.length) % this.offered.length;
        this.#showMenu(this.offered);
        event.preventDefault();
        return;
      }
      const exact = this.offered.some((c) => `/${c.command}` === this.text.value);
      if (event.key === "Tab" || (event.key === "Enter" && !exact)) {
        this.#take(this.picked);
        event.preventDefault();
        return;
      }
      if (event.key === "Escape") {
        this.#showMenu([]);
        event.stopPropagation();
        return;
      }
    }
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#send();
    }
  }
}
