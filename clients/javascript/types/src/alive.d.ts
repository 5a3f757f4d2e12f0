/**
 * Connections of which only one end is left: nothing comes, and nobody says that nothing will.
 *
 * A browser does not show the pings of a WebSocket, so the client asks by itself when it has heard
 * nothing for a while, and takes silence after that for a loss.
 *
 * @module
 */
export type Clock = import("./clock.js").Clock;
export type Transport = import("./peer.js").Transport;
export type TransportHandlers = import("./peer.js").TransportHandlers;
/** @typedef {import("./clock.js").Clock} Clock */
/** @typedef {import("./peer.js").Transport} Transport */
/** @typedef {import("./peer.js").TransportHandlers} TransportHandlers */
/**
 * A transport that is lost when nothing comes of it.
 *
 * @implements {Transport}
 */
export declare class Watched implements Transport {
    #private;
    /** @param {Transport} transport @param {{ idleMs: number, clock: Clock }} options */
    constructor(transport: Transport, { idleMs, clock }: {
        idleMs: number;
        clock: Clock;
    });
    /** @param {TransportHandlers} handlers */
    start(handlers: TransportHandlers): void;
    /**
     * From now on asks when nothing has come for so long; and when nothing comes then either, in the
     * same time again, the connection is lost: after two to three times as long.
     *
     * @param {() => void} ask must bring an answer
     */
    watch(ask: () => void): void;
    /** @param {string} text */
    send(text: string): void | Promise<void>;
    close(): void | Promise<void>;
}
