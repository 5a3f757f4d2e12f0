/**
 * A connection over a WebSocket: one message of JSON-RPC per text frame.
 *
 * @module
 */

/** @typedef {import("../peer.js").Transport} Transport */

/**
 * As much of a WebSocket as is used here.
 *
 * @typedef {object} WebSocketLike
 * @property {number} bufferedAmount
 * @property {(text: string) => void} send
 * @property {(code?: number) => void} close
 * @property {(type: string, listener: (event: any) => void) => void} addEventListener
 */

/** Bytes that may wait in the socket before a sender is asked to wait. */
const WAITING_BYTES = 1024 * 1024;
/** How often it is looked whether there is room again, in milliseconds: a WebSocket does not tell. */
const LOOK_MS = 20;

/**
 * @param {object} options
 * @param {string} options.url
 * @param {new (url: string) => WebSocketLike} options.WebSocket
 * @param {number} options.frameBytesMax
 * @param {import("../clock.js").Clock} options.clock
 * @returns {Promise<Transport>}
 */
export function openWebSocket({ url, WebSocket, frameBytesMax, clock }) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.addEventListener("error", () => reject(new Error("the WebSocket could not be opened")));
    socket.addEventListener("close", () => reject(new Error("the WebSocket was closed")));
    socket.addEventListener("open", () => resolve(transportOf(socket, frameBytesMax, clock)));
  });
}

/** @param {WebSocketLike} socket @param {number} frameBytesMax @param {import("../clock.js").Clock} clock @returns {Transport} */
function transportOf(socket, frameBytesMax, clock) {
  /** @type {(value?: void) => void} */
  let gone = () => {};
  /** @type {Promise<void>} */
  const closed = new Promise((resolve) => (gone = resolve));
  socket.addEventListener("close", () => gone());
  return {
    start(handlers) {
      socket.addEventListener("message", ({ data }) => {
        const reason = rejection(data, frameBytesMax);
        if (reason === undefined) handlers.message(data);
        else handlers.rejected({ reason, begin: typeof data === "string" ? data.slice(0, 256) : "" });
      });
      socket.addEventListener("close", () => handlers.closed());
    },
    send(text) {
      socket.send(text);
      return socket.bufferedAmount > WAITING_BYTES ? room(socket, clock, closed) : undefined;
    },
    close() {
      socket.close(1000);
      return closed;
    },
  };
}

/** @param {unknown} data @param {number} bytesMax */
function rejection(data, bytesMax) {
  if (typeof data !== "string") return "not_text";
  return data.length > bytesMax ? "too_long" : undefined;
}

/** @param {WebSocketLike} socket @param {import("../clock.js").Clock} clock @param {Promise<void>} closed @returns {Promise<void>} */
function room(socket, clock, closed) {
  /** @type {Promise<void>} */
  const room = new Promise((resolve) => {
    const look = () => (socket.bufferedAmount > WAITING_BYTES ? void clock.after(LOOK_MS, look) : resolve());
    look();
  });
  return Promise.race([room, closed]);
}
