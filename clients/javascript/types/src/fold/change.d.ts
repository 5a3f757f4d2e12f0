/**
 * Changing one message of the running turn, and refusing what is of none.
 *
 * @module
 */
import type { AssistantMessage, ChatState } from "./state.js";
/** @import { AssistantMessage, ChatState, Message } from "./state.js" */
/**
 * @param {ChatState} state
 * @param {number} id
 * @param {(message: AssistantMessage) => AssistantMessage} change
 * @returns {ChatState}
 */
export declare function changeMessage(state: ChatState, id: number, change: (message: AssistantMessage) => AssistantMessage): ChatState;
/**
 * A live event of something that ended is late and changes nothing; one of something that has not
 * begun is of nothing.
 *
 * @param {ChatState} state
 * @param {number} messageId
 */
export declare function refuseUnbegun(state: ChatState, messageId: number): void;
