/**
 * What is read off a chat: nothing here is counted or kept.
 *
 * @module
 */
import type { AssistantMessage, Call, ChatState, Message } from "./state.js";
import type { TurnOutcome } from "./wire.js";
export type Busy = {
    kind: "unknown" | "idle" | "running" | "awaiting" | "failed" | "stalled" | "closed" | "deleted";
    step: "thinking" | "writing" | "tools" | null;
    tools: readonly string[];
    queued: number;
    turnId: number | null;
};
/** @import { AssistantMessage, Call, ChatState, EndedTurn, Message } from "./state.js" */
/** @import { TurnOutcome } from "./wire.js" */
/**
 * What a chat does, as its own log says (REQ-8). `queued` counts the prompts that wait.
 *
 * `running` says at what: the model is `thinking` while nothing of its answer is there, `writing`
 * once there is, and `tools` are the names of those that run.
 *
 * @typedef {object} Busy
 * @property {"unknown" | "idle" | "running" | "awaiting" | "failed" | "stalled" | "closed" | "deleted"} kind
 * @property {"thinking" | "writing" | "tools" | null} step
 * @property {readonly string[]} tools
 * @property {number} queued
 * @property {number | null} turnId
 */
/**
 * What a chat does.
 *
 * @param {ChatState} state
 * @returns {Busy}
 */
export declare function busyOf(state: ChatState): Busy;
/**
 * All that was said, in order: the same list as long as the chat is the same.
 *
 * @param {ChatState} state
 * @returns {readonly Message[]}
 */
export declare function messagesOf(state: ChatState): readonly Message[];
/**
 * The answer that is being written.
 *
 * @param {ChatState} state
 * @returns {AssistantMessage | null}
 */
export declare function openMessageOf(state: ChatState): AssistantMessage | null;
/**
 * The calls that wait for a person.
 *
 * @param {ChatState} state
 * @returns {readonly Call[]}
 */
export declare function pendingOf(state: ChatState): readonly Call[];
/**
 * How the turn of a prompt ended; `null` while it waits or runs, and when it no longer counts.
 *
 * @param {ChatState} state
 * @param {string} promptId
 * @returns {TurnOutcome | null}
 */
export declare function outcomeOf(state: ChatState, promptId: string): TurnOutcome | null;
/**
 * How many answers ended after an event.
 *
 * @param {ChatState} state
 * @param {number} seen The last event that was seen.
 * @returns {number}
 */
export declare function unreadOf(state: ChatState, seen: number): number;
