/**
 * All chats of the world and what they do: the list once, and then the world's feed.
 *
 * The list tells what is there, the feed what changes. When the connection was lost, the list is read
 * again, and what it does not have any more goes.
 *
 * @module
 */
import { PolychatError } from "../errors.js";
import type { Entry } from "./entry.js";
import type { StoreWorld } from "../store.js";
export type FeedNotice = import("../types.js").FeedNotice;
export type ListState = "loading" | "complete" | "broken";
export type ListingOptions = {
    /**
     * `undefined` when there are too many
     */
    entryOf: (chatId: string) => Entry | undefined;
    entries: () => Iterable<Entry>;
    changed: (entry: Entry) => void;
    stateChanged: () => void;
    /**
     * hears of what concerns no chat's line
     */
    told: (event: FeedNotice["event"]) => void;
};
/** @import { Entry, Signal, Summary } from "./entry.js" */
/** @import { StoreWorld } from "../store.js" */
/** @typedef {import("../types.js").FeedNotice} FeedNotice */
/** How the list stands: `complete` once it was read to its end, `broken` when it goes on no more. @typedef {"loading" | "complete" | "broken"} ListState */
/**
 * @typedef {object} ListingOptions
 * @property {(chatId: string) => Entry | undefined} entryOf `undefined` when there are too many
 * @property {() => Iterable<Entry>} entries
 * @property {(entry: Entry) => void} changed
 * @property {() => void} stateChanged
 * @property {(event: FeedNotice["event"]) => void} told hears of what concerns no chat's line
 */
/** Reads the list of all chats and the world's feed into entries. */
export declare class Listing {
    #private;
    /** @type {ListState} */
    state: ListState;
    /** @type {PolychatError | null} */
    error: PolychatError | null;
    /** @param {StoreWorld} world @param {ListingOptions} options */
    constructor(world: StoreWorld, options: ListingOptions);
    /** Begins, also again after it broke off. */
    open(): void;
    /** Reads no further. */
    close(): void;
}
