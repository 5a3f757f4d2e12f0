/**
 * Messages over a pair of byte streams of Node, in either framing. Imports nothing of Node itself.
 *
 * @module
 */

import { encodeFrame, frameDecoder } from "../framing.js";

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
export function streamTransport({ readable, writable, framing, frameBytesMax, close }) {
  const decoder = frameDecoder(framing, frameBytesMax);
  /** @type {Promise<void> | undefined} */
  let draining;
  /** @type {Promise<void> | undefined} */
  let closing;
  return {
    start({ message, rejected, closed }) {
      let ended = false;
      const end = (/** @type {Error | undefined} */ error) => {
        if (ended) return;
        ended = true;
        closed(error);
      };
      readable.on("data", (/** @type {Uint8Array} */ chunk) => {
        try {
          for (const frame of decoder.push(chunk)) {
            if (ended) return;
            if (frame.rejected === undefined) message(frame.text);
            else rejected({ reason: frame.rejected, begin: frame.begin });
          }
        } catch (error) {
          end(/** @type {Error} */ (error));
        }
      });
      for (const stream of [readable, writable]) {
        stream.on("error", end);
        stream.on("close", () => end(undefined));
      }
      readable.on("end", () => end(undefined));
    },
    send(text) {
      if (writable.write(encodeFrame(framing, text))) return undefined;
      draining ??= new Promise((resolve) => {
        const drained = () => {
          writable.off("drain", drained).off("close", drained);
          draining = undefined;
          resolve();
        };
        writable.on("drain", drained).on("close", drained);
      });
      return draining;
    },
    close() {
      closing ??= Promise.resolve(close());
      return closing;
    },
  };
}
