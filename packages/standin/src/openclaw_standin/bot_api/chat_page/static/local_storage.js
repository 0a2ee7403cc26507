// Stores the theme and the open chat in this browser. Without localStorage they last until the page is closed.

const here = new Map();

export function remember(name, value) {
  here.set(name, String(value));
  try {
    localStorage.setItem(`openclaw.${name}`, value);
  } catch {
    // `here` has it.
  }
}

export function recall(name) {
  if (here.has(name)) return here.get(name);
  try {
    return localStorage.getItem(`openclaw.${name}`);
  } catch {
    return null;
  }
}
