/**
 * What is read off a chat: nothing here is counted or kept.
 *
 * @module
 */

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
export function busyOf(state) {
  const { turn } = state;
  const queued = state.queue.length;
  const kind = kindOf(state);
  if (kind !== "running" || !turn) {
    return { kind, step: null, tools: [], queued, turnId: turn?.id ?? null };
  }
  const tools = callsOf(turn.messages.at(-1))
    .filter((call) => call.state === "running")
    .map((call) => call.name);
  const open = openMessageOf(state);
  const step = tools.length > 0 ? "tools" : open && open.text !== "" ? "writing" : "thinking";
  return { kind, step, tools, queued, turnId: turn.id };
}

/**
 * @param {ChatState} state
 * @returns {Busy["kind"]}
 */
function kindOf(state) {
  if (state.life === "absent") return "unknown";
  if (state.life !== "open") return state.life;
  if (state.ended === "failed" || state.ended === "damaged") return "failed";
  if (!state.turn) return state.queue.length > 0 ? "running" : "idle";
  const open = callsOf(state.turn.messages.at(-1)).filter((call) => call.endedSeq === null);
  const waits = open.length > 0 && open.every((call) => call.state === "awaiting");
  return waits ? "awaiting" : "running";
}

/**
 * @param {Message | undefined} message
 * @returns {readonly Call[]}
 */
function callsOf(message) {
  return message?.role === "assistant" ? message.calls : [];
}

/** @type {WeakMap<ChatState, readonly Message[]>} */
const together = new WeakMap();

/**
 * All that was said, in order: the same list as long as the chat is the same.
 *
 * @param {ChatState} state
 * @returns {readonly Message[]}
 */
export function messagesOf(state) {
  if (!state.turn) return state.history;
  let messages = together.get(state);
  if (!messages) {
    messages = [...state.history, ...state.turn.messages];
    together.set(state, messages);
  }
  return messages;
}

/**
 * The answer that is being written.
 *
 * @param {ChatState} state
 * @returns {AssistantMessage | null}
 */
export function openMessageOf(state) {
  const last = state.turn?.messages.at(-1);
  return last?.role === "assistant" && last.state === "open" ? last : null;
}

/**
 * The calls that wait for a person.
 *
 * @param {ChatState} state
 * @returns {readonly Call[]}
 */
export function pendingOf(state) {
  return callsOf(state.turn?.messages.at(-1)).filter((call) => call.state === "awaiting");
}

/**
 * How the turn of a prompt ended; `null` while it waits or runs, and when it no longer counts.
 *
 * @param {ChatState} state
 * @param {string} promptId
 * @returns {TurnOutcome | null}
 */
export function outcomeOf(state, promptId) {
  /** @type {EndedTurn | undefined} */
  const turn = state.turns.findLast((ended) => ended.promptIds.includes(promptId));
  return turn?.outcome ?? null;
}

/**
 * How many answers ended after an event.
 *
 * @param {ChatState} state
 * @param {number} seen The last event that was seen.
 * @returns {number}
 */
export function unreadOf(state, seen) {
  if (state.head <= seen) return 0;
  let unread = 0;
  for (const messages of [state.turn?.messages ?? [], state.history]) {
    for (let at = messages.length - 1; at >= 0; at -= 1) {
      const message = messages[at];
      if (message?.role !== "assistant" || message.state === "open") continue;
      if (message.endedSeq <= seen) return unread;
      unread += 1;
    }
  }
  return unread;
}
