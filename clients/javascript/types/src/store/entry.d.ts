/**
 * What the store keeps of one chat, and what it shows of it.
 *
 * `state` is folded from this chat's events and from nothing else. Beside it stands what is not in
 * its log: what the world's feed said of it, and what the person in front of this window did.
 *
 * @module
 */
import { Cell } from "./cell.js";
import type { ChatState } from "../fold/state.js";
import type { Busy } from "../fold/view.js";
import type { Attached, Content, Sending } from "../chat.js";
import type { PolychatError } from "../errors.js";
export type Signal = Extract<import("#wire").WorldEvent, {
    type: "chat.status";
}>;
export type Summary = import("../types.js").Summary;
export type OutcomeKind = import("../types.js").OutcomeKind;
export type Following = "no" | "loading" | "live" | "parked" | "ended" | "broken";
export type Send = {
    promptId: string;
    content: Content;
    options: Attached & Omit<Sending, "promptId" | "signal">;
    state: "sending" | "accepted" | "refused";
    /**
     * Why it was refused.
     */
    error: PolychatError | null;
};
export type ChatSnapshot = {
    chatId: string;
    /**
     * From its events alone; empty while it is `parked`.
     */
    chat: ChatState;
    /**
     * Whether `chat` is what the chat is now: only while it is `live`.
     */
    following: Following;
    /**
     * Why it is not followed any more.
     */
    error: PolychatError | null;
    busy: Busy;
    /**
     * Answers that ended since it was last selected.
     */
    unread: number;
    selected: boolean;
    /**
     * What was typed and not sent.
     */
    draft: string;
    sends: readonly Send[];
};
export type ChatRow = {
    chatId: string;
    /**
     * Empty while nobody gave one.
     */
    title: string;
    /**
     * As far as it is known: the world's feed does not tell.
     */
    archived: boolean;
    /**
     * Likewise.
     */
    updatedAt: number;
    /**
     * When something last began or came to rest in it: unlike `updatedAt` it stands still while an
     * answer is being written, so that a list in this order does too.
     */
    activeAt: number;
    /**
     * How its last turn ended; `null` while one runs or is to run, and while none has ended.
     */
    outcome: OutcomeKind | null;
    busy: Busy;
    /**
     * Answers that ended since it was last selected, as far as it is followed.
     */
    unread: number;
    /**
     * Whether anything was recorded since it was last selected.
     */
    news: boolean;
    selected: boolean;
    /**
     * Whether a prompt is on its way.
     */
    sending: boolean;
};
/** What the store keeps of one chat. */
export declare class Entry {
    #private;
    /** From its events alone. @type {ChatState} */
    state: ChatState;
    /** @type {Signal | null} */
    signal: Signal | null;
    /** @type {Summary | null} */
    summary: Summary | null;
    /** Whether it stands in the list, and the reading of the list that said so last. */
    listed: boolean;
    reading: number;
    /** @type {Following} */
    following: Following;
    /** @type {PolychatError | null} */
    error: PolychatError | null;
    /** The log up to here is old, what comes after it has just happened; `null` while nobody knows. @type {number | null} */
    loadedAt: number | null;
    /** When it was last looked at, as a place in the order of looking. */
    used: number;
    /** The last event that was seen; `null` while it is not known what was there before. @type {number | null} */
    seen: number | null;
    /** Answers that were unread when it was parked. */
    unreadBefore: number;
    selected: boolean;
    draft: string;
    /** @type {readonly Send[]} */
    sends: readonly Send[];
    /** @type {Cell<ChatSnapshot>} */
    cell: Cell<ChatSnapshot>;
    /** @type {ChatRow} */
    row: ChatRow;
    /** @param {string} chatId */
    constructor(chatId: string);
    get chatId(): string;
    /** The last event that is known of, be it read or not. */
    get head(): number;
    /** It was read to where it was when it was looked at first: from there on it is live. */
    arrive(): void;
    /** Whether somebody looks at it: then it is read before those at which nobody does. */
    get lookedAt(): boolean;
    /** Whether its events are being read. */
    get followed(): boolean;
    /** Whether anybody would miss it. */
    get needed(): boolean;
    /** Publishes what changed. @returns {boolean} whether the list of all chats did */
    publish(): boolean;
}
