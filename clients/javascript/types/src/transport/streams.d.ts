/**
 * Messages over a pair of byte streams of Node, in either framing. Imports nothing of Node itself.
 *
 * @module
 */
export type Framing = import("../framing.js").Framing;
export type Transport = import("../peer.js").Transport;
/** @typedef {import("../framing.js").Framing} Framing */
/** @typedef {import("../peer.js").Transport} Transport */
/**
 * @param {object} pipe
 * @param {import("node:stream").Readable} pipe.readable
 * @param {import("node:stream").Writable} pipe.writable
 * @param {Framing} pipe.framing
 * @param {number} pipe.frameBytesMax
 * @param {() => Promise<void> | void} pipe.close
 * @returns {Transport}
 */
export declare function streamTransport({ readable, writable, framing, frameBytesMax, close }: {
    readable: import("node:stream").Readable;
    writable: import("node:stream").Writable;
    framing: Framing;
    frameBytesMax: number;
    close: () => Promise<void> | void;
}): Transport;
