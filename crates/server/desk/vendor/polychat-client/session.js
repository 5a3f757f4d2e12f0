/**
 * One life of a connection: from `initialize` until it is lost.
 *
 * It knows the methods of the connection itself, and hands each event to the stream whose
 * subscription it names. What outlives it, is the link's.
 *
 * @module
 */

import { PolychatError, Rejected, record } from "./errors.js";
import { Peer } from "./peer.js";

/** @typedef {import("./peer.js").Transport} Transport */
/** @typedef {import("./errors.js").ConnectionLost} ConnectionLost */
/** @typedef {import("./types.js").ServerInfo} ServerInfo */
/** @typedef {import("./types.js").PeerInfo} PeerInfo */

/** The version of the protocol that this client speaks. */
export const PROTOCOL_VERSION = 1;

/**
 * What hears of one subscription.
 *
 * @typedef {object} Sink
 * @property {(subscriptionId: string) => void} subscribed comes before the first event
 * @property {(params: unknown) => void} accept
 */

/**
 * What hears the requests that the server has.
 *
 * @typedef {object} HostCalls
 * @property {(method: string, params: unknown, id: number | string, session: Session) => Promise<unknown>} answer
 * @property {(id: unknown) => void} cancel
 */

/**
 * @typedef {object} SessionOptions
 * @property {PeerInfo} client
 * @property {number} eventsUnderWayMax
 * @property {string | undefined} worldId the world that it must be; any when left out
 * @property {HostCalls} calls
 * @property {(rejected: Rejected) => void} rejected
 * @property {(error: ConnectionLost) => void} lost
 */

/** One life of a connection. */
export class Session {
  #peer;
  #options;
  /** @type {Map<string, Sink>} */
  #sinks = new Map();
  /** Given up here, while events may still be under way. @type {Set<string>} */
  #leaving = new Set();
  /** @type {ServerInfo | undefined} */
  #server;

  /** @param {Transport} transport @param {SessionOptions} options */
  constructor(transport, options) {
    this.#options = options;
    this.#peer = new Peer(transport, {
      request: (method, params, id) => options.calls.answer(method, params, id, this),
      notification: (method, params) => this.#notified(method, params),
      rejected: (reason, claimed) => this.#unreadable(reason, claimed),
      closed: (error) => options.lost(error),
    });
  }

  /** What the server says of itself. @returns {ServerInfo} */
  get server() {
    if (this.#server === undefined) throw new PolychatError("not_initialized", "not connected yet");
    return this.#server;
  }

  /** Why it is lost, once it is. @returns {ConnectionLost | undefined} */
  get ended() {
    return this.#peer.ended;
  }

  /**
   * Says who is there, and hears who is.
   *
   * @returns {Promise<ServerInfo>} rejects with a {@link PolychatError} that is not retryable when
   *   this is not the server that was meant
   */
  async initialize() {
    const { client, eventsUnderWayMax, worldId } = this.#options;
    const limits = { eventsUnderWayMax };
    const params = { protocolVersion: PROTOCOL_VERSION, client, limits };
    const server = record(await this.#peer.request("initialize", params));
    if (server["protocolVersion"] !== PROTOCOL_VERSION || typeof server["worldId"] !== "string") {
      const message = `the server speaks version ${server["protocolVersion"]}`;
      throw new PolychatError("unsupported", message, { facts: { what: "protocol version" } });
    }
    if (worldId !== undefined && server["worldId"] !== worldId) {
      throw new Rejected("foreign_world", { claimed: server["worldId"].slice(0, 128) });
    }
    this.#server = /** @type {ServerInfo} */ (/** @type {unknown} */ ({ limits: {}, ...server }));
    const { frameBytesMax } = record(server["limits"]);
    if (typeof frameBytesMax === "number") this.#peer.bytesMax = frameBytesMax;
    return this.#server;
  }

  /**
   * @param {string} method
   * @param {unknown} params
   * @param {{ signal?: AbortSignal | undefined, first?: ((result: unknown) => void) | undefined }} [options]
   */
  request(method, params, options) {
    return this.#peer.request(method, params, options);
  }

  /** @param {string} method @param {unknown} params @returns {Promise<void>} */
  notify(method, params) {
    return this.#peer.notify(method, params);
  }

  /**
   * Watches: from its answer on, the sink hears each event.
   *
   * @param {Record<string, unknown>} params
   * @param {Sink} sink
   */
  async subscribe(params, sink) {
    let isNew = false;
    await this.#peer.request("events/subscribe", params, {
      first: (result) => {
        const id = record(result)["subscriptionId"];
        if (typeof id !== "string" || this.#sinks.has(id) || this.#leaving.has(id)) return;
        isNew = true;
        this.#sinks.set(id, sink);
        sink.subscribed(id);
      },
    });
    if (!isNew) throw new Rejected("subscription_used_again");
  }

  /** Watches no more. @param {string} subscriptionId */
  unsubscribe(subscriptionId) {
    if (!this.#sinks.delete(subscriptionId)) return;
    this.#leaving.add(subscriptionId);
    const gone = () => void this.#leaving.delete(subscriptionId);
    // Whatever the answer is, and also without one, nothing of it comes any more.
    this.#peer.request("events/unsubscribe", { subscriptionId }).then(gone, gone);
  }

  /** There is room for so many further events. @param {string} subscriptionId @param {number} events */
  more(subscriptionId, events) {
    void this.notify("events/more", { subscriptionId, events });
  }

  /** The stream of it has ended; there is nothing to unsubscribe. @param {string} subscriptionId */
  forget(subscriptionId) {
    this.#sinks.delete(subscriptionId);
  }

  /** @param {string} why */
  close(why) {
    this.#peer.lose(why);
  }

  /** @param {string} method @param {unknown} params */
  #notified(method, params) {
    if (method === "$/cancelRequest") return this.#options.calls.cancel(record(params)["id"]);
    // A newer server may tell more than this client knows.
    if (method !== "event") return;
    const { subscriptionId: id } = record(params);
    if (typeof id !== "string") return this.#options.rejected(new Rejected("malformed"));
    const sink = this.#sinks.get(id);
    if (sink !== undefined) sink.accept(params);
    else if (!this.#leaving.has(id)) this.#options.rejected(new Rejected("unknown_subscription"));
  }

  /** @param {string} reason @param {string} begin */
  #unreadable(reason, begin) {
    this.#options.rejected(new Rejected(reason, { claimed: begin.slice(0, 128) }));
    const id = /^\{"jsonrpc":"2\.0","method":"event","params":\{"subscriptionId":"([^"\\]*)"/.exec(begin)?.[1];
    if (id !== undefined) this.#sinks.get(id)?.accept(undefined);
  }
}
