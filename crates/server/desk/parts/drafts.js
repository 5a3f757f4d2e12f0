/**
 * What this window keeps of each chat: what was typed or sent and not accepted, how far it was scrolled, what a message asks for while the chat is busy.
 *
 * It outlives a reload of the page, not the window; the chats that were used longest ago give way.
 *
 * @module
 */

/** @typedef {"queue" | "steer" | "interrupt"} Mode */

/**
 * @typedef {object} Kept
 * @property {string} [draft]
 * @property {readonly { promptId: string, text: string }[]} [unsent] what was sent and is not accepted, or was refused
 * @property {{ key: string, offset: number }} [place] the row at the upper edge; none at the end
 * @property {Mode} [mode]
 */

/** @typedef {Pick<Storage, "getItem" | "setItem">} Shelf */

/** Chats of which something is kept. */
const CHATS_MAX = 200;
/** Characters of all drafts and unsent messages that outlive a reload: browsers keep a few million for a page. */
const DRAFTS_MAX = 1_000_000;
/** How long changes wait to be written, in milliseconds. */
const WRITE_MS = 400;

/** What is kept of the chats of one world. */
export class Drafts {
  #name;
  #shelf;
  /** @type {Map<string, Kept>} */
  #chats = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {string} worldId @param {Shelf | null} shelf */
  constructor(worldId, shelf) {
    this.#name = `polychat-drafts/${worldId}`;
    this.#shelf = shelf;
    this.#chats = new Map(read(shelf, this.#name));
  }

  /** @param {string} chatId @returns {Readonly<Kept>} */
  of(chatId) {
    return this.#chats.get(chatId) ?? {};
  }

  /** Keeps what is given; `undefined` forgets. @param {string} chatId @param {{ [K in keyof Kept]: Kept[K] | undefined }} change */
  keep(chatId, change) {
    const entries = Object.entries({ ...this.of(chatId), ...change });
    const next = Object.fromEntries(entries.filter(([, value]) => value !== undefined && value !== ""));
    this.#chats.delete(chatId);
    if (Object.keys(next).length > 0) this.#chats.set(chatId, next);
    for (const oldest of this.#chats.keys()) {
      if (this.#chats.size <= CHATS_MAX) break;
      this.#chats.delete(oldest);
    }
    this.#timer ??= setTimeout(this.write, WRITE_MS);
  }

  /** Writes at once what waits to be written. */
  write = () => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      this.#shelf?.setItem(this.#name, JSON.stringify(newest([...this.#chats])));
    } catch {
      // A browser that keeps nothing has it for as long as the page is open.
    }
  };
}

/** As many as there is room for, the newest first looked at. @param {[string, Kept][]} chats @returns {[string, Kept][]} */
function newest(chats) {
  let room = DRAFTS_MAX;
  const kept = chats.toReversed().filter(([, { draft = "", unsent = [] }]) => {
    const length = unsent.reduce((sum, { text }) => sum + text.length, draft.length);
    if (length > room) return false;
    room -= length;
    return true;
  });
  return kept.toReversed();
}

/** @param {Shelf | null} shelf @param {string} name @returns {[string, Kept][]} */
function read(shelf, name) {
  try {
    const all = JSON.parse(shelf?.getItem(name) ?? "[]");
    return Array.isArray(all) ? all.filter((each) => Array.isArray(each) && typeof each[0] === "string" && typeof each[1] === "object") : [];
  } catch {
    return [];
  }
}

/** @type {Map<string, Drafts>} */
const worlds = new Map();

/** What is kept of the chats of a world: the same each time. @param {string} worldId @returns {Drafts} */
export function draftsOf(worldId) {
  const known = worlds.get(worldId);
  if (known) return known;
  const drafts = new Drafts(worldId, shelf());
  window.addEventListener("pagehide", drafts.write);
  worlds.set(worldId, drafts);
  return drafts;
}

/** @returns {Shelf | null} */
function shelf() {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}
