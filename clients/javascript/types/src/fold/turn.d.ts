/**
 * The turn that runs: how it begins, takes prompts in, and ends.
 *
 * @module
 */
import type { ChatState } from "./state.js";
import type { TurnEnded, TurnStarted } from "./wire.js";
/** @import { ChatState, RunningTurn, UserMessage, WaitingPrompt } from "./state.js" */
/** @import { TurnEnded, TurnStarted } from "./wire.js" */
/**
 * @param {ChatState} state
 * @param {TurnStarted} event
 * @returns {ChatState}
 */
export declare function startTurn(state: ChatState, event: TurnStarted): ChatState;
/**
 * A waiting prompt becomes part of the running turn, and its message part of what was said.
 *
 * @param {ChatState} state
 * @param {string} promptId
 * @returns {ChatState}
 */
export declare function takeIn(state: ChatState, promptId: string): ChatState;
/**
 * @param {ChatState} state
 * @param {TurnEnded} event
 * @returns {ChatState}
 */
export declare function endTurn(state: ChatState, event: TurnEnded): ChatState;
