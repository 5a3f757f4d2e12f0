/**
 * What a user interface knows of one chat: the words of the fold, and the chat nothing is known of.
 *
 * All of it is immutable: a change makes new objects along the way to what changed and keeps the
 * rest, so that a view can compare by reference.
 *
 * Times are milliseconds since the Unix epoch, as the log has them. A live event carries no time.
 *
 * @module
 */

/** @import { Part, Json, Metadata, Usage, Failure, TurnOutcome, ToolCall, ApprovalDecision, Origin } from "./wire.js" */
/** @import { PromptMode, TitleProvenance, EndReason, FinishReason } from "./wire.js" */

/**
 * Where a tool call stands: asked for by the model, waiting for a person, decided, running, and how
 * it ended.
 *
 * @typedef {"asked" | "awaiting" | "decided" | "running" | "answered" | "failed"} CallState
 */

/**
 * A tool call, in the message that asked for it.
 *
 * @typedef {object} Call
 * @property {string} id Its name in the chat, `message.index`.
 * @property {string} name The tool.
 * @property {Json} arguments As the model gave them.
 * @property {ToolCall} asked The call as the model asked for it.
 * @property {CallState} state Where it stands.
 * @property {"permission" | "question" | null} approval What a person is or was asked.
 * @property {ApprovalDecision | null} decision What a person decided.
 * @property {string} output What it says while it runs; the result supersedes it.
 * @property {number} outputBytes How much that is in UTF-8.
 * @property {Json | null} progress How far it is; the result supersedes it.
 * @property {readonly Part[]} result What it answered.
 * @property {number} cutBytes Bytes of the answer that were over its limit.
 * @property {number} unshownBytes Bytes of live output that were over their limit.
 * @property {Failure | null} failure Why it failed, or never ran.
 * @property {number | null} startedAt When it began to run.
 * @property {number | null} endedAt When it ended.
 * @property {number | null} endedSeq The event that ended it, which names the message of its result.
 */

/**
 * A user's message.
 *
 * @typedef {object} UserMessage
 * @property {"user"} role
 * @property {number} id Where it was accepted in the log.
 * @property {number | null} turnId Its turn; `null` for copied history.
 * @property {string | null} promptId Its prompt; `null` for copied history.
 * @property {string | null} sourceId Its name in the system it was brought from.
 * @property {number} at When it was sent.
 * @property {string} text The text of its text parts.
 * @property {readonly Part[]} parts
 * @property {Metadata} metadata
 */

/**
 * An agent's message.
 *
 * @typedef {object} AssistantMessage
 * @property {"assistant"} role
 * @property {number} id Where it began in the log.
 * @property {number | null} turnId Its turn; `null` for copied history.
 * @property {string | null} author The agent, if known.
 * @property {string | null} model The model, if known.
 * @property {number} step The place of the model call in its turn, from 1; 0 for copied history.
 * @property {string | null} sourceId Its name in the system it was brought from.
 * @property {"open" | "ended" | "broken"} state Being written, complete, or broken off.
 * @property {string} text What it says; grows while it is open.
 * @property {string} reasoning What it thinks aloud; grows while it is open.
 * @property {Written | null} written How much is there; `null` once it ended.
 * @property {readonly Part[]} parts All of it in parts, once it ended.
 * @property {readonly Call[]} calls The calls it asks for.
 * @property {FinishReason | null} finish Why it ended where it did.
 * @property {Failure | null} failure Why it broke off.
 * @property {Usage} usage What it cost.
 * @property {{ turns: number, messages: number }} omitted What the model was not shown.
 * @property {number} startedAt When it began.
 * @property {number | null} endedAt When it ended.
 * @property {number} endedSeq The event that ended it; 0 while it is open and for copied history.
 * @property {Metadata} metadata
 */

/**
 * How much of an open message is there, in bytes of UTF-8.
 *
 * @typedef {object} Written
 * @property {number} text
 * @property {number} reasoning
 * @property {number} textSaved As much of it as checkpoints hold.
 * @property {number} reasoningSaved Likewise.
 */

/**
 * The result of a tool in copied history whose call was not copied with it.
 *
 * @typedef {object} ToolMessage
 * @property {"tool"} role
 * @property {number} id
 * @property {null} turnId
 * @property {string} toolCallId
 * @property {string | null} sourceId
 * @property {number} at
 * @property {string} text
 * @property {readonly Part[]} parts
 * @property {Failure | null} failure
 * @property {Metadata} metadata
 */

/** @typedef {UserMessage | AssistantMessage | ToolMessage} Message */

/**
 * A prompt that waits.
 *
 * @typedef {object} WaitingPrompt
 * @property {string} promptId
 * @property {number} acceptedSeq
 * @property {number} at When it was sent.
 * @property {PromptMode} mode
 * @property {readonly Part[]} parts As last edited.
 * @property {Metadata} metadata
 */

/**
 * The turn that runs, or waits for a person.
 *
 * @typedef {object} RunningTurn
 * @property {number} id
 * @property {string} agent Who has it now.
 * @property {readonly string[]} promptIds
 * @property {readonly Message[]} messages What was said in it so far, the prompts' messages included.
 * @property {Usage} usage
 * @property {number} startedAt
 */

/**
 * A turn that ended and still counts.
 *
 * @typedef {object} EndedTurn
 * @property {number} id
 * @property {string} agent Who had it last.
 * @property {readonly string[]} promptIds
 * @property {TurnOutcome} outcome
 * @property {Usage} usage
 * @property {number} startedAt
 * @property {number} endedAt
 */

/**
 * One chat, from nothing but its own events.
 *
 * What was said is `history` and then `turn.messages`: the first changes once per turn, so drawing a
 * long chat costs nothing while its last answer is being written. {@link messagesOf} has both.
 *
 * @typedef {object} ChatState
 * @property {string} chatId
 * @property {string | null} cursor Where its feed goes on.
 * @property {number} head The last recorded event; 0 while nothing is known.
 * @property {"absent" | "open" | "closed" | "deleted"} life `absent` while nothing is known.
 * @property {string} title Empty while nobody gave one.
 * @property {TitleProvenance} provenance Who gave the title.
 * @property {boolean} archived
 * @property {string | null} agent Its default agent; `null` takes the world's.
 * @property {Metadata} metadata
 * @property {Origin | null} origin Where it was copied from.
 * @property {number} createdAt
 * @property {number} updatedAt
 * @property {readonly Message[]} history The messages of ended turns, and copied ones.
 * @property {readonly EndedTurn[]} turns The turns of `history`.
 * @property {RunningTurn | null} turn
 * @property {readonly WaitingPrompt[]} queue In the order in which they will run.
 * @property {Usage} usage What all its answers cost, those that no longer count included.
 * @property {EndReason | null} ended Why its feed ended.
 */

/** @type {Usage} */
export const NO_USAGE = Object.freeze({ inputTokens: 0, outputTokens: 0 });

/**
 * A chat of which nothing is known; its feed is expected from the beginning.
 *
 * @param {string} chatId
 * @returns {ChatState}
 */
export function emptyChat(chatId) {
  return {
    chatId,
    cursor: null,
    head: 0,
    life: "absent",
    title: "",
    provenance: "default",
    archived: false,
    agent: null,
    metadata: {},
    origin: null,
    createdAt: 0,
    updatedAt: 0,
    history: [],
    turns: [],
    turn: null,
    queue: [],
    usage: NO_USAGE,
    ended: null,
  };
}
