/**
 * What can go wrong, typed: a stable `code`, whether to try again, and the facts.
 *
 * @module
 */
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
export declare class PolychatError extends Error {
    /** The stable code, such as `chat_busy`. */
    code: string;
    /** Whether the very same call may well succeed later. */
    retryable: boolean;
    /** After how many milliseconds a retry makes sense, where that is known. */
    retryAfterMs: number | undefined;
    /** The facts of a refusal, such as `{ chatId }` or `{ max }`. */
    facts: Record<string, unknown>;
    /**
     * @param {string} code
     * @param {string} message for people
     * @param {{ retryable?: boolean, retryAfterMs?: number | undefined, facts?: Record<string, unknown>, cause?: unknown }} [more]
     */
    constructor(code: string, message: string, { retryable, retryAfterMs, facts, cause }?: {
        retryable?: boolean;
        retryAfterMs?: number | undefined;
        facts?: Record<string, unknown>;
        cause?: unknown;
    });
}
/**
 * The connection ended before the answer came.
 *
 * Whether a command took effect may not be known. Sending it again with the same ids is safe.
 */
export declare class ConnectionLost extends PolychatError {
    /** @param {string} message @param {unknown} [cause] */
    constructor(message: string, cause?: unknown);
}
/**
 * Something came in that does not belong where it came: an event of another chat, an answer to
 * another question. `facts.reason` says what is wrong, `facts.claimed` what it claims to be.
 */
export declare class Rejected extends PolychatError {
    /** @param {string} reason @param {{ claimed?: string, chatId?: string }} [facts] */
    constructor(reason: string, facts?: {
        claimed?: string;
        chatId?: string;
    });
}
/**
 * How a model of this program says why it broke off; thrown by its `stream`.
 *
 * @example
 * if (response.status === 429) throw new ModelError("rate_limited", "slow down", { retryAfterMs: 2000 });
 */
export declare class ModelError extends PolychatError {
    /**
     * @param {"unavailable" | "rate_limited" | "refused" | "invalid_response"} kind
     * @param {string} message for people
     * @param {{ retryable?: boolean, retryAfterMs?: number, cause?: unknown }} [more]
     */
    constructor(kind: "unavailable" | "rate_limited" | "refused" | "invalid_response", message: string, more?: {
        retryable?: boolean;
        retryAfterMs?: number;
        cause?: unknown;
    });
}
/**
 * The error that an error object of JSON-RPC stands for.
 *
 * @param {unknown} object
 * @returns {PolychatError}
 */
export declare function errorOfObject(object: unknown): PolychatError;
/**
 * The object that this is; an empty one for whatever is none.
 *
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
export declare function record(value: unknown): Record<string, unknown>;
