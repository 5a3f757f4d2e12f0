/**
 * What a reader refuses: records of other chats and worlds, answers to other questions (REQ-13).
 *
 * A rejected record ends its own stream and nobody else's. What a server sends is read leniently,
 * fields that are not known do not matter; but a record of an unknown type is refused rather than
 * skipped, because a view with a hole would pass for a whole one.
 *
 * @module
 */

import { Rejected, record } from "./errors.js";

/** @typedef {import("./types.js").RecordedEvent} RecordedEvent */
/** @typedef {import("./types.js").LiveEvent} LiveEvent */
/** @typedef {import("./types.js").WorldEvent} WorldEvent */
/** @typedef {import("./types.js").EndReason} EndReason */

/**
 * The types of recorded events. The compiler holds this and the lists below against the server's own.
 *
 * @type {ReadonlySet<string>}
 */
export const RECORDED = names(
  /** @satisfies {Record<RecordedEvent["type"], true>} */ ({
    "chat.created": true,
    "chat.updated": true,
    "chat.closed": true,
    "chat.reopened": true,
    "chat.deleted": true,
    "message.imported": true,
    "prompt.accepted": true,
    "prompt.edited": true,
    "prompt.withdrawn": true,
    "prompt.joined": true,
    "turn.started": true,
    "turn.handed_off": true,
    "turn.ended": true,
    "message.start": true,
    "message.checkpoint": true,
    "message.end": true,
    "message.error": true,
    "tool.start": true,
    "tool.result": true,
    "tool.error": true,
    "approval.requested": true,
    "approval.resolved": true,
    "history.truncated": true,
  }),
);

/**
 * The types of live events.
 *
 * @type {ReadonlySet<string>}
 */
export const LIVE = names(
  /** @satisfies {Record<LiveEvent["type"], true>} */ ({
    "message.chunk": true,
    "reasoning.chunk": true,
    "tool.output": true,
    "tool.progress": true,
  }),
);

/** What the world's feed tells, and whether it names a chat. */
const FEED = /** @satisfies {Record<WorldEvent["type"], boolean>} */ ({
  "chat.status": true,
  "chat.created": true,
  "chat.deleted": true,
  diagnostic: false,
  "diagnostics.skipped": false,
  "feed.resumed": false,
});
const ABOUT_CHATS = new Map(Object.entries(FEED));

const END_REASONS = names(
  /** @satisfies {Record<EndReason, true>} */ ({
    deleted: true,
    world_closed: true,
    unreadable: true,
    damaged: true,
    failed: true,
  }),
);

/** @param {Record<string, true>} table */
function names(table) {
  return new Set(Object.keys(table));
}

/** @typedef {{ worldId: string, chatId?: string | undefined }} Scope a chat of a world, or the world */

/**
 * Whether this can be the id of a chat: 1–128 bytes, no control characters, neither `.` nor `..`.
 *
 * @param {unknown} id
 * @returns {id is string}
 */
export function isId(id) {
  if (typeof id !== "string" || id === "" || id === "." || id === "..") return false;
  return !/\p{Cc}/u.test(id) && new TextEncoder().encode(id).length <= 128;
}

/**
 * The notice, if it belongs to what is watched.
 *
 * @param {Scope} scope
 * @param {unknown} params
 * @returns {{ cursor?: string, event: { type: string } & Record<string, unknown> }}
 * @throws {Rejected}
 */
export function checkNotice(scope, params) {
  const { worldId, cursor, event: raw } = record(params);
  const event = record(raw);
  const type = event["type"];
  if (worldId !== scope.worldId) throw new Rejected("foreign_world", claim(worldId));
  if (typeof type !== "string") throw new Rejected("malformed", of(scope.chatId));
  if (scope.chatId === undefined) checkFeed(type, event);
  else checkChatEvent(scope.chatId, type, event, cursor);
  const known = /** @type {{ type: string } & Record<string, unknown>} */ (event);
  return typeof cursor === "string" ? { cursor, event: known } : { event: known };
}

/**
 * @param {string} chatId
 * @param {string} type
 * @param {Record<string, unknown>} event
 * @param {unknown} cursor
 */
