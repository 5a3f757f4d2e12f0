/**
 * A folded chat in the words of `messages/list`, to hold it against what the world says.
 *
 * @module
 */

import { messagesOf } from "../src/fold.js";

/** @typedef {import("../src/fold/state.js").ChatState} ChatState */
/** @typedef {import("../src/fold/state.js").Message} Message */
/** @typedef {import("../src/fold/state.js").AssistantMessage} AssistantMessage */

/** The messages of a chat as the world lists them: what is open is not yet one. @param {ChatState} chat */
export function listed(chat) {
  return messagesOf(chat).flatMap((message) => {
    if (message.role === "assistant") return message.state === "open" ? [] : [answer(message), ...results(message)];
    const { role, text, ...own } = message;
    return [filled({ ...own, role })];
  });
}

/** @param {AssistantMessage} message */
function answer({ id, turnId, sourceId, endedAt, author, reasoning, calls, usage, parts, failure, metadata }) {
  const toolCalls = calls.map(({ asked }) => asked);
  return filled({
    id, turnId, sourceId, at: endedAt, role: "assistant", author, reasoning, toolCalls, usage, parts, failure, metadata,
  });
}

/** @param {AssistantMessage} message */
function results({ calls, turnId }) {
  const ended = calls.filter(({ endedSeq }) => endedSeq !== null);
  return ended.map(({ id, endedSeq, endedAt, result, failure }) =>
    filled({ id: endedSeq, turnId, at: endedAt, role: "tool", toolCallId: id, parts: result, failure }),
  );
}

/** Without what the wire leaves out. @param {Record<string, unknown>} fields */
function filled(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([key, value]) => key === "parts" || !isNothing(value)));
}

/** @param {unknown} value */
function isNothing(value) {
  if (value === null || value === "") return true;
  if (typeof value !== "object") return false;
  const values = Object.values(/** @type {object} */ (value));
  return values.every((each) => each === 0);
}
