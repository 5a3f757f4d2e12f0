/**
 * JSON-RPC 2.0 over anything that carries whole messages: who asked, and who answers.
 *
 * Nothing here knows a method. Both sides may ask. What comes in that belongs to nobody is counted by
 * whoever owns this, and ends nothing.
 *
 * @module
 */
import { ConnectionLost } from "./errors.js";
export type Transport = {
    /**
     * called once, before anything is sent; nothing is delivered before
     */
    start: (handlers: TransportHandlers) => void;
    /**
     * a promise when the pipe is full: it resolves once there is room
     */
    send: (text: string) => Promise<void> | void;
    /**
     * resolves once nothing of it is left
     */
    close: () => Promise<void> | void;
};
export type TransportHandlers = {
    message: (text: string) => void;
    /**
     * a frame that cannot be read; the next one can
     */
    rejected: (frame: {
        reason: string;
        begin: string;
    }) => void;
    /**
     * nothing comes after it
     */
    closed: (error?: Error) => void;
};
export type PeerHandlers = {
    /**
     * rejects with the error to answer
     */
    request: (method: string, params: unknown, id: number | string) => Promise<unknown>;
    notification: (method: string, params: unknown) => void;
    rejected: (reason: string, claimed: string) => void;
    closed: (error: ConnectionLost) => void;
};
export type Asked = {
    resolve: (result: unknown) => void;
    reject: (error: unknown) => void;
    first: ((result: unknown) => void) | undefined;
};
/**
 * Carries whole messages both ways.
 *
 * @typedef {object} Transport
 * @property {(handlers: TransportHandlers) => void} start called once, before anything is sent; nothing is delivered before
 * @property {(text: string) => Promise<void> | void} send a promise when the pipe is full: it resolves once there is room
 * @property {() => Promise<void> | void} close resolves once nothing of it is left
 */
/**
 * @typedef {object} TransportHandlers
 * @property {(text: string) => void} message
 * @property {(frame: { reason: string, begin: string }) => void} rejected a frame that cannot be read; the next one can
 * @property {(error?: Error) => void} closed nothing comes after it
 */
/**
 * What a peer is told of. Answers to requests of the other side are what `request` resolves to.
 *
 * @typedef {object} PeerHandlers
 * @property {(method: string, params: unknown, id: number | string) => Promise<unknown>} request rejects with the error to answer
 * @property {(method: string, params: unknown) => void} notification
 * @property {(reason: string, claimed: string) => void} rejected
 * @property {(error: ConnectionLost) => void} closed
 */
/**
 * @typedef {object} Asked
 * @property {(result: unknown) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {((result: unknown) => void) | undefined} first
 */
/** One end of a connection. */
export declare class Peer {
    #private;
    /** Bytes of a message that the other side takes; it says so when it says who it is. */
    bytesMax: number;
    /** @param {Transport} transport @param {PeerHandlers} handlers */
    constructor(transport: Transport, handlers: PeerHandlers);
    /** Why it has ended, once it has. @returns {ConnectionLost | undefined} */
    get ended(): ConnectionLost | undefined;
    /** Requests of this side that have no answer yet. */
    get waiting(): number;
    /**
     * Asks, at once: requests are sent in the order of the calls.
     *
     * @param {string} method
     * @param {unknown} params
     * @param {{ signal?: AbortSignal | undefined, first?: ((result: unknown) => void) | undefined }} [options]
     *   `first` hears the result before anything that comes after it is looked at, also when the
     *   signal has ended the waiting
     * @returns {Promise<unknown>}
     */
    request(method: string, params: unknown, { signal, first }?: {
        signal?: AbortSignal | undefined;
        first?: ((result: unknown) => void) | undefined;
    }): Promise<unknown>;
    /**
     * Tells.
     *
     * @param {string} method
     * @param {unknown} params
     * @returns {Promise<void>} resolves once the pipe has room for more; rejects for what is no JSON, or too large
     */
    notify(method: string, params: unknown): Promise<void>;
    /**
     * Ends the connection for this side: who waits hears that it is lost.
     *
     * @param {string} why
     * @param {unknown} [cause]
     */
    lose(why: string, cause?: unknown): void;
}
