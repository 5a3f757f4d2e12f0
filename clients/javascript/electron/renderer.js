/**
 * For a page in Electron: the same client as anywhere, over a port to main.
 *
 * ```js
 * import { connectToMain } from "polychat-client/electron/renderer";
 * import { createStore } from "polychat-client/store";
 *
 * const connection = await connectToMain();
 * const store = createStore(connection.world);
 * ```
 *
 * One connection per page: main gives each window one port, and a later one replaces it.
 *
 * @module
 */

import { connect } from "../src/connect.js";
import { PolychatError } from "../src/errors.js";
import { GLOBAL, PORT } from "./channels.js";
import { inPage } from "./ports.js";

/** @typedef {import("../src/connect.js").Connection} Connection */
/** @typedef {import("../src/connect.js").ConnectOptions} ConnectOptions */
/** @typedef {import("../src/peer.js").Transport} Transport */
/** @typedef {import("./ports.js").PortInPage} PortInPage */

/**
 * As much of a page's `window` as is used here, with what the preload script put there.
 *
 * @typedef {object} PageWindow
 * @property {(type: "message", listener: (event: PageMessage) => void) => void} addEventListener
 * @property {(type: "message", listener: (event: PageMessage) => void) => void} removeEventListener
 * @property {{ open: () => void }} [polychat]
 */

/** @typedef {{ data: unknown, source: unknown, ports: readonly PortInPage[] }} PageMessage */

/** The connection of a page. @type {WeakMap<PageWindow, Connection>} */
const connections = new WeakMap();

/** Characters of a message from main, at most. */
const TEXT_MAX = 64 * 1024 * 1024;

/**
 * Connects to main. It comes back by itself when main had to begin anew, from where it was.
 *
 * @param {ConnectOptions & { window?: PageWindow }} [options] `window` is for tests
 * @returns {Promise<Connection>} rejects as `unsupported` where the preload script is missing, as
 *   `forbidden` where main does not serve this page, and as `conflict` where the page has a connection
 *   that was not closed
 */
export async function connectToMain({ window = globalWindow(), ...options } = {}) {
  const before = connections.get(window);
  if (before && before.state !== "closed") {
    // Each would take the other's port, and neither would rest.
    throw new PolychatError("conflict", "this page has a connection to main already");
  }
  const connection = await connect({ ...options, transport: () => openPort(window) });
  connections.set(window, connection);
  return connection;
}

/** @param {PageWindow} page @returns {Promise<Transport>} */
function openPort(page) {
  const bridge = page[GLOBAL];
  if (bridge === undefined) {
    const facts = { what: "preload script" };
    throw new PolychatError("unsupported", "the preload script of polychat is not there", { facts });
  }
  return new Promise((resolve, reject) => {
    /** @param {PageMessage} message */
    const answered = ({ data, source, ports: [port] }) => {
      // Other frames may post to this window, too.
      if (source !== page || data !== PORT) return;
      page.removeEventListener("message", answered);
      if (port) resolve(inPage(port, TEXT_MAX));
      else reject(new PolychatError("forbidden", "main does not serve this page"));
    };
    page.addEventListener("message", answered);
    bridge.open();
  });
}

/** @returns {PageWindow} */
function globalWindow() {
  return /** @type {PageWindow} */ (/** @type {unknown} */ (globalThis));
}
