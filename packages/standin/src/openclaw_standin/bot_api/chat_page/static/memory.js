// What the page remembers in this browser. Where storage is switched off it remembers until it is closed.

const here = new Map();

export function remember(name, value) {
  here.set(name, String(value));
  try {
    localStorage.setItem(`openclaw.${name}`, value);
  } catch {
    // Kept in `here` all the same.
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
