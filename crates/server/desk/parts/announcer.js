/**
 * What a person who does not see the list has to hear of: a chat waits for them, a chat failed. Nothing of what is written.
 *
 * @module
 */

import { html, useRef, useSnapshot } from "./hooks.js";

/** @import { ChatRow } from "./types.js" */

/** Chats that are named in one breath. */
const NAMED_MAX = 3;

/** @param {{ desk: import("./session.js").Desk, nameOf: (row: ChatRow) => string }} props */
export function Announcer({ desk: { store }, nameOf }) {
  const { chats, list } = useSnapshot(store);
  const known = useRef({ chats, text: "", nth: 0 });
  if (known.current.chats !== chats) {
    // What was so when the page was opened is no news.
    const text = list === "loading" ? "" : news(known.current.chats, chats, nameOf);
    known.current = text === "" ? { ...known.current, chats } : { chats, text, nth: known.current.nth + 1 };
  }
  return html`<${Said} text=${known.current.text} nth=${known.current.nth} />`;
}

/** What is said now. An element that is new is heard, also when it says the same as the last one. @param {{ text: string, nth: number }} props */
export function Said({ text, nth }) {
  return html`<p class="unseen" role="status">${text && html`<span key=${nth}>${text}</span>`}</p>`;
}

/**
 * What has happened between two lists that somebody should know; empty for nothing.
 *
 * @param {readonly ChatRow[]} before
 * @param {readonly ChatRow[]} now
 * @param {(row: ChatRow) => string} nameOf
 * @returns {string}
 */
export function news(before, now, nameOf) {
  const unchanged = new Set(before);
  const changed = now.filter((row) => !unchanged.has(row));
  if (changed.length === 0) return "";
  const was = new Map(before.map((row) => [row.chatId, row]));
  const became = (/** @type {(row: ChatRow) => boolean} */ is) =>
    changed.filter((row) => {
      const old = was.get(row.chatId);
      return old !== undefined && is(row) && !is(old);
    });
  const waiting = said(became(({ busy }) => busy.kind === "awaiting").map(nameOf), "waits for you", "wait for you");
  const failed = said(became(hasFailed).map(nameOf), "has failed", "have failed");
  return [waiting, failed].filter(Boolean).join(" ");
}

/** @param {ChatRow} row */
function hasFailed({ busy, outcome }) {
  return busy.kind === "failed" || (busy.kind === "idle" && outcome === "failed");
}

/** @param {readonly string[]} names @param {string} one @param {string} many @returns {string} */
function said(names, one, many) {
  if (names.length === 0) return "";
  if (names.length > NAMED_MAX) return `${names.length} chats ${many}.`;
  return `${names.join(", ")} ${names.length === 1 ? one : many}.`;
}
