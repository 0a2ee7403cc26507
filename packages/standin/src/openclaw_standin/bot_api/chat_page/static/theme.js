// The light and the dark theme: that of the system, unless the user has chosen one.

import { icon } from "./formatting.js";
import { recall, remember } from "./local_storage.js";
import { word } from "./translations.js";

export function theme(button) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (recall("theme") ?? (system.matches ? "dark" : "light")) === "dark";

  const draw = () => {
    // Without a choice the style sheet follows the system by itself.
    if (recall("theme")) document.documentElement.dataset.theme = recall("theme");
    const other = word(isDark() ? "light" : "dark");
    button.replaceChildren(icon(isDark() ? "sun" : "moon"));
    button.setAttribute("aria-label", other);
    button.title = other;
  };

  button.addEventListener("click", () => {
    remember("theme", isDark() ? "light" : "dark");
    draw();
  });
  system.addEventListener("change", draw);
  draw();
}
