/**
 * The prompts that wait, in the order in which they will run.
 *
 * @module
 */

/** @import { ChatState, WaitingPrompt } from "./state.js" */
/** @import { PromptAccepted, PromptEdited, PromptMode, PromptWithdrawn } from "./wire.js" */

/**
 * @param {ChatState} state
 * @param {PromptAccepted} event
 * @returns {ChatState}
 */
export function acceptPrompt(state, event) {
  const { promptId, mode, parts, metadata = {}, seq, at } = event;
  const prompt = { promptId, acceptedSeq: seq, at, mode, parts, metadata };
  return { ...state, queue: inserted(state.queue, prompt) };
}

/**
 * @param {ChatState} state
 * @param {PromptEdited} event
 * @returns {ChatState}
 */
export function editPrompt(state, event) {
  const at = state.queue.findIndex(({ promptId }) => promptId === event.promptId);
  const prompt = state.queue[at];
  if (!prompt) return state;
  const { parts = prompt.parts, mode = prompt.mode } = event;
  const edited = { ...prompt, parts, mode };
  // A prompt whose mode is set moves as if it had just been sent so.
  const queue =
    event.mode === undefined
      ? state.queue.with(at, edited)
      : inserted(state.queue.toSpliced(at, 1), edited);
  return { ...state, queue };
}

/**
 * @param {ChatState} state
 * @param {PromptWithdrawn} event
 * @returns {ChatState}
 */
export function withdrawPrompt(state, { promptId }) {
  return { ...state, queue: state.queue.filter((prompt) => prompt.promptId !== promptId) };
}

/**
 * The queue with one more prompt at the place that its mode asks for.
 *
 * @param {readonly WaitingPrompt[]} queue
 * @param {WaitingPrompt} prompt
 * @returns {readonly WaitingPrompt[]}
 */
function inserted(queue, prompt) {
  return queue.toSpliced(position(queue, prompt.mode), 0, prompt);
}

/**
 * An interrupt goes before everything, a steer behind interrupts and older steers, all else to the
 * end.
 *
 * @param {readonly WaitingPrompt[]} queue
 * @param {PromptMode} mode
 * @returns {number}
 */
function position(queue, mode) {
  if (mode === "interrupt") return 0;
  if (mode !== "steer") return queue.length;
  const behind = queue.findIndex((waiting) => waiting.mode !== "interrupt" && waiting.mode !== "steer");
  return behind === -1 ? queue.length : behind;
}