function checkChatEvent(chatId, type, event, cursor) {
  checkChat(chatId, event["chatId"]);
  if (type === "ended") return checkEnd(event, chatId);
  const isRecorded = RECORDED.has(type);
  if (!isRecorded && !LIVE.has(type)) {
    throw new Rejected("unknown_type", { ...claim(type), chatId });
  }
  const numbered = !isRecorded || (isCount(event["seq"]) && isCount(event["at"]));
  const placed = isRecorded || type === "tool.progress" || isCount(event["offset"]);
  if (typeof cursor !== "string" || !numbered || !placed) throw new Rejected("malformed", { chatId });
}

/** @param {string} type @param {Record<string, unknown>} event */
function checkFeed(type, event) {
  if (ABOUT_CHATS.get(type)) return checkIsChat(event["chatId"]);
  if (type === "ended") {
    if (event["chatId"] !== undefined) throw new Rejected("foreign_chat", claim(event["chatId"]));
    return checkEnd(event);
  }
  if (!ABOUT_CHATS.has(type)) throw new Rejected("unknown_type", claim(type));
}

/** @param {Record<string, unknown>} event @param {string} [chatId] */
function checkEnd(event, chatId) {
  const reason = event["reason"];
  if (!END_REASONS.has(String(reason))) throw new Rejected("malformed", of(chatId));
}

/**
 * Checks that something is of the chat that is read.
 *
 * @param {string} chatId
 * @param {unknown} found
 */
export function checkChat(chatId, found) {
  if (found === chatId) return;
  checkIsChat(found, of(chatId));
  throw new Rejected("foreign_chat", { ...claim(found), chatId });
}

/** @param {unknown} found @param {{ chatId?: string }} [watched] */
function checkIsChat(found, watched = {}) {
  if (found === undefined) throw new Rejected("missing_chat_id", watched);
  if (!isId(found)) throw new Rejected("invalid_chat_id", { ...claim(found), ...watched });
}

/** What each method answers; what is not here answers that it is done. */
const KINDS = new Map(
  Object.entries({
    "chat/create": "chat",
    "chat/fork": "chat",
    "chat/import": "chat",
    "chat/list": "chats",
    "chat/snapshot": "snapshot",
    "prompt/send": "accepted",
    "history/revise": "accepted",
    "prompt/list": "prompts",
    "prompt/outcome": "prompt",
    "messages/list": "messages",
    "log/read": "log",
    "world/get": "world",
    search: "found",
  }),
);

/**
 * The answer, if it is one to this question.
 *
 * @param {string} method
 * @param {Record<string, unknown>} params
 * @param {unknown} result
 * @returns {Record<string, unknown>}
 * @throws {Rejected}
 */
export function checkReply(method, params, result) {
  const reply = record(result);
  if (reply["type"] !== (KINDS.get(method) ?? "done")) {
    throw new Rejected("wrong_kind", claim(reply["type"]));
  }
  if (reply["type"] === "accepted" && reply["promptId"] !== params["promptId"]) {
    throw new Rejected("wrong_prompt", claim(reply["promptId"]));
  }
  for (const [asked, found] of chatsOf(method, params, reply)) checkChat(asked, found);
  return reply;
}

/**
 * The chats that an answer names, each beside the one that it must be.
 *
 * @param {string} method
 * @param {Record<string, unknown>} params
 * @param {Record<string, unknown>} reply
 * @returns {[string, unknown][]}
 */
function chatsOf(method, params, reply) {
  // The answer to a fork names the new chat, not the one that was copied.
  const { chatId } = method === "chat/fork" || method === "chat/import" ? record(params["chat"]) : params;
  if (typeof chatId !== "string") return [];
  const inAll = (/** @type {unknown} */ list) =>
    (Array.isArray(list) ? list : []).map((item) => record(item)["chatId"]);
  const named = {
    chat: () => [reply["chatId"]],
    snapshot: () => [record(reply["summary"])["chatId"], record(reply["status"])["chatId"]],
    log: () => inAll(reply["events"]),
    found: () => inAll(reply["hits"]),
  };
  const names = named[/** @type {keyof typeof named} */ (reply["type"])];
  return names === undefined ? [] : names().map((found) => [chatId, found]);
}

/** @param {unknown} number */
function isCount(number) {
  return Number.isSafeInteger(number) && Number(number) >= 0;
}

/**
 * What it claims to be, cut: it comes from who knows where.
 *
 * @param {unknown} value
 */
function claim(value) {
  return { claimed: (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).slice(0, 128) };
}

/** @param {string | undefined} chatId */
function of(chatId) {
  return chatId === undefined ? {} : { chatId };
}
