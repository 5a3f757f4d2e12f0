/**
 * The prompts that wait, in the order in which they will run.
 *
 * @module
 */
import type { ChatState } from "./state.js";
import type { PromptAccepted, PromptEdited, PromptWithdrawn } from "./wire.js";
/** @import { ChatState, WaitingPrompt } from "./state.js" */
/** @import { PromptAccepted, PromptEdited, PromptMode, PromptWithdrawn } from "./wire.js" */
/**
 * @param {ChatState} state
 * @param {PromptAccepted} event
 * @returns {ChatState}
 */
export declare function acceptPrompt(state: ChatState, event: PromptAccepted): ChatState;
/**
 * @param {ChatState} state
 * @param {PromptEdited} event
 * @returns {ChatState}
 */
export declare function editPrompt(state: ChatState, event: PromptEdited): ChatState;
/**
 * @param {ChatState} state
 * @param {PromptWithdrawn} event
 * @returns {ChatState}
 */
export declare function withdrawPrompt(state: ChatState, { promptId }: PromptWithdrawn): ChatState;
