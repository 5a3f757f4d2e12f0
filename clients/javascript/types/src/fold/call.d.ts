/**
 * A tool call: asked for by a message, perhaps decided by a person, run, and ended.
 *
 * @module
 */
import type { Call, ChatState } from "./state.js";
import type { ApprovalRequested, ApprovalResolved, ToolCall, ToolError, ToolOutputPiece, ToolProgress, ToolResult, ToolStart } from "./wire.js";
/** @import { Call, ChatState } from "./state.js" */
/** @import { ApprovalRequested, ApprovalResolved, ToolCall, ToolError, ToolOutputPiece, ToolProgress, ToolResult, ToolStart } from "./wire.js" */
/**
 * A call that was asked for and nothing more.
 *
 * @param {string} id
 * @param {ToolCall} asked
 * @returns {Call}
 */
export declare function newCall(id: string, asked: ToolCall): Call;
/**
 * What was recorded of a call: it waits, was decided, runs, or ended.
 *
 * @param {ChatState} state
 * @param {ApprovalRequested | ApprovalResolved | ToolStart | ToolResult | ToolError} event
 * @returns {ChatState}
 */
export declare function moveCall(state: ChatState, event: ApprovalRequested | ApprovalResolved | ToolStart | ToolResult | ToolError): ChatState;
/**
 * @param {ChatState} state
 * @param {ToolOutputPiece} event
 * @returns {ChatState}
 */
export declare function addOutput(state: ChatState, event: ToolOutputPiece): ChatState;
/**
 * @param {ChatState} state
 * @param {ToolProgress} event
 * @returns {ChatState}
 */
export declare function setProgress(state: ChatState, event: ToolProgress): ChatState;
