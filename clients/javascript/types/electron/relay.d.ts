/**
 * One subscription of one window: from a stream of main's connection into the window's port, as far as
 * the window has room.
 *
 * A window that reads slowly stops taking events from the stream. The stream then takes none from the
 * world, which keeps a cursor for it: that, and the few events that a stream holds at most, is all
 * that a slow window costs.
 *
 * @module
 */
export type Notice = {
    cursor?: string | undefined;
    event: object;
};
export type RelayOptions = {
    /**
     * events that may be under way at the beginning, and at any time
     */
    room: number;
    send: (notice: Notice) => Promise<void> | void;
    /**
     * no event comes any more; with an error when it broke off
     */
    ended: (error?: unknown) => void;
};
/** @typedef {{ cursor?: string | undefined, event: object }} Notice */
/**
 * @typedef {object} RelayOptions
 * @property {number} room events that may be under way at the beginning, and at any time
 * @property {(notice: Notice) => Promise<void> | void} send
 * @property {(error?: unknown) => void} ended no event comes any more; with an error when it broke off
 */
/** Carries the events of one subscription, as far as there is room. */
export declare class Relay {
    #private;
    /** @param {AsyncIterator<Notice, unknown>} stream @param {RelayOptions} options */
    constructor(stream: AsyncIterator<Notice, unknown>, options: RelayOptions);
    /** There is room for so many further events. @param {number} events */
    more(events: number): void;
    /** Carries nothing any more. It cancels nothing. */
    stop(): void;
    /** Begins to carry. */
    start(): void;
}
