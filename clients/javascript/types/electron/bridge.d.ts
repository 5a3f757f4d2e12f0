/**
 * Between main's one connection and its windows: who may ask what. Nothing here knows Electron.
 *
 * @module
 */
export type PortInMain = import("./ports.js").PortInMain;
export type BridgedConnection = import("./window.js").BridgedConnection;
/** What windows may ask unless the options say otherwise: all of chats, and to look at the world. */
export declare const WINDOW_METHODS: readonly string[];
export type BridgeOptions = {
    /**
     * what windows may ask; default {@link WINDOW_METHODS}
     */
    methods?: readonly string[];
    /**
     * narrows it further, for example to the chats of this window
     */
    may?: (request: {
        method: string;
        params: Record<string, unknown>;
        window: unknown;
    }) => boolean;
    /**
     * of one window; default 1,000
     */
    subscriptionsMax?: number;
    /**
     * of one window; default 256
     */
    requestsInFlightMax?: number;
    /**
     * events of one subscription between main and a window; default 256
     */
    eventsUnderWayMax?: number;
    /**
     * characters of a message from a window; default 16 Mi
     */
    textMax?: number;
    /**
     * hears of messages that were none
     */
    onRejected?: (reason: string, window: unknown) => void;
};
/**
 * @typedef {object} BridgeOptions
 * @property {readonly string[]} [methods] what windows may ask; default {@link WINDOW_METHODS}
 * @property {(request: { method: string, params: Record<string, unknown>, window: unknown }) => boolean} [may]
 *   narrows it further, for example to the chats of this window
 * @property {number} [subscriptionsMax] of one window; default 1,000
 * @property {number} [requestsInFlightMax] of one window; default 256
 * @property {number} [eventsUnderWayMax] events of one subscription between main and a window; default 256
 * @property {number} [textMax] characters of a message from a window; default 16 Mi
 * @property {(reason: string, window: unknown) => void} [onRejected] hears of messages that were none
 */
/** Main's one connection, for any number of windows. */
export declare class Bridge {
    #private;
    /** @param {BridgedConnection} connection @param {BridgeOptions} [options] */
    constructor(connection: BridgedConnection, options?: BridgeOptions);
    /** How many windows there are. */
    get windows(): number;
    /** What all windows watch, together. */
    get subscriptions(): number;
    /**
     * Serves a window by a port. A port that it had before is closed: a page that was loaded again has
     * a new one.
     *
     * @param {unknown} key which window; in Electron its `webContents`
     * @param {PortInMain} port
     */
    attach(key: unknown, port: PortInMain): void;
    /** Serves a window no more. Nothing is cancelled by that. @param {unknown} key */
    detach(key: unknown): void;
    /** Serves no window any more; the connection stays. */
    close(): void;
}
