/**
 * Changing one message of the running turn, and refusing what is of none.
 *
 * @module
 */

import { Rejected } from "../errors.js";

/** @import { AssistantMessage, ChatState, Message } from "./state.js" */

/**
 * @param {ChatState} state
 * @param {number} id
 * @param {(message: AssistantMessage) => AssistantMessage} change
 * @returns {ChatState}
 */
export function changeMessage(state, id, change) {
  const { turn } = state;
  const at = turn ? turn.messages.findLastIndex((message) => message.id === id) : -1;
  const message = turn?.messages[at];
  if (!turn || message?.role !== "assistant") return state;
  const changed = change(message);
  if (changed === message) return state;
  /** @type {readonly Message[]} */
  const messages = turn.messages.with(at, changed);
  return { ...state, turn: { ...turn, messages } };
}

/**
 * A live event of something that ended is late and changes nothing; one of something that has not
 * begun is of nothing.
 *
 * @param {ChatState} state
 * @param {number} messageId
 */
export function refuseUnbegun(state, messageId) {
  if (messageId <= state.head) return;
  throw new Rejected("not_open", { claimed: String(messageId), chatId: state.chatId });
}
