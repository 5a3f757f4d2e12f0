/**
 * Which chats the list shows, and in which order: newest activity first.
 *
 * @module
 */

import { hasNews } from "./signal.js";

/** @import { ChatRow } from "./types.js" */

/** @typedef {"all" | "busy" | "waiting" | "unread" | "failed" | "archived"} View */

/** Those that are mostly empty are `rare`; what was put away stands `apart`. @type {readonly { view: View, text: string, rare?: boolean, apart?: boolean }[]} */
export const VIEWS = Object.freeze([
  { view: "all", text: "All" },
  { view: "busy", text: "Working" },
  { view: "waiting", text: "Waiting" },
  { view: "unread", text: "Unread" },
  { view: "failed", text: "Failed", rare: true },
  { view: "archived", text: "Archived", rare: true, apart: true },
]);

/** @type {Readonly<Record<View, (row: ChatRow) => boolean>>} */
const BELONGS = Object.freeze({
  all: (row) => !row.archived,
  busy: ({ busy, sending }) => busy.kind === "running" || sending,
  waiting: ({ busy }) => busy.kind === "awaiting",
  unread: (row) => !row.archived && hasNews(row),
  failed: ({ busy, outcome }) => busy.kind === "failed" || busy.kind === "stalled" || (busy.kind === "idle" && outcome === "failed"),
  archived: (row) => row.archived,
});

/**
 * The rows of a view in which these words stand, newest activity first.
 *
 * @param {readonly ChatRow[]} rows
 * @param {{ view: View, words: string, nameOf: (row: ChatRow) => string }} wanted
 * @returns {ChatRow[]}
 */
export function ordered(rows, { view, words, nameOf }) {
  const belongs = BELONGS[view];
  const wanted = words.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const fits = (/** @type {ChatRow} */ row) => {
    if (!belongs(row)) return false;
    if (wanted.length === 0) return true;
    const name = `${nameOf(row)} ${row.chatId}`.toLocaleLowerCase();
    return wanted.every((word) => name.includes(word));
  };
  return rows.filter(fits).sort(newestFirst);
}

/** Whether somebody should look at it. @param {ChatRow} row */
export function wantsLook(row) {
  return !row.archived && !row.selected && (row.busy.kind === "awaiting" || hasNews(row));
}

/** How many rows each view has. @param {readonly ChatRow[]} rows @returns {Record<View, number>} */
export function counts(rows) {
  /** @type {Record<View, number>} */
  const found = { all: 0, busy: 0, waiting: 0, unread: 0, failed: 0, archived: 0 };
  for (const row of rows) {
    for (const { view } of VIEWS) if (BELONGS[view](row)) found[view] += 1;
  }
  return found;
}

/**
 * In a chat at work something happens all the time, so those come first, and stand still among themselves while they write.
 * Of chats that moved at the same moment the ids decide, so that no two trade places.
 *
 * @param {ChatRow} a
 * @param {ChatRow} b
 */
function newestFirst(a, b) {
  const first = Number(isAtWork(b)) - Number(isAtWork(a));
  if (first !== 0) return first;
  if (a.activeAt !== b.activeAt) return b.activeAt - a.activeAt;
  return a.chatId < b.chatId ? -1 : 1;
}

/** @param {ChatRow} row */
function isAtWork({ busy: { kind } }) {
  return kind === "running" || kind === "awaiting";
}
