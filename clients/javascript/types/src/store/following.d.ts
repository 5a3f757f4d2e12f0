/**
 * Whose events are read: at most so many chats. Those that nobody looks at give way first, and of
 * them, and else of all but the selected one, the one longest not looked at.
 *
 * A chat that gives way is only read no further. Nothing is cancelled in it, the world's feed still
 * tells what it does, and looking at it again reads it anew. One that is still looked at says that it
 * is `parked`, and is read on once a place is no longer needed.
 *
 * @module
 */
import { Rejected } from "../errors.js";
import type { ChatNotice } from "../fold.js";
import type { Entry } from "./entry.js";
import type { StoreWorld } from "../store.js";
export type Events = AsyncIterator<ChatNotice, unknown> & AsyncIterable<ChatNotice>;
/** Reads the events of chats into their entries. */
export declare class Following {
    #private;
    /**
     * @param {StoreWorld} world
     * @param {object} options
     * @param {number} options.chatsFollowedMax
     * @param {() => boolean} options.isListed Whether the list of all chats is known
     * @param {(entry: Entry) => void} options.changed
     * @param {(error: Rejected) => void} options.rejected
     */
    constructor(world: StoreWorld, { chatsFollowedMax, isListed, changed, rejected }: {
        chatsFollowedMax: number;
        isListed: () => boolean;
        changed: (entry: Entry) => void;
        rejected: (error: Rejected) => void;
    });
    /**
     * Reads it, if it is not read already; a chat goes on where it was left. One that nobody looks at
     * takes no place from one that somebody looks at.
     *
     * @param {Entry} entry
     */
    follow(entry: Entry): void;
    /** Reads it though nobody looks at it, as long as that takes no place from a chat in which something goes on. @param {Entry} entry */
    watch(entry: Entry): void;
    /** Gives places that nobody looks at to chats that somebody looks at: to the one looked at last, first. */
    handOn(): void;
    /** Reads none of them any more. */
    close(): void;
}
