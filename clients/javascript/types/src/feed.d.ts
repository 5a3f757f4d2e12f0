/**
 * What happens in the world: statuses of chats, chats that come and go, diagnostics.
 *
 * The feed has no cursor. A subscription begins with the chats in which something goes on; so after a
 * lost connection, a chat that has become idle meanwhile would not be heard of, and its busy signal
 * would stick. Such chats are asked for.
 *
 * @module
 */
import { EventStream } from "./stream.js";
export type Link = import("./link.js").Link;
export type FeedNotice = import("./types.js").FeedNotice;
/**
 * @param {Link} link
 * @param {{ signal?: AbortSignal | undefined }} [options]
 * @returns {EventStream<FeedNotice>}
 */
export declare function worldFeed(link: Link, { signal }?: {
    signal?: AbortSignal | undefined;
}): EventStream<FeedNotice>;
