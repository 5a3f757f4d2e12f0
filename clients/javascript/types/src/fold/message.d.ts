/**
 * The answer that is being written: how it begins, grows, is saved, and ends.
 *
 * A piece of text makes one new message, one new list of this turn's messages and one new turn; what
 * the chat said before is not touched.
 *
 * @module
 */
import type { ChatState } from "./state.js";
import type { MessageCheckpoint, MessageChunk, MessageEnd, MessageError, MessageStart } from "./wire.js";
/** @import { AssistantMessage, ChatState, Written } from "./state.js" */
/** @import { MessageCheckpoint, MessageChunk, MessageEnd, MessageError, MessageStart, Part, Usage } from "./wire.js" */
/**
 * @param {ChatState} state
 * @param {MessageStart} event
 * @returns {ChatState}
 */
export declare function startMessage(state: ChatState, event: MessageStart): ChatState;
/**
 * Takes over what is new of a checkpoint, which follows the one before it.
 *
 * @param {ChatState} state
 * @param {MessageCheckpoint} event
 * @returns {ChatState}
 */
export declare function saveMessage(state: ChatState, event: MessageCheckpoint): ChatState;
/**
 * @param {ChatState} state
 * @param {MessageEnd | MessageError} event
 * @returns {ChatState}
 */
export declare function endMessage(state: ChatState, event: MessageEnd | MessageError): ChatState;
/**
 * A piece of an answer, or of what its model thinks aloud.
 *
 * @param {ChatState} state
 * @param {MessageChunk} event
 * @returns {ChatState}
 */
export declare function addChunk(state: ChatState, event: MessageChunk): ChatState;
