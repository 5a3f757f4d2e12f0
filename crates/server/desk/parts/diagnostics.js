/**
 * What the world and this client had to say beside chats: refusals, restarts, rejected records (NFR-4).
 *
 * @module
 */

import { Cell } from "./cell.js";

/** @typedef {import("../vendor/polychat-client/index.js").ClientDiagnostic} ClientDiagnostic */
/** @typedef {import("../vendor/polychat-client/index.js").FeedNotice} FeedNotice */
/** @typedef {import("../vendor/polychat-client/index.js").Rejected} Rejected */

/** Entries that are kept; the oldest go first. */
const KEPT_MAX = 500;

/**
 * One entry, in words for people; `chatId` is where it belongs.
 *
 * @typedef {object} Entry
 * @property {number} id
 * @property {number} at milliseconds since the Unix epoch
 * @property {string | null} chatId
 * @property {string} kind
 * @property {string} text
 * @property {number} repeats
 */

/** @typedef {{ entries: readonly Entry[], unseen: number }} Kept newest last */

/** The diagnostics that this page has heard. */
export class Diagnostics {
  #now;
  #count = 0;
  #cell = new Cell(/** @type {Kept} */ ({ entries: [], unseen: 0 }));

  /** @param {() => number} [now] */
  constructor(now = Date.now) {
    this.#now = now;
  }

  getSnapshot = this.#cell.getSnapshot;
  subscribe = this.#cell.subscribe;

  /** Nothing is unseen any more. */
  seen = () => this.#cell.set({ ...this.#cell.getSnapshot(), unseen: 0 });

  /** What the world's feed says beside chats. @param {FeedNotice["event"]} event */
  ofWorld(event) {
    if (event.type === "diagnostics.skipped") {
      this.#add({ kind: "skipped", text: `${event.count} older ones were not sent` });
    } else if (event.type === "diagnostic") {
      const { at, chatId, kind, ...facts } = event.diagnostic;
      this.#add({ at, chatId: chatId ?? null, kind, text: factsOf(facts), repeats: event.repeats });
    }
  }

  /** What this page's client had to say. @param {ClientDiagnostic} diagnostic */
  ofClient({ kind, chatId, error, ...facts }) {
    const why = error instanceof Error ? { error: error.message } : {};
    this.#add({ kind, chatId: chatId ?? null, text: factsOf({ ...facts, ...why }) });
  }

  /** An event that did not fit the chat it came for (REQ-13). @param {Rejected} error */
  ofChat(error) {
    const { chatId, ...facts } = /** @type {Record<string, unknown>} */ (error.facts);
    const said = { kind: "rejected", chatId: typeof chatId === "string" ? chatId : null, text: factsOf(facts) };
    // What the connection itself rejected it has told already; this is what no fold could take.
    const last = this.#cell.getSnapshot().entries.at(-1);
    if (last?.kind !== said.kind || last.chatId !== said.chatId || last.text !== said.text) this.#add(said);
  }

  /** A chat that this page could not draw. @param {string} chatId @param {unknown} error */
  ofPage(chatId, error) {
    this.#add({ kind: "not_drawn", chatId, text: error instanceof Error ? error.message : String(error) });
  }

  /** @param {Partial<Entry> & { kind: string, text: string }} said */
  #add(said) {
    this.#count += 1;
    const entry = { id: this.#count, at: this.#now(), chatId: null, repeats: 1, ...said };
    const { entries, unseen } = this.#cell.getSnapshot();
    this.#cell.set({ entries: [...entries.slice(1 - KEPT_MAX), entry], unseen: Math.min(KEPT_MAX, unseen + 1) });
  }
}

/** @param {Record<string, unknown>} facts @returns {string} */
function factsOf(facts) {
  const said = Object.entries(facts).filter(([, value]) => value !== undefined && value !== "");
  return said.map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ");
}
