/**
 * What the page says that a chat does, held to what the chat's log says it did by then.
 *
 * @module
 */

import { row } from "./desk.mjs";

/** @import { Page } from "playwright-core" */

/** @typedef {{ kind: string, queued: number }} Doing */

/**
 * Leaves the page's store in `globalThis.store`: how far the page has read a chat is drawn nowhere.
 *
 * @param {Page} page
 */
export async function showStore(page) {
  await page.addInitScript(() => {
    const watched = import(/** @type {any} */ ("/parts/cell.js")).then(({ Cell }) => {
      const set = Cell.prototype.set;
      Cell.prototype.set = function (/** @type {any} */ value) {
        if (value?.store) Object.assign(globalThis, { store: value.store });
        set.call(this, value);
      };
    });
    // The page has a store after it asked whether it may enter, and that waits for this.
    const own = fetch;
    globalThis.fetch = async (...asked) => {
      await watched;
      return await own(...asked);
    };
  });
}

/**
 * How far the page has read a chat and what it says of it, both at one moment; `null` while it does not read it.
 *
 * @param {Page} page
 * @param {string} id
 * @returns {Promise<{ seq: number, doing: Doing, drawn: { kind: string | undefined, words: string } | null } | null>}
 */
function said(page, id) {
  return page.evaluate(([chatId, line]) => {
    const { store } = /** @type {any} */ (globalThis);
    const { following, busy, chat } = store.chat(chatId).getSnapshot();
    if (following !== "live") return null;
    const element = /** @type {HTMLElement | null} */ (document.querySelector(line));
    const words = element?.querySelector(".row-signal")?.textContent ?? "";
    const drawn = element && { kind: element.dataset["signal"], words };
    return { seq: chat.head, doing: { kind: busy.kind, queued: busy.queued }, drawn };
  }, /** @type {const} */ ([id, row(id)]));
}

/**
 * What a chat did at an event of its log, counted without the client's fold; of chats that use no tools.
 *
 * @param {Page} other
 * @param {string} id
 * @param {number} seq
 * @returns {Promise<Doing>}
 */
function done(other, id, seq) {
  return other.evaluate(async ([chatId, last]) => {
    const waiting = new Set();
    let [head, runs] = [0, false];
    for await (const event of /** @type {any} */ (globalThis).other.chat(chatId).log()) {
      if (event.seq > last) break;
      head = event.seq;
      if (event.type === "prompt.accepted") waiting.add(event.promptId);
      if (event.type === "prompt.withdrawn" || event.type === "prompt.joined") waiting.delete(event.promptId);
      if (event.type === "turn.started") event.promptIds.forEach((/** @type {string} */ promptId) => waiting.delete(promptId));
      if (event.type === "turn.started" || event.type === "turn.ended") runs = event.type === "turn.started";
    }
    if (head < last) throw new Error(`${chatId} has no event ${last}, and the page has seen it`);
    return { kind: runs || waiting.size > 0 ? "running" : "idle", queued: waiting.size };
  }, /** @type {const} */ ([id, seq]));
}

/** Signals that were held to their logs: how many, how many of them were drawn, and what was wrong. */
export class Signals {
  looked = 0;
  drawn = 0;
  /** @type {string[]} */
  wrong = [];

  /**
   * Looks at one chat as the page shows it now.
   *
   * @param {Page} page
   * @param {Page} other
   * @param {string} id
   */
  async look(page, other, id) {
    const seen = await said(page, id);
    if (!seen) return;
    const { seq, doing, drawn } = seen;
    const { kind, queued } = await done(other, id, seq);
    this.looked += 1;
    if (kind !== doing.kind || queued !== doing.queued) {
      this.wrong.push(`${id} at ${seq} is ${kind} with ${queued} queued, and the page has ${doing.kind} with ${doing.queued}`);
    }
    if (!drawn) return;
    this.drawn += 1;
    const rests = /^(?:Idle|Stopped)$/.test(drawn.words);
    const told = Number(/(\d+) queued$/.exec(drawn.words)?.[1] ?? 0);
    // A prompt on its way is told of before it stands in the log.
    const isSending = drawn.words === "Sending" && kind === "idle";
    if (isSending || (drawn.kind === kind && told === queued && rests === (kind === "idle"))) return;
    this.wrong.push(`${id} at ${seq} is ${kind} with ${queued} queued, and its line says ${drawn.kind}: ${drawn.words}`);
  }
}
