/**
 * Times, tokens and failures in words.
 *
 * @module
 */

const NUMBER = new Intl.NumberFormat();

/** How long something took. @param {number} ms @returns {string} */
export function duration(ms) {
  if (ms > 0 && ms < 100) return `${Math.round(ms)} ms`;
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Empty where nobody said. @param {{ inputTokens: number, outputTokens: number }} usage @returns {string} */
export function tokens({ inputTokens, outputTokens }) {
  if (inputTokens === 0 && outputTokens === 0) return "";
  return `${NUMBER.format(inputTokens)} ${inputTokens === 1 ? "token" : "tokens"} in, ${NUMBER.format(outputTokens)} out`;
}

/** @param {number} bytes @returns {string} */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** @type {Readonly<Record<string, string>>} */
const KINDS = Object.freeze({
  model_unavailable: "The model is not available",
  rate_limited: "The model asks to slow down",
  model_refused: "The model refuses",
  invalid_response: "The model's answer cannot be read",
  panicked: "It crashed",
  output_limit: "It said too much",
  deadline: "It took too long",
  no_progress: "Nothing came any more",
  steps_limit: "It took too many steps",
  cancelled: "Stopped",
  interrupted: "Interrupted",
  unknown_outcome: "Whether it was done is not known",
  unknown_tool: "There is no such tool",
  invalid_arguments: "The arguments do not fit",
  denied: "Denied",
  tool_failed: "The tool failed",
  host_gone: "The program behind it is gone",
  not_configured: "It is not set up",
});

/** @param {{ kind: string, message: string }} failure @returns {string} */
export function failureText({ kind, message }) {
  const what = KINDS[kind] ?? kind;
  return message === "" ? what : `${what}: ${message}`;
}
