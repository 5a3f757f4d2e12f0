/**
 * The answer that is being written: how it begins, grows, is saved, and ends.
 *
 * A piece of text makes one new message, one new list of this turn's messages and one new turn; what
 * the chat said before is not touched.
 *
 * @module
 */

import { newCall } from "./call.js";
import { changeMessage, refuseUnbegun } from "./change.js";
import { NO_USAGE } from "./state.js";
import { grow, utf8Length } from "./text.js";

/** @import { AssistantMessage, ChatState, Written } from "./state.js" */
/** @import { MessageCheckpoint, MessageChunk, MessageEnd, MessageError, MessageStart, Part, Usage } from "./wire.js" */

/**
 * @param {ChatState} state
 * @param {MessageStart} event
 * @returns {ChatState}
 */
export function startMessage(state, event) {
  /** @type {AssistantMessage} */
  const message = {
    role: "assistant",
    id: event.seq,
    turnId: event.turnId,
    author: event.agent.name,
    model: event.agent.model,
    step: event.step,
    sourceId: null,
    state: "open",
    text: "",
    reasoning: "",
    written: { text: 0, reasoning: 0, textSaved: 0, reasoningSaved: 0 },
    parts: [],
    calls: [],
    finish: null,
    failure: null,
    usage: NO_USAGE,
    omitted: event.omitted ?? { turns: 0, messages: 0 },
    startedAt: event.at,
    endedAt: null,
    endedSeq: 0,
    metadata: {},
  };
  const { turn } = state;
  return turn ? { ...state, turn: { ...turn, messages: [...turn.messages, message] } } : state;
}

/**
 * Takes over what is new of a checkpoint, which follows the one before it.
 *
 * @param {ChatState} state
 * @param {MessageCheckpoint} event
 * @returns {ChatState}
 */
export function saveMessage(state, event) {
  return changeOpen(state, event.messageId, (message, written) => {
    const { text = "", reasoning = "" } = event;
    const grown = grow(message.text, written.text, written.textSaved, text);
    const thought = grow(message.reasoning, written.reasoning, written.reasoningSaved, reasoning);
    return {
      ...message,
      text: grown.text,
      reasoning: thought.text,
      written: {
        text: grown.bytes,
        reasoning: thought.bytes,
        textSaved: written.textSaved + utf8Length(text),
        reasoningSaved: written.reasoningSaved + utf8Length(reasoning),
      },
    };
  });
}

/**
 * @param {ChatState} state
 * @param {MessageEnd | MessageError} event
 * @returns {ChatState}
 */
export function endMessage(state, event) {
  const usage = (event.type === "message.end" && event.usage) || NO_USAGE;
  const ended = changeOpen(state, event.messageId, (message) => ({
    ...message,
    ...(event.type === "message.end" ? completed(event) : brokenOff(event)),
    // The record supersedes whatever was shown.
    text: event.text,
    reasoning: event.reasoning ?? "",
    written: null,
    usage,
    endedAt: event.at,
    endedSeq: event.seq,
  }));
  if (ended === state || !ended.turn) return ended;
  const turn = { ...ended.turn, usage: sum(ended.turn.usage, usage) };
  return { ...ended, turn, usage: sum(ended.usage, usage) };
}

/**
 * @param {MessageEnd} event
 * @returns {Pick<AssistantMessage, "state" | "parts" | "calls" | "finish">}
 */
function completed({ messageId, text, opaque = [], toolCalls = [], finish }) {
  const calls = toolCalls.map((asked, index) => newCall(`${messageId}.${index}`, asked));
  return { state: "ended", parts: [...said(text), ...opaque], calls, finish };
}

/**
 * @param {MessageError} event
 * @returns {Pick<AssistantMessage, "state" | "parts" | "failure">}
 */
function brokenOff({ text, failure }) {
  return { state: "broken", parts: said(text), failure };
}

/**
 * @param {string} text
 * @returns {Part[]}
 */
function said(text) {
  return text === "" ? [] : [{ type: "text", text }];
}

/**
 * A piece of an answer, or of what its model thinks aloud.
 *
 * @param {ChatState} state
 * @param {MessageChunk} event
 * @returns {ChatState}
 */
export function addChunk(state, event) {
  const { messageId, offset, text, type } = event;
  const next = changeOpen(state, messageId, (message, written) => {
    const field = type === "message.chunk" ? "text" : "reasoning";
    const grown = grow(message[field], written[field], offset, text);
    if (grown.bytes === written[field]) return message;
    return { ...message, [field]: grown.text, written: { ...written, [field]: grown.bytes } };
  });
  if (next === state) refuseUnbegun(state, messageId);
  return next;
}

/**
 * @param {ChatState} state
 * @param {number} id
 * @param {(message: AssistantMessage, written: Written) => AssistantMessage} change
 * @returns {ChatState}
 */
function changeOpen(state, id, change) {
  return changeMessage(state, id, (message) =>
    message.written ? change(message, message.written) : message,
  );
}

/**
 * @param {Usage} a
 * @param {Usage} b
 * @returns {Usage}
 */
function sum(a, b) {
  if (b.inputTokens === 0 && b.outputTokens === 0) return a;
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
  };
}
