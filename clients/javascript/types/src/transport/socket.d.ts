/**
 * A connection to a server that listens on a Unix socket. For Node only.
 *
 * @module
 */
/**
 * @param {{ path: string, framing: import("../framing.js").Framing, frameBytesMax: number }} options
 * @returns {Promise<import("../peer.js").Transport>}
 */
export declare function openSocket({ path, framing, frameBytesMax }: {
    path: string;
    framing: import("../framing.js").Framing;
    frameBytesMax: number;
}): Promise<import("../peer.js").Transport>;
