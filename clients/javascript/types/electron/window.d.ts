/**
 * One window as main sees it: a peer that may ask what is allowed, and gets what it subscribed to.
 *
 * To the window this is a server as any other. Its ids are its own: subscriptions and requests of
 * other windows have no name here, so they cannot be touched (REQ-10).
 *
 * @module
 */
export type Transport = import("../src/peer.js").Transport;
export type Notice = import("./relay.js").Notice;
export type Stream = AsyncIterator<Notice, unknown> & {
    ready: Promise<void>;
};
export type BridgedConnection = {
    request: (method: string, params: unknown, options: {
        signal: AbortSignal;
    }) => Promise<unknown>;
    world: {
        chat: (chatId: string) => {
            events: (options: {
                after?: string;
                start?: "start" | "now";
            }) => Stream;
        };
        events: () => Stream;
    };
    server: import("../src/types.js").ServerInfo | undefined;
};
export type WindowOptions = {
    may: (method: string, params: Record<string, unknown>) => boolean;
    subscriptionsMax: number;
    requestsInFlightMax: number;
    eventsUnderWayMax: number;
    rejected: (reason: string) => void;
    closed: () => void;
};
/** @typedef {import("../src/peer.js").Transport} Transport */
/** @typedef {import("./relay.js").Notice} Notice */
/** @typedef {AsyncIterator<Notice, unknown> & { ready: Promise<void> }} Stream */
/**
 * What the bridge asks of main's connection: {@link import("../src/connect.js").Connection} has it.
 *
 * @typedef {object} BridgedConnection
 * @property {(method: string, params: unknown, options: { signal: AbortSignal }) => Promise<unknown>} request
 * @property {{ chat: (chatId: string) => { events: (options: { after?: string, start?: "start" | "now" }) => Stream }, events: () => Stream }} world
 * @property {import("../src/types.js").ServerInfo | undefined} server
 */
/**
 * @typedef {object} WindowOptions
 * @property {(method: string, params: Record<string, unknown>) => boolean} may
 * @property {number} subscriptionsMax
 * @property {number} requestsInFlightMax
 * @property {number} eventsUnderWayMax
 * @property {(reason: string) => void} rejected
 * @property {() => void} closed
 */
/** One window as main sees it. */
export declare class Window {
    #private;
    /** @param {BridgedConnection} connection @param {Transport} transport @param {WindowOptions} options */
    constructor(connection: BridgedConnection, transport: Transport, options: WindowOptions);
    /** What the window watches. */
    get subscriptions(): number;
    /** Ends it for this side; the window may come again. @param {string} why */
    close(why: string): void;
}
