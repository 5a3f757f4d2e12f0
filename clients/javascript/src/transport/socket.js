/**
 * A connection to a server that listens on a Unix socket. For Node only.
 *
 * @module
 */

import { connect } from "node:net";
import { streamTransport } from "./streams.js";

/**
 * @param {{ path: string, framing: import("../framing.js").Framing, frameBytesMax: number }} options
 * @returns {Promise<import("../peer.js").Transport>}
 */
export function openSocket({ path, framing, frameBytesMax }) {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const close = () =>
      new Promise((/** @type {(value: void) => void} */ closed) => {
        if (socket.closed) return closed();
        socket.once("close", () => closed());
        // What was written is still delivered.
        socket.end();
        socket.resume();
        socket.destroySoon();
      });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(streamTransport({ readable: socket, writable: socket, framing, frameBytesMax, close }));
    });
  });
}
