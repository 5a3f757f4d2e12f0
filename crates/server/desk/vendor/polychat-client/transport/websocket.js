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

/**
 * What makes one. Only when there are headers it is given a second argument, which Node's own class,
 * `undici` and `ws` understand, and browsers do not.
 *
 * @typedef {new (url: string, options?: any) => WebSocketLike} WebSocketClass
 */

/** Bytes that may wait in the socket before a sender is asked to wait. */
const WAITING_BYTES = 1024 * 1024;
/** How often it is looked whether there is room again, in milliseconds: a WebSocket does not tell. */
const LOOK_MS = 20;

/**
 * Where the WebSocket of a world is: its address as for requests will do, also a relative one within a page.
 *
 * @param {string | URL} url
 * @returns {string}
 */
export function socketUrl(url) {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol.replace(/^http/, "ws");
  if (/\/v1\/worlds\/[^/]+\/?$/.test(address.pathname)) {
    address.pathname = `${address.pathname.replace(/\/$/, "")}/socket`;
  }
  return address.href;
}

/**
 * @param {object} options
 * @param {string} options.url
 * @param {WebSocketClass} options.WebSocket
 * @param {Record<string, string> | undefined} [options.headers]
 * @param {number} options.frameBytesMax
 * @param {import("../clock.js").Clock} options.clock
 * @returns {Promise<Transport>}
 */
export function openWebSocket({ url, WebSocket, headers, frameBytesMax, clock }) {
  return new Promise((resolve, reject) => {
    const socket = headers ? new WebSocket(url, { headers }) : new WebSocket(url);
    // Without the query, which may hold what is nobody's business.
    const place = url.split("?", 1)[0];
    const hint = "is it the address of a world that is served, and the token right?";
    const failed = (/** @type {string} */ why) =>
      reject(new Error(`the WebSocket ${place} could not be opened${why || `: ${hint}`}`));
    // Browsers do not say why, for the sake of those whom a page would spy on.
    socket.addEventListener("error", ({ message }) => failed(message ? `: ${message}` : ""));
    socket.addEventListener("close", ({ code, reason }) => failed(`: closed with ${code}${reason ? ` (${reason})` : ""}`));
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
      socket.addEventListener("close", ({ code, reason }) => handlers.closed(ending(code, reason)));
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

/** Why it ended, where that is not what was asked for. @param {number | undefined} code @param {string | undefined} reason */
function ending(code, reason) {
  if (code === undefined || code === 1000) return undefined;
  return new Error(`the WebSocket was closed with ${code}${reason ? ` (${reason})` : ""}`);
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
