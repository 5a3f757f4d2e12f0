/**
 * From a chat's events to what a user interface shows of it: a pure function.
 *
 * It knows one chat and never looks at another (law 2); who feeds it is the store, see `store.js`.
 * Whatever comes twice changes nothing the second time: events that are known, text that is there.
 * So a reader that left and came back holds what a reader that never left holds, and a chunk that
 * was merged from many gives what the many give (law 4).
 *
 * ```js
 * let chat = emptyChat("a");
 * for await (const notice of world.chat("a").events({ start: "start" })) {
 *   chat = apply(chat, notice);
 *   draw(messagesOf(chat), busyOf(chat));
 * }
 * ```
 *
 * @module
 */

import { checkChat } from "./check.js";
import { Rejected } from "./errors.js";
import { addOutput, moveCall, setProgress } from "./fold/call.js";
import { importMessage, truncate } from "./fold/history.js";
import { addChunk, endMessage, saveMessage, startMessage } from "./fold/message.js";
import { acceptPrompt, editPrompt, withdrawPrompt } from "./fold/queue.js";
import { endTurn, startTurn, takeIn } from "./fold/turn.js";

export { busyOf, messagesOf, openMessageOf, outcomeOf, pendingOf, unreadOf } from "./fold/view.js";
export { emptyChat } from "./fold/state.js";

/** @import { ChatState } from "./fold/state.js" */
/** @import { ChatCreated, ChatUpdated, EndedEvent, LiveEvent, RecordedEvent } from "./fold/wire.js" */

/**
 * One notice of a chat's feed, as a subscription delivers it.
 *
 * @typedef {object} ChatNotice
 * @property {RecordedEvent | LiveEvent | EndedEvent} event
 * @property {string} [cursor] Where the feed goes on after it; the end has none.
 */

/**
 * The chat after one more notice of its feed; the chat itself when that says nothing new.
 *
 * Costs what changes: a piece of text costs one message and the list of this turn's messages,
 * however long the chat is.
 *
 * @param {ChatState} state
 * @param {ChatNotice} notice
 * @returns {ChatState}
 * @throws {Rejected} When the notice is of another chat, of none or of no known type, or something
 *   before it is missing. Nothing has changed then.
 */
export function apply(state, { cursor, event }) {
  checkChat(state.chatId, event.chatId);
  const next = "seq" in event ? recorded(state, event) : unrecorded(state, event);
  const ended = event.type === "ended" ? event.reason : null;
  const at = cursor ?? next.cursor;
  if (next.ended === ended && next.cursor === at) return next;
  return { ...next, cursor: at, ended };
}

/**
 * @param {ChatState} state
 * @param {RecordedEvent} event
 * @returns {ChatState}
 */
function recorded(state, event) {
  const { seq, at } = event;
  if (!Number.isSafeInteger(seq) || seq < 1) {
    throw new Rejected("malformed", { chatId: state.chatId });
  }
  // The same number in the same log is the same event.
  if (seq <= state.head) return state;
  if (seq !== state.head + 1) {
    throw new Rejected("out_of_order", { claimed: String(seq), chatId: state.chatId });
  }
  const next = folded(state, event);
  const copied = event.type === "chat.created" || event.type === "message.imported";
  return { ...next, head: seq, updatedAt: copied ? next.updatedAt : at };
}

/**
 * @param {ChatState} state
 * @param {RecordedEvent} event
 * @returns {ChatState}
 */
function folded(state, event) {
  switch (event.type) {
    case "chat.created":
      return created(state, event);
    case "chat.updated":
      return updated(state, event);
    case "chat.closed":
      return { ...state, life: "closed" };
    case "chat.reopened":
      return { ...state, life: "open" };
    case "chat.deleted":
      return { ...state, life: "deleted" };
    case "message.imported":
      return importMessage(state, event);
    case "prompt.accepted":
      return acceptPrompt(state, event);
    case "prompt.edited":
      return editPrompt(state, event);
    case "prompt.withdrawn":
      return withdrawPrompt(state, event);
    case "history.truncated":
      return truncate(state, event);
    default:
      return foldedInTurn(state, event);
  }
}

/**
 * @param {ChatState} state
 * @param {RecordedEvent} event
 * @returns {ChatState}
 */
function foldedInTurn(state, event) {
  switch (event.type) {
    case "turn.started":
      return startTurn(state, event);
    case "turn.handed_off":
      return state.turn ? { ...state, turn: { ...state.turn, agent: event.to } } : state;
    case "turn.ended":
      return endTurn(state, event);
    case "prompt.joined":
      return takeIn(state, event.promptId);
    case "message.start":
      return startMessage(state, event);
    case "message.checkpoint":
      return saveMessage(state, event);
    case "message.end":
    case "message.error":
      return endMessage(state, event);
    case "tool.start":
    case "tool.result":
    case "tool.error":
    case "approval.requested":
    case "approval.resolved":
      return moveCall(state, event);
    default:
      return refuseUnknown(state, event);
  }
}

/**
 * @param {ChatState} state
 * @param {LiveEvent | EndedEvent} event
 * @returns {ChatState}
 */
function unrecorded(state, event) {
  switch (event.type) {
    case "message.chunk":
    case "reasoning.chunk":
      return addChunk(state, event);
    case "tool.output":
      return addOutput(state, event);
    case "tool.progress":
      return setProgress(state, event);
    case "ended":
      // Who was away when it was deleted hears of that only here.
      return event.reason === "deleted" && state.life !== "deleted" ? { ...state, life: "deleted" } : state;
    default:
      return refuseUnknown(state, event);
  }
}

/**
 * A view with a hole would pass for a whole one.
 *
 * @param {ChatState} state
 * @param {{ type: string }} event
 * @returns {never}
 */
function refuseUnknown({ chatId }, { type }) {
  throw new Rejected("unknown_type", { claimed: String(type).slice(0, 128), chatId });
}

/**
 * @param {ChatState} state
 * @param {ChatCreated} event
 * @returns {ChatState}
 */
function created(state, event) {
  const { title, provenance, archived = false, agent = null, metadata = {}, origin = null, at } = event;
  const there = origin?.kind === "import" ? origin : null;
  const createdAt = there?.createdAt ?? at;
  const updatedAt = there?.updatedAt ?? there?.createdAt ?? at;
  const life = /** @type {const} */ ("open");
  return { ...state, life, title, provenance, archived, agent, metadata, origin, createdAt, updatedAt };
}

/**
 * @param {ChatState} state
 * @param {ChatUpdated} event
 * @returns {ChatState}
 */
function updated(state, event) {
  const {
    title = state.title,
    provenance = state.provenance,
    archived = state.archived,
    agent = state.agent,
    metadata = state.metadata,
  } = event;
  return { ...state, title, provenance, archived, agent, metadata };
}
