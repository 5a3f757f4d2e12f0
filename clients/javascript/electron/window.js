/**
 * One window as main sees it: a peer that may ask what is allowed, and gets what it subscribed to.
 *
 * To the window this is a server as any other. Its ids are its own: subscriptions and requests of
 * other windows have no name here, so they cannot be touched (REQ-10).
 *
 * @module
 */

import { isId } from "../src/check.js";
import { ConnectionLost, PolychatError, record } from "../src/errors.js";
import { Peer } from "../src/peer.js";
import { PROTOCOL_VERSION } from "../src/session.js";
import { Relay } from "./relay.js";

/** @typedef {import("../src/peer.js").Transport} Transport */
/** @typedef {import("./relay.js").Notice} Notice */
/** @typedef {AsyncIterator<Notice, unknown> & { ready: Promise<void> }} Stream */

/**
 * What the bridge asks of main's connection: {@link import("../src/connect.js").Connection} has it.
 *
 * @typedef {object} BridgedConnection
 * @property {(method: string, params: unknown, options: { signal: AbortSignal }) => Promise<unknown>} request
 * @property {{ chat: (chatId: string) => { events: (options: { after?: string, start?: "start" | "now" }) => Stream }, events: () => Stream }} world
 * @property {import("../src/types.js").ServerInfo | undefined} server
 */

/**
 * @typedef {object} WindowOptions
 * @property {(method: string, params: Record<string, unknown>) => boolean} may
 * @property {number} subscriptionsMax
 * @property {number} requestsInFlightMax
 * @property {number} eventsUnderWayMax
 * @property {(reason: string) => void} rejected
 * @property {() => void} closed
 */

/** One window as main sees it. */
export class Window {
  #connection;
  #options;
  #peer;
  /** Events that may be under way in each subscription; 0 until the window has said it. */
  #room = 0;
  #named = 0;
  /** @type {Map<string, Relay>} */
  #relays = new Map();
  /** @type {Map<number | string, AbortController>} */
  #requests = new Map();

