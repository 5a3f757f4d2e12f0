/**
 * What can go wrong, typed: a stable `code`, whether to try again, and the facts.
 *
 * @module
 */

/** What JSON-RPC calls by numbers only. */
const CODES_OF_NUMBERS = new Map([
  [-32700, "not_json"],
  [-32600, "invalid_request"],
  [-32601, "unknown_method"],
  [-32602, "invalid_params"],
  [-32603, "internal"],
  [-32002, "not_initialized"],
  [-32800, "cancelled"],
]);

/**
 * A refusal or a fault.
 *
 * @example
 * try {
 *   await chat.prompt("hello", { mode: "reject" });
 * } catch (error) {
 *   if (error instanceof PolychatError && error.code === "chat_busy") showQueueButton();
 * }
 */
export class PolychatError extends Error {
  /**
   * @param {string} code
   * @param {string} message for people
   * @param {{ retryable?: boolean, retryAfterMs?: number | undefined, facts?: Record<string, unknown>, cause?: unknown }} [more]
   */
  constructor(code, message, { retryable = false, retryAfterMs, facts = {}, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "PolychatError";
    /** The stable code, such as `chat_busy`. */
    this.code = code;
    /** Whether the very same call may well succeed later. */
    this.retryable = retryable;
    /** After how many milliseconds a retry makes sense, where that is known. */
    this.retryAfterMs = retryAfterMs;
    /** The facts of a refusal, such as `{ chatId }` or `{ max }`. */
    this.facts = facts;
  }
}

/**
 * The connection ended before the answer came.
 *
 * Whether a command took effect may not be known. Sending it again with the same ids is safe.
 */
export class ConnectionLost extends PolychatError {
  /** @param {string} message @param {unknown} [cause] */
  constructor(message, cause) {
    super("connection_lost", message, { retryable: true, cause });
    this.name = "ConnectionLost";
  }
}

/**
 * Something came in that does not belong where it came: an event of another chat, an answer to
 * another question. `facts.reason` says what is wrong, `facts.claimed` what it claims to be.
 */
export class Rejected extends PolychatError {
  /** @param {string} reason @param {{ claimed?: string, chatId?: string }} [facts] */
  constructor(reason, facts = {}) {
    super("rejected", `rejected: ${reason.replaceAll("_", " ")}`, { facts: { reason, ...facts } });
    this.name = "Rejected";
  }
}

/**
 * How a model of this program says why it broke off; thrown by its `stream`.
 *
 * @example
 * if (response.status === 429) throw new ModelError("rate_limited", "slow down", { retryAfterMs: 2000 });
 */
export class ModelError extends PolychatError {
  /**
   * @param {"unavailable" | "rate_limited" | "refused" | "invalid_response"} kind
   * @param {string} message for people
   * @param {{ retryable?: boolean, retryAfterMs?: number, cause?: unknown }} [more]
   */
  constructor(kind, message, more = {}) {
    const retryable = more.retryable ?? more.retryAfterMs !== undefined;
    super(`model_${kind}`, message, { ...more, retryable, facts: { kind } });
    this.name = "ModelError";
  }
}

/**
 * The error that an error object of JSON-RPC stands for.
 *
 * @param {unknown} object
 * @returns {PolychatError}
 */
export function errorOfObject(object) {
  const { code, message, data } = /** @type {Record<string, unknown>} */ (record(object));
  const { code: word, retryable, retryAfterMs, message: _, ...facts } = record(data);
  const known = CODES_OF_NUMBERS.get(Number(code)) ?? "error";
  return new PolychatError(typeof word === "string" ? word : known, String(message ?? known), {
    retryable: retryable === true,
    retryAfterMs: typeof retryAfterMs === "number" ? retryAfterMs : undefined,
    facts,
  });
}

/**
 * The object that this is; an empty one for whatever is none.
 *
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
export function record(value) {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? /** @type {Record<string, unknown>} */ (value) : {};
}
