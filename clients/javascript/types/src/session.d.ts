/**
 * One life of a connection: from `initialize` until it is lost.
 *
 * It knows the methods of the connection itself, and hands each event to the stream whose
 * subscription it names. What outlives it, is the link's.
 *
 * @module
 */
import { Rejected } from "./errors.js";
export type Transport = import("./peer.js").Transport;
export type ConnectionLost = import("./errors.js").ConnectionLost;
export type ServerInfo = import("./types.js").ServerInfo;
export type PeerInfo = import("./types.js").PeerInfo;
/** @typedef {import("./peer.js").Transport} Transport */
/** @typedef {import("./errors.js").ConnectionLost} ConnectionLost */
/** @typedef {import("./types.js").ServerInfo} ServerInfo */
/** @typedef {import("./types.js").PeerInfo} PeerInfo */
/** The version of the protocol that this client speaks. */
export declare const PROTOCOL_VERSION = 1;
export type Sink = {
    /**
     * comes before the first event
     */
    subscribed: (subscriptionId: string) => void;
    accept: (params: unknown) => void;
};
export type HostCalls = {
    answer: (method: string, params: unknown, id: number | string, session: Session) => Promise<unknown>;
    cancel: (id: unknown) => void;
};
export type SessionOptions = {
    client: PeerInfo;
    eventsUnderWayMax: number;
    /**
     * the world that it must be; any when left out
     */
    worldId: string | undefined;
    calls: HostCalls;
    rejected: (rejected: Rejected) => void;
    lost: (error: ConnectionLost) => void;
};
/**
 * What hears of one subscription.
 *
 * @typedef {object} Sink
 * @property {(subscriptionId: string) => void} subscribed comes before the first event
 * @property {(params: unknown) => void} accept
 */
/**
 * What hears the requests that the server has.
 *
 * @typedef {object} HostCalls
 * @property {(method: string, params: unknown, id: number | string, session: Session) => Promise<unknown>} answer
 * @property {(id: unknown) => void} cancel
 */
/**
 * @typedef {object} SessionOptions
 * @property {PeerInfo} client
 * @property {number} eventsUnderWayMax
 * @property {string | undefined} worldId the world that it must be; any when left out
 * @property {HostCalls} calls
 * @property {(rejected: Rejected) => void} rejected
 * @property {(error: ConnectionLost) => void} lost
 */
/** One life of a connection. */
export declare class Session {
    #private;
    /** @param {Transport} transport @param {SessionOptions} options */
    constructor(transport: Transport, options: SessionOptions);
    /** What the server says of itself. @returns {ServerInfo} */
    get server(): ServerInfo;
    /** Why it is lost, once it is. @returns {ConnectionLost | undefined} */
    get ended(): ConnectionLost | undefined;
    /**
     * Says who is there, and hears who is.
     *
     * @returns {Promise<ServerInfo>} rejects with a {@link PolychatError} that is not retryable when
     *   this is not the server that was meant
     */
    initialize(): Promise<ServerInfo>;
    /**
     * @param {string} method
     * @param {unknown} params
     * @param {{ signal?: AbortSignal | undefined, first?: ((result: unknown) => void) | undefined }} [options]
     */
    request(method: string, params: unknown, options?: {
        signal?: AbortSignal | undefined;
        first?: ((result: unknown) => void) | undefined;
    }): Promise<unknown>;
    /** @param {string} method @param {unknown} params @returns {Promise<void>} */
    notify(method: string, params: unknown): Promise<void>;
    /**
     * Watches: from its answer on, the sink hears each event.
     *
     * @param {Record<string, unknown>} params
     * @param {Sink} sink
     */
    subscribe(params: Record<string, unknown>, sink: Sink): Promise<void>;
    /** Watches no more. @param {string} subscriptionId */
    unsubscribe(subscriptionId: string): void;
    /** There is room for so many further events. @param {string} subscriptionId @param {number} events */
    more(subscriptionId: string, events: number): void;
    /** The stream of it has ended; there is nothing to unsubscribe. @param {string} subscriptionId */
    forget(subscriptionId: string): void;
    /** @param {string} why */
    close(why: string): void;
}
