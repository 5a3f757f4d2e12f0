/**
 * The rows of a timeline, and which of them are drawn.
 *
 * @module
 */

/** @import { ChatSnapshot } from "./types.js" */

/** @typedef {ChatSnapshot["chat"]} ChatState */
/** @typedef {ChatState["history"][number]} Message */
/** @typedef {ChatState["turns"][number]} EndedTurn */

/** @typedef {NonNullable<ChatState["turn"]>} RunningTurn */

/**
 * One row: a message, how a turn ended, or what the running one does. `byline` is set where somebody else speaks than before,
 * `isEnd` where a row behind the message tells how its turn ended.
 *
 * A message that was said in the running turn keeps its key when that ends, and with it its element and whatever is open,
 * selected or focused in it.
 *
 * @typedef {{ key: string, message: Message, byline: string, isEnd: boolean } | { key: string, ended: EndedTurn, isLast: boolean }
 *   | { key: string, startedAt: number }} Entry
 */

/** Rows that are drawn in one go. */
export const PAGE = 60;
/** Rows that are drawn at the same time. */
export const DRAWN_MAX = 240;

/**
 * The rows of what was said before the running turn. While one runs, no turn that ended is the last.
 *
 * @param {readonly Message[]} history
 * @param {readonly EndedTurn[]} turns
 * @param {boolean} [isRunning]
 * @returns {Entry[]}
 */
export function entriesOf(history, turns, isRunning = false) {
  /** @type {Entry[]} */
  const entries = [];
  const byId = new Map(turns.map((turn) => [turn.id, turn]));
  const last = isRunning ? undefined : turns.at(-1)?.id;
  history.forEach((message, at) => {
    const { turnId } = message;
    const goesOn = turnId === null || history[at + 1]?.turnId === turnId;
    const ended = goesOn ? undefined : byId.get(turnId);
    entries.push({ key: `m${message.id}`, message, byline: bylineOf(message, history[at - 1]), isEnd: ended !== undefined });
    if (ended) entries.push({ key: `t${turnId}`, ended, isLast: turnId === last });
  });
  return entries;
}

/** The rows of the running turn. @param {RunningTurn} turn @returns {Entry[]} */
export function entriesOfRunning({ id, messages, startedAt }) {
  const said = messages.map((message, at) => ({ key: `m${message.id}`, message, byline: bylineOf(message, messages[at - 1]), isEnd: false }));
  return [...said, { key: `t${id}`, startedAt }];
}

/**
 * Who speaks, where that is somebody else than before; empty where it goes on.
 *
 * @param {Message} message
 * @param {Message | undefined} before
 * @returns {string}
 */
function bylineOf(message, before) {
  if (message.role !== "assistant") return "";
  const name = nameOf(message);
  return before?.role === "assistant" && before.turnId === message.turnId && nameOf(before) === name ? "" : name;
}

/** @param {{ author: string | null, model: string | null }} message */
function nameOf({ author, model }) {
  if (!author) return model ?? "Assistant";
  return model && model !== author ? `${author} · ${model}` : author;
}

/**
 * Which rows are drawn: from `first`, and up to `last`; `null` is the end, wherever that will be.
 *
 * @typedef {object} Span
 * @property {number} first
 * @property {number | null} last
 */

/** The rows at the end. @param {number} count @returns {Span} */
export const atEnd = (count) => ({ first: Math.max(0, count - PAGE), last: null });

/** The rows around one. @param {number} place @param {number} count @returns {Span} */
export function around(place, count) {
  const last = place + PAGE;
  return { first: Math.max(0, place - PAGE / 2), last: last >= count ? null : last };
}

/** As many as there are. @param {Span} span @param {number} count @returns {{ first: number, last: number }} */
export function within({ first, last }, count) {
  const end = Math.min(last ?? count, count);
  return { first: Math.max(0, Math.min(first, end - 1)), last: end };
}

/** A page further up; what is too far below is not drawn any more. @param {Span} span @param {number} count @returns {Span} */
export function further(span, count) {
  const { first, last } = within(span, count);
  const next = Math.max(0, first - PAGE);
  return { first: next, last: last - next > DRAWN_MAX ? next + DRAWN_MAX : span.last };
}

/** A page further down. @param {Span} span @param {number} count @returns {Span} */
export function nearer(span, count) {
  if (span.last === null) return span;
  const { first, last } = within(span, count);
  const next = last + PAGE;
  return { first: Math.max(first, next - DRAWN_MAX), last: next >= count ? null : next };
}

/**
 * At the end: rows that nobody sees go, or a chat that is open for days would draw them all; and when most of them went
 * with the history, others come.
 *
 * @param {Span} span
 * @param {number} count
 * @returns {Span}
 */
export function trimmed(span, count) {
  const drawn = count - span.first;
  const isFine = span.last !== null || (drawn <= 2 * PAGE && (drawn >= PAGE / 2 || span.first === 0));
  return isFine ? span : atEnd(count);
}

/** The row of a message, also of one that is the result of a tool; -1 for none. @param {readonly Entry[]} entries @param {number} messageId */
export function placeOf(entries, messageId) {
  return entries.findIndex((entry) => {
    if (!("message" in entry)) return false;
    const { message } = entry;
    return message.id === messageId || (message.role === "assistant" && message.calls.some(({ endedSeq }) => endedSeq === messageId));
  });
}
