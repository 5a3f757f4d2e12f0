/**
 * What happens in the world: statuses of chats, chats that come and go, diagnostics.
 *
 * The feed has no cursor. A subscription begins with the chats in which something goes on; so after a
 * lost connection, a chat that has become idle meanwhile would not be heard of, and its busy signal
 * would stick. Such chats are asked for.
 *
 * @module
 */

import { ask } from "./ask.js";
import { ConnectionLost, PolychatError } from "./errors.js";
import { EventStream } from "./stream.js";

/** @typedef {import("./link.js").Link} Link */
/** @typedef {import("./types.js").FeedNotice} FeedNotice */

/** Chats in which something goes on that a feed keeps in mind, at most. */
const BUSY_MAX = 100_000;
/** Chats that are asked for at the same time. */
const ASKED_MAX = 8;

/**
 * @param {Link} link
 * @param {{ signal?: AbortSignal | undefined }} [options]
 * @returns {EventStream<FeedNotice>}
 */
export function worldFeed(link, { signal } = {}) {
  /** @type {Set<string>} */
  const busy = new Set();
  /** Chats of which the new subscription has not told yet. @type {Set<string>} */
  let unheard = new Set();
  const hooks = {
    heard: (/** @type {FeedNotice} */ notice) => {
      const { event } = notice;
      if (event.type !== "chat.status" && event.type !== "chat.deleted") return;
      unheard.delete(event.chatId);
      if (isBusy(event)) note(busy, event.chatId);
      else busy.delete(event.chatId);
    },
    resumed: () => {
      stream.add({ event: { type: "feed.resumed" } });
      unheard = new Set(busy);
      const asking = unheard;
      const left = [...asking];
      const askNext = async () => {
        for (let chatId = left.pop(); chatId !== undefined; chatId = left.pop()) {
          const event = await statusOf(link, chatId);
          // What the feed itself has told meanwhile, or tells to come, is newer.
          if (event === undefined || asking !== unheard || !unheard.delete(chatId)) continue;
          if (!isBusy(event)) busy.delete(chatId);
          stream.add({ event });
        }
      };
      for (let n = 0; n < ASKED_MAX; n += 1) void askNext();
    },
  };
  /** @type {EventStream<FeedNotice>} */
  const stream = new EventStream(link, undefined, { start: "now" }, { signal, hooks });
  return stream;
}

/** Of chats in which nothing goes on lists tell, however many there are. @param {import("./types.js").WorldEvent} event */
function isBusy(event) {
  return event.type === "chat.status" && event.kind !== "idle" && event.kind !== "closed";
}

/** @param {Set<string>} busy @param {string} chatId */
function note(busy, chatId) {
  if (!busy.has(chatId) && busy.size >= BUSY_MAX) {
    const facts = { what: "busy chats", max: BUSY_MAX };
    throw new PolychatError("too_large", `more than ${BUSY_MAX} chats are busy`, { facts });
  }
  busy.add(chatId);
}

/**
 * What the chat is doing, as the feed would say it; `undefined` when that cannot be known now.
 *
 * @param {Link} link
 * @param {string} chatId
 * @returns {Promise<import("./types.js").WorldEvent | undefined>}
 */
async function statusOf(link, chatId) {
  try {
    const { status } = await ask(link, "chat/snapshot", { chatId });
    return { type: "chat.status", ...status };
  } catch (error) {
    if (error instanceof PolychatError && /^(unknown_chat|chat_deleted)$/.test(error.code)) {
      return { type: "chat.deleted", chatId };
    }
    if (!(error instanceof ConnectionLost)) link.options.diagnose(unknownStatus(chatId, error));
    return undefined;
  }
}

/** @param {string} chatId @param {unknown} error @returns {import("./types.js").ClientDiagnostic} */
function unknownStatus(chatId, error) {
  return { kind: "connection", reason: "the status of a chat cannot be read", chatId, error };
}
