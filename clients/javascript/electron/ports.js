/**
 * Whole messages over a `MessagePort`, as text, at either end.
 *
 * A port tells nobody how much waits in it. What waits is bounded all the same: events come only as
 * far as the window gave room for them, and answers only to requests, which are counted.
 *
 * @module
 */

/** @typedef {import("../src/peer.js").Transport} Transport */

/**
 * As much of Electron's `MessagePortMain` as is used here.
 *
 * @typedef {object} PortInMain
 * @property {{ (event: "message", listener: (message: { data: unknown }) => void): unknown, (event: "close", listener: () => void): unknown }} on
 * @property {(message: string) => void} postMessage
 * @property {() => void} start
 * @property {() => void} close
 */

/**
 * As much of a page's `MessagePort` as is used here. Electron's tells when the other end is gone.
 *
 * @typedef {object} PortInPage
 * @property {(type: string, listener: (event: any) => void) => void} addEventListener
 * @property {(message: string) => void} postMessage
 * @property {() => void} start
 * @property {() => void} close
 */

/**
 * The end of a port in main.
 *
 * @param {PortInMain} port
 * @param {number} textMax characters of a message
 * @returns {Transport}
 */
export function inMain(port, textMax) {
  return {
    start(handlers) {
      port.on("message", ({ data }) => pass(data, textMax, handlers));
      port.on("close", () => handlers.closed());
      port.start();
    },
    send: (text) => port.postMessage(text),
    close: () => port.close(),
  };
}

/**
 * The end of a port in a page.
 *
 * @param {PortInPage} port
 * @param {number} textMax characters of a message
 * @returns {Transport}
 */
export function inPage(port, textMax) {
  return {
    start(handlers) {
      port.addEventListener("message", ({ data }) => pass(data, textMax, handlers));
      port.addEventListener("close", () => handlers.closed());
      port.start();
    },
    send: (text) => port.postMessage(text),
    close: () => port.close(),
  };
}

/**
 * @param {unknown} data
 * @param {number} textMax
 * @param {import("../src/peer.js").TransportHandlers} handlers
 */
function pass(data, textMax, handlers) {
  if (typeof data !== "string") return handlers.rejected({ reason: "not_text", begin: "" });
  if (data.length > textMax) return handlers.rejected({ reason: "too_long", begin: data.slice(0, 256) });
  handlers.message(data);
}
