/**
 * From a chat's events to what a user interface shows of it: a pure function.
 *
 * It knows one chat and never looks at another (law 2); who feeds it is the store, see `store.js`.
 * Whatever comes twice changes nothing the second time: events that are known, text that is there.
 * So a reader that left and came back holds what a reader that never left holds, and a chunk that
 * was merged from many gives what the many give (law 4).
 *
 * ```js
 * let chat = emptyChat("a");
 * for await (const notice of world.chat("a").events({ start: "start" })) {
 *   chat = apply(chat, notice);
 *   draw(messagesOf(chat), busyOf(chat));
 * }
 * ```
 *
 * @module
 */
export { busyOf, messagesOf, openMessageOf, outcomeOf, pendingOf, unreadOf } from "./fold/view.js";
export { emptyChat } from "./fold/state.js";
import type { ChatState } from "./fold/state.js";
import type { EndedEvent, LiveEvent, RecordedEvent } from "./fold/wire.js";
export type ChatNotice = {
    event: RecordedEvent | LiveEvent | EndedEvent;
    /**
     * Where the feed goes on after it; the end has none.
     */
    cursor?: string;
};
/** @import { ChatState } from "./fold/state.js" */
/** @import { ChatCreated, ChatUpdated, EndedEvent, LiveEvent, RecordedEvent } from "./fold/wire.js" */
/**
 * One notice of a chat's feed, as a subscription delivers it.
 *
 * @typedef {object} ChatNotice
 * @property {RecordedEvent | LiveEvent | EndedEvent} event
 * @property {string} [cursor] Where the feed goes on after it; the end has none.
 */
/**
 * The chat after one more notice of its feed; the chat itself when that says nothing new.
 *
 * Costs what changes: a piece of text costs one message and the list of this turn's messages,
 * however long the chat is.
 *
 * @param {ChatState} state
 * @param {ChatNotice} notice
 * @returns {ChatState}
 * @throws {Rejected} When the notice is of another chat, of none or of no known type, or something
 *   before it is missing. Nothing has changed then.
 */
export declare function apply(state: ChatState, { cursor, event }: ChatNotice): ChatState;
