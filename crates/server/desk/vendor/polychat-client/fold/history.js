/**
 * What was said before the running turn: messages that were copied in, and messages that go.
 *
 * @module
 */

import { newCall } from "./call.js";
import { textOf } from "./parts.js";
import { NO_USAGE } from "./state.js";

/** @import { AssistantMessage, Call, ChatState, Message } from "./state.js" */
/** @import { HistoryTruncated, ImportedMessage, MessageImported } from "./wire.js" */

/** @typedef {Extract<ImportedMessage, { role: "assistant" }>} ImportedAnswer */
/** @typedef {Extract<ImportedMessage, { role: "tool" }>} ImportedResult */

/**
 * @param {ChatState} state
 * @param {MessageImported} event
 * @returns {ChatState}
 */
export function importMessage(state, event) {
  const { message } = event;
  switch (message.role) {
    case "user": {
      const { parts } = message;
      const text = textOf(parts);
      return push(state, { role: "user", turnId: null, promptId: null, text, parts, ...copied(event) });
    }
    case "assistant":
      return push(state, answer(event, message));
    case "tool":
      return addResult(state, event, message);
    default:
      return state;
  }
}

/**
 * @param {ChatState} state
 * @param {Message} message
 * @returns {ChatState}
 */
function push(state, message) {
  return { ...state, history: [...state.history, message] };
}

/**
 * What every copied message has.
 *
 * @param {MessageImported} event
 */
function copied({ seq, sourceId, writtenAt, metadata = {} }) {
  return { id: seq, sourceId: sourceId ?? null, at: writtenAt, metadata };
}

/**
 * @param {MessageImported} event
 * @param {ImportedAnswer} message
 * @returns {AssistantMessage}
 */
function answer(event, message) {
  const { id, sourceId, at, metadata } = copied(event);
  const { author, parts, reasoning = "", toolCalls = [], failure } = message;
  return {
    role: "assistant",
    id,
    turnId: null,
    author: author ?? null,
    model: null,
    step: 0,
    sourceId,
    state: failure ? "broken" : "ended",
    text: textOf(parts),
    reasoning,
    written: null,
    parts,
    calls: toolCalls.map((asked, index) => newCall(`${id}.${index}`, asked)),
    finish: null,
    failure: failure ?? null,
    usage: message.usage ?? NO_USAGE,
    omitted: { turns: 0, messages: 0 },
    startedAt: at,
    endedAt: at,
    endedSeq: 0,
    metadata,
  };
}

/**
 * The result of a call of the last answer before it; a message of its own when that answer does not
 * have the call, or has its result.
 *
 * @param {ChatState} state
 * @param {MessageImported} event
 * @param {ImportedResult} result
 * @returns {ChatState}
 */
function addResult(state, event, { index, output, failure }) {
  const at = state.history.findLastIndex((message) => message.role === "assistant");
  const owner = state.history[at];
  if (owner?.role !== "assistant") return state;
  const call = owner.calls[index];
  if (!call || call.endedSeq !== null) {
    const { parts } = output;
    const toolCallId = `${owner.id}.${index}`;
    const text = textOf(parts);
    const message = /** @type {const} */ ({ role: "tool", turnId: null, toolCallId, text, parts });
    return push(state, { ...message, failure: failure ?? null, ...copied(event) });
  }
  /** @type {Call} */
  const ended = {
    ...call,
    state: failure ? "failed" : "answered",
    result: output.parts,
    cutBytes: output.cutBytes ?? 0,
    unshownBytes: output.unshownBytes ?? 0,
    failure: failure ?? null,
    endedAt: event.writtenAt,
    endedSeq: event.seq,
  };
  const answered = { ...owner, calls: owner.calls.with(index, ended) };
  return { ...state, history: state.history.with(at, answered) };
}

/**
 * The messages from one on go, and with them the turns that have none left.
 *
 * @param {ChatState} state
 * @param {HistoryTruncated} event
 * @returns {ChatState}
 */
export function truncate(state, { from }) {
  const at = state.history.findLastIndex((message) => message.id === from);
  if (at === -1) return state;
  const history = state.history.slice(0, at);
  const last = history.findLast((message) => message.turnId !== null)?.turnId ?? 0;
  return { ...state, history, turns: state.turns.filter((turn) => turn.id <= last) };
}
