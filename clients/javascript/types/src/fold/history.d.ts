/**
 * What was said before the running turn: messages that were copied in, and messages that go.
 *
 * @module
 */
import type { ChatState } from "./state.js";
import type { HistoryTruncated, ImportedMessage, MessageImported } from "./wire.js";
export type ImportedAnswer = Extract<ImportedMessage, {
    role: "assistant";
}>;
export type ImportedResult = Extract<ImportedMessage, {
    role: "tool";
}>;
/** @import { AssistantMessage, Call, ChatState, Message } from "./state.js" */
/** @import { HistoryTruncated, ImportedMessage, MessageImported } from "./wire.js" */
/** @typedef {Extract<ImportedMessage, { role: "assistant" }>} ImportedAnswer */
/** @typedef {Extract<ImportedMessage, { role: "tool" }>} ImportedResult */
/**
 * @param {ChatState} state
 * @param {MessageImported} event
 * @returns {ChatState}
 */
export declare function importMessage(state: ChatState, event: MessageImported): ChatState;
/**
 * The messages from one on go, and with them the turns that have none left.
 *
 * @param {ChatState} state
 * @param {HistoryTruncated} event
 * @returns {ChatState}
 */
export declare function truncate(state: ChatState, { from }: HistoryTruncated): ChatState;
