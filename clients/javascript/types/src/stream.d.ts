/**
 * The events of a chat or of the world, as an async iterator that outlives connections.
 *
 * A reader that does not read holds a cursor at the server and a bounded number of events here: the
 * server sends only as many as there is room for. When the connection is lost, what waits here is
 * read first; then the stream goes on after the last event that it has handed out. So every recorded
 * event comes exactly once, and nothing grows however often the connection is lost.
 *
 * @module
 */
export type Link = import("./link.js").Link;
export type Session = import("./session.js").Session;
export type StartAt = {
    start: "start" | "now";
} | {
    after: string;
};
export type Hooks<Notice> = {
    /**
     * before a reader gets it
     */
    heard?: (notice: Notice) => void;
    /**
     * subscribed again, after a connection was lost
     */
    resumed?: () => void;
};
/**
 * A cursor after a recorded event. Nothing else here knows what is in a cursor.
 *
 * @param {number} seq
 */
export declare function cursorAfter(seq: number): string;
/**
 * The events of a chat or of the world.
 *
 * @template Notice
 * @implements {AsyncIterableIterator<Notice, undefined, undefined>}
 */
export declare class EventStream<Notice> implements AsyncIterableIterator<Notice, undefined, undefined> {
    #private;
    /**
     * @param {Link} link
     * @param {string | undefined} chatId the chat; `undefined` for the world
     * @param {StartAt} start
     * @param {{ signal?: AbortSignal | undefined, hooks?: Hooks<Notice> }} [options]
     */
    constructor(link: Link, chatId: string | undefined, start: StartAt, { signal, hooks }?: {
        signal?: AbortSignal | undefined;
        hooks?: Hooks<Notice>;
    });
    /** Resolves once it is subscribed; rejects when that is refused. @returns {Promise<void>} */
    get ready(): Promise<void>;
    /** The place after the last event that was handed out. @returns {string | undefined} */
    get cursor(): string | undefined;
    [Symbol.asyncIterator](): this;
    /** @returns {Promise<IteratorResult<Notice, undefined>>} */
    next(): Promise<IteratorResult<Notice, undefined>>;
    /**
     * Reads no further and unsubscribes. It cancels nothing.
     *
     * @returns {Promise<IteratorResult<Notice, undefined>>}
     */
    return(): Promise<IteratorResult<Notice, undefined>>;
    /** Hands out something that the server did not send. @param {Notice} notice */
    add(notice: Notice): void;
}
