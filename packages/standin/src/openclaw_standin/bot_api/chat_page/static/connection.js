// The connection to the server: calls, and one stream of changes that reconnects by itself.

const HEADERS = { "X-OpenClaw-Page": "1" };

async function answered(response) {
  if (!response.ok) throw Object.assign(new Error("refused"), { status: response.status });
  return response.json();
}

export const get = async (path) => answered(await fetch(path, { headers: HEADERS }));

export const post = async (path, body) =>
  answered(
    await fetch(path, {
      method: "POST",
      headers: body instanceof FormData ? HEADERS : { ...HEADERS, "Content-Type": "application/json" },
      body: body instanceof FormData ? body : JSON.stringify(body),
    }),
  );

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;

/**
 * Listen for changes. `onJoined` fetches the present state first; then `onChange` gets each change;
 * `onState` gets "joining", "online" or "lost".
 */
export function listen({ onJoined, onChange, onState }) {
  let wait = FIRST_WAIT_MS;
  let source = null;
  let timer = 0;

  const join = () => {
    clearTimeout(timer);
    source?.close();
    const mine = (source = new EventSource("page/events"));
    const lose = () => {
      mine.close();
      if (mine !== source) return;
      onState("lost");
      clearTimeout(timer);
      timer = setTimeout(join, wait);
      wait = Math.min(wait * 1.6, LONGEST_WAIT_MS);
    };
    // Changes wait until the page has fetched its state. A change may be applied twice, but not too early.
    let joined = null;
    mine.onmessage = async (event) => {
      const change = JSON.parse(event.data);
      if (change.kind !== "hello") {
        await joined;
        return onChange(change);
      }
      joined = onJoined();
      try {
        await joined;
        wait = FIRST_WAIT_MS;
        onState("online");
      } catch {
        lose();
      }
    };
    // The browser's own retry gives up on some errors and is slow on others.
    mine.onerror = lose;
  };

  onState("joining");
  join();
  window.addEventListener("online", join);
}
