/**
 * What a reader refuses: records of other chats and worlds, answers to other questions (REQ-13).
 *
 * A rejected record ends its own stream and nobody else's. What a server sends is read leniently,
 * fields that are not known do not matter; but a record of an unknown type is refused rather than
 * skipped, because a view with a hole would pass for a whole one.
 *
 * @module
 */
export type RecordedEvent = import("./types.js").RecordedEvent;
export type LiveEvent = import("./types.js").LiveEvent;
export type WorldEvent = import("./types.js").WorldEvent;
export type EndReason = import("./types.js").EndReason;
/** @typedef {import("./types.js").RecordedEvent} RecordedEvent */
/** @typedef {import("./types.js").LiveEvent} LiveEvent */
/** @typedef {import("./types.js").WorldEvent} WorldEvent */
/** @typedef {import("./types.js").EndReason} EndReason */
/**
 * The types of recorded events. The compiler holds this and the lists below against the server's own.
 *
 * @type {ReadonlySet<string>}
 */
export declare const RECORDED: ReadonlySet<string>;
/**
 * The types of live events.
 *
 * @type {ReadonlySet<string>}
 */
export declare const LIVE: ReadonlySet<string>;
export type Scope = {
    worldId: string;
    chatId?: string | undefined;
};
/** @typedef {{ worldId: string, chatId?: string | undefined }} Scope a chat of a world, or the world */
/**
 * Whether this can be the id of a chat: 1–128 bytes, no control characters, neither `.` nor `..`.
 *
 * @param {unknown} id
 * @returns {id is string}
 */
export declare function isId(id: unknown): id is string;
/**
 * The notice, if it belongs to what is watched.
 *
 * @param {Scope} scope
 * @param {unknown} params
 * @returns {{ cursor?: string, event: { type: string } & Record<string, unknown> }}
 * @throws {Rejected}
 */
export declare function checkNotice(scope: Scope, params: unknown): {
    cursor?: string;
    event: {
        type: string;
    } & Record<string, unknown>;
};
/**
 * Checks that something is of the chat that is read.
 *
 * @param {string} chatId
 * @param {unknown} found
 */
export declare function checkChat(chatId: string, found: unknown): void;
/**
 * The answer, if it is one to this question.
 *
 * @param {string} method
 * @param {Record<string, unknown>} params
 * @param {unknown} result
 * @returns {Record<string, unknown>}
 * @throws {Rejected}
 */
export declare function checkReply(method: string, params: Record<string, unknown>, result: unknown): Record<string, unknown>;
