/**
 * The turn that runs: how it begins, takes prompts in, and ends.
 *
 * @module
 */

import { NO_USAGE } from "./state.js";
import { textOf } from "./parts.js";

/** @import { ChatState, RunningTurn, UserMessage, WaitingPrompt } from "./state.js" */
/** @import { TurnEnded, TurnStarted } from "./wire.js" */

/**
 * @param {ChatState} state
 * @param {TurnStarted} event
 * @returns {ChatState}
 */
export function startTurn(state, event) {
  /** @type {RunningTurn} */
  const turn = {
    id: event.seq,
    agent: event.agent,
    promptIds: [],
    messages: [],
    usage: NO_USAGE,
    startedAt: event.at,
  };
  return event.promptIds.reduce(takeIn, { ...state, turn });
}

/**
 * A waiting prompt becomes part of the running turn, and its message part of what was said.
 *
 * @param {ChatState} state
 * @param {string} promptId
 * @returns {ChatState}
 */
export function takeIn(state, promptId) {
  const { turn } = state;
  const prompt = state.queue.find((waiting) => waiting.promptId === promptId);
  if (!turn || !prompt) return state;
  return {
    ...state,
    queue: state.queue.filter((waiting) => waiting !== prompt),
    turn: {
      ...turn,
      promptIds: [...turn.promptIds, promptId],
      messages: [...turn.messages, messageOf(prompt, turn.id)],
    },
  };
}

/**
 * @param {WaitingPrompt} prompt
 * @param {number} turnId
 * @returns {UserMessage}
 */
function messageOf({ promptId, acceptedSeq, at, parts, metadata }, turnId) {
  const text = textOf(parts);
  return { role: "user", id: acceptedSeq, turnId, promptId, sourceId: null, at, text, parts, metadata };
}

/**
 * @param {ChatState} state
 * @param {TurnEnded} event
 * @returns {ChatState}
 */
export function endTurn(state, event) {
  const { turn } = state;
  if (!turn || turn.id !== event.turnId) return state;
  const { messages, ...rest } = turn;
  const ended = { ...rest, outcome: event.outcome, endedAt: event.at };
  return {
    ...state,
    turn: null,
    history: [...state.history, ...messages],
    turns: [...state.turns, ended],
  };
}
