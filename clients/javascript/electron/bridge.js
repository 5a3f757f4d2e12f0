/**
 * Between main's one connection and its windows: who may ask what. Nothing here knows Electron.
 *
 * @module
 */

import { inMain } from "./ports.js";
import { Window } from "./window.js";

/** @typedef {import("./ports.js").PortInMain} PortInMain */
/** @typedef {import("./window.js").BridgedConnection} BridgedConnection */

/** What no window may ask, whatever the options say: it concerns the connection of all. */
const NEVER = new Set(["initialize", "shutdown", "host/register", "tool/output", "tool/progress", "model/delta"]);

/** What windows may ask unless the options say otherwise: all of chats, and to look at the world. */
export const WINDOW_METHODS = Object.freeze([
  ...["chat/create", "chat/fork", "chat/import", "chat/list", "chat/snapshot", "chat/update"],
  ...["chat/close", "chat/reopen", "chat/delete"],
  ...["prompt/send", "prompt/edit", "prompt/withdraw", "prompt/list", "prompt/outcome"],
  ...["turn/cancel", "history/revise", "approval/decide", "messages/list", "log/read"],
  ...["search", "world/get", "events/subscribe"],
]);

/**
 * @typedef {object} BridgeOptions
 * @property {readonly string[]} [methods] what windows may ask; default {@link WINDOW_METHODS}
 * @property {(request: { method: string, params: Record<string, unknown>, window: unknown }) => boolean} [may]
 *   narrows it further, for example to the chats of this window
 * @property {number} [subscriptionsMax] of one window; default 1,000
 * @property {number} [requestsInFlightMax] of one window; default 256
 * @property {number} [eventsUnderWayMax] events of one subscription between main and a window; default 256
 * @property {number} [textMax] characters of a message from a window; default 16 Mi
 * @property {(reason: string, window: unknown) => void} [onRejected] hears of messages that were none
 */

/** Main's one connection, for any number of windows. */
export class Bridge {
  #connection;
  #options;
  #methods;
  /** @type {Map<unknown, Window>} */
  #windows = new Map();

  /** @param {BridgedConnection} connection @param {BridgeOptions} [options] */
  constructor(connection, options = {}) {
    this.#connection = connection;
    this.#options = options;
    const { methods = WINDOW_METHODS } = options;
    this.#methods = new Set(methods.filter((method) => !NEVER.has(method)));
  }

  /** How many windows there are. */
  get windows() {
    return this.#windows.size;
  }

  /** What all windows watch, together. */
  get subscriptions() {
    return [...this.#windows.values()].reduce((sum, window) => sum + window.subscriptions, 0);
  }

  /**
   * Serves a window by a port. A port that it had before is closed: a page that was loaded again has
   * a new one.
   *
   * @param {unknown} key which window; in Electron its `webContents`
   * @param {PortInMain} port
   */
  attach(key, port) {
    this.detach(key);
    const { may, onRejected, textMax = 16 * 1024 * 1024 } = this.#options;
    const { subscriptionsMax = 1_000, requestsInFlightMax = 256, eventsUnderWayMax = 256 } = this.#options;
    const window = new Window(this.#connection, inMain(port, textMax), {
      may: (method, params) =>
        this.#methods.has(method) && (may === undefined || may({ method, params, window: key })),
      subscriptionsMax,
      requestsInFlightMax,
      eventsUnderWayMax,
      rejected: (reason) => onRejected?.(reason, key),
      closed: () => {
        if (this.#windows.get(key) === window) this.#windows.delete(key);
      },
    });
    this.#windows.set(key, window);
  }

  /** Serves a window no more. Nothing is cancelled by that. @param {unknown} key */
  detach(key) {
    this.#windows.get(key)?.close("the window has another port");
    this.#windows.delete(key);
  }

  /** Serves no window any more; the connection stays. */
  close() {
    for (const key of [...this.#windows.keys()]) this.detach(key);
  }
}