  /** @param {BridgedConnection} connection @param {Transport} transport @param {WindowOptions} options */
  constructor(connection, transport, options) {
    this.#connection = connection;
    this.#options = options;
    this.#peer = new Peer(transport, {
      request: (method, params, id) => this.#request(method, record(params), id),
      notification: (method, params) => this.#notified(method, record(params)),
      rejected: (reason) => options.rejected(reason),
      closed: () => this.#closed(),
    });
  }

  /** What the window watches. */
  get subscriptions() {
    return this.#relays.size;
  }

  /** Ends it for this side; the window may come again. @param {string} why */
  close(why) {
    this.#peer.lose(why);
  }

  /** @param {string} method @param {Record<string, unknown>} params @param {number | string} id */
  async #request(method, params, id) {
    if (method === "initialize") return this.#initialize(params);
    if (this.#room === 0) throw new PolychatError("not_initialized", "initialize comes first");
    if (method === "ping") return {};
    if (method === "events/subscribe") return await this.#subscribe(params);
    if (method === "events/unsubscribe") return this.#unsubscribe(params["subscriptionId"]);
    if (!this.#options.may(method, params)) throw forbidden(method);
    return await this.#forward(method, params, id);
  }

  /** @param {Record<string, unknown>} params */
  #initialize({ protocolVersion, limits }) {
    const { server } = this.#connection;
    if (server === undefined) throw new ConnectionLost("main has no connection at the moment");
    if (protocolVersion !== PROTOCOL_VERSION) throw invalid("protocolVersion", `is not ${PROTOCOL_VERSION}`);
    const { subscriptionsMax, requestsInFlightMax, eventsUnderWayMax } = this.#options;
    const room = Number(record(limits)["eventsUnderWayMax"]);
    // Giving less room than the window counts on would leave both waiting for each other.
    if (!(Number.isSafeInteger(room) && room >= 1 && room <= eventsUnderWayMax)) {
      throw invalid("limits.eventsUnderWayMax", `is not between 1 and ${eventsUnderWayMax}`);
    }
    this.#room = room;
    return { ...server, limits: { ...server.limits, subscriptionsMax, requestsInFlightMax } };
  }

  /** @param {string} method @param {Record<string, unknown>} params @param {number | string} id */
  async #forward(method, params, id) {
    const max = this.#options.requestsInFlightMax;
    if (this.#requests.size >= max) throw full("overloaded", `${max} requests are in flight already`, max);
    if (this.#requests.has(id)) throw invalid("id", "is in flight already");
    const asked = new AbortController();
    this.#requests.set(id, asked);
    try {
      return await this.#connection.request(method, params, { signal: asked.signal });
    } catch (error) {
      if (asked.signal.aborted) throw new PolychatError("cancelled", "the request was cancelled");
      // The window finds out what became of it as after any lost connection.
      if (error instanceof ConnectionLost) this.close("main has lost its connection");
      throw error;
    } finally {
      this.#requests.delete(id);
    }
  }

  /** @param {Record<string, unknown>} params */
  async #subscribe(params) {
    if (!this.#options.may("events/subscribe", params)) throw forbidden("events/subscribe");
    const max = this.#options.subscriptionsMax;
    if (this.#relays.size >= max) throw full("subscribers_full", `${max} subscriptions are there already`, max);
    const stream = this.#stream(params);
    this.#named += 1;
    const subscriptionId = `w${this.#named}`;
    const relay = this.#relay(subscriptionId, params["chatId"], stream);
    this.#relays.set(subscriptionId, relay);
    try {
      await stream.ready;
    } catch (error) {
      this.#relays.delete(subscriptionId);
      throw error;
    }
    // The answer goes out first: it is sent before the next turn of the event loop.
    setImmediate(() => relay.start());
    return { subscriptionId };
  }

  /** @param {Record<string, unknown>} params @returns {Stream} */
  #stream({ scope, chatId, start, cursor }) {
    const { world } = this.#connection;
    if (scope === "world" && chatId === undefined) return world.events();
    if (scope !== "chat") throw invalid("scope", "is neither a chat nor the world");
    if (!isId(chatId)) throw invalid("chatId", chatId === undefined ? "missing" : "is no id of a chat");
    if (start === "after" && typeof cursor === "string") return world.chat(chatId).events({ after: cursor });
    if ((start === "start" || start === "now") && cursor === undefined) {
      return world.chat(chatId).events({ start });
    }
    throw invalid("start", "is no place to begin");
  }

  /** @param {string} subscriptionId @param {unknown} chatId @param {Stream} stream */
  #relay(subscriptionId, chatId, stream) {
    const worldId = this.#connection.server?.worldId;
    const tell = (/** @type {Notice} */ notice) =>
      this.#peer.notify("event", { subscriptionId, worldId, ...notice });
    return new Relay(stream, {
      room: this.#room,
      send: (notice) => {
        // Main's connection was away and is back: so it is for the window, which knows what to do then.
        if (record(notice.event)["type"] === "feed.resumed") return this.close("main was away");
        return tell(notice);
      },
      ended: (error) => {
        this.#relays.delete(subscriptionId);
        if (error === undefined) return;
        if (error instanceof PolychatError && error.code === "connection_lost") return this.close(error.message);
        // It can be read on from the last cursor, or not: whoever subscribes again is told.
        const of = typeof chatId === "string" ? { chatId } : {};
        void tell({ event: { type: "ended", ...of, reason: "unreadable" } });
      },
    });
  }

  /** @param {unknown} subscriptionId */
  #unsubscribe(subscriptionId) {
    const relay = this.#relays.get(String(subscriptionId));
    this.#relays.delete(String(subscriptionId));
    relay?.stop();
    return {};
  }

  /** @param {string} method @param {Record<string, unknown>} params */
  #notified(method, params) {
    if (method === "events/more") {
      const events = params["events"];
      if (!Number.isSafeInteger(events) || Number(events) < 1) return this.#options.rejected("malformed");
      return this.#relays.get(String(params["subscriptionId"]))?.more(Number(events));
    }
    if (method === "$/cancelRequest") {
      return this.#requests.get(/** @type {number | string} */ (params["id"]))?.abort();
    }
    this.#options.rejected("unknown_method");
  }

  /** The window is gone: nothing is read for it any more, and what it asked for takes its course. */
  #closed() {
    for (const relay of this.#relays.values()) relay.stop();
    this.#relays.clear();
    this.#options.closed();
  }
}

/** @param {string} method */
function forbidden(method) {
  return new PolychatError("forbidden", `a window may not ask ${method.slice(0, 64)}`);
}

/** @param {string} what @param {string} why */
function invalid(what, why) {
  return new PolychatError("invalid_params", `${what}: ${why}`, { facts: { what, why } });
}

/** @param {string} code @param {string} message @param {number} max */
function full(code, message, max) {
  return new PolychatError(code, message, { retryable: true, facts: { scope: "window", max } });
}
