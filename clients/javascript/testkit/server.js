/**
 * A server in this process, of which a test decides every word.
 *
 * @module
 */

/** @typedef {import("../src/peer.js").Transport} Transport */
/** @typedef {import("../src/peer.js").TransportHandlers} TransportHandlers */
/** @typedef {{ id?: number | string, method?: string, params?: any, result?: any, error?: any }} Message */
/** @typedef {(params: any, connection: FakeConnection) => unknown} Handler what it throws is the error object */

/** What a handler returns to give no answer. */
export const SILENCE = Symbol("no answer");

/** A server in this process. Each connection is one call of {@link transport}. */
export class FakeServer {
  /** @type {FakeConnection[]} */
  connections = [];
  /** @type {Map<string, Handler>} */
  handlers = new Map();
  worldId = "home";
  protocolVersion = 1;
  /** Whether it can be reached. */
  up = true;
  #subscriptions = 0;

  constructor() {
    this.on("initialize", () => ({
      protocolVersion: this.protocolVersion,
      server: { name: "fake", version: "0" },
      worldId: this.worldId,
      limits: {},
    }));
    this.on("events/subscribe", () => ({ subscriptionId: `s${(this.#subscriptions += 1)}` }));
    this.on("events/unsubscribe", () => ({}));
    this.on("log/read", () => ({ type: "log", events: [], head: 0 }));
  }

  /** @param {string} method @param {Handler} handler */
  on(method, handler) {
    this.handlers.set(method, handler);
    return this;
  }

  /** The connection that came last. @returns {FakeConnection} */
  get last() {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error("nobody has connected");
    return last;
  }

  /** A client's end; bound, so that it can be passed on. @type {() => Transport} */
  transport = () => {
    if (!this.up) throw new Error("nobody listens");
    const connection = new FakeConnection(this);
    this.connections.push(connection);
    return connection.client;
  };
}

/** One connection, from the server's side. */
export class FakeConnection {
  /** What the client has sent, in order. @type {Message[]} */
  received = [];
  #server;
  /** @type {TransportHandlers | undefined} */
  #handlers;
  #open = true;
  /** Set to let the client's pipe be full until it resolves. @type {Promise<void> | undefined} */
  full;

  /** @param {FakeServer} server */
  constructor(server) {
    this.#server = server;
    /** @type {Transport} */
    this.client = {
      start: (handlers) => void (this.#handlers = handlers),
      send: (text) => {
        queueMicrotask(() => this.#receive(JSON.parse(text)));
        return this.full;
      },
      close: () => void (this.#open = false),
    };
  }

  /** Whether the client has not closed, nor been cut off. */
  get isOpen() {
    return this.#open;
  }

  /** The parameters of all requests and notifications of this method. @param {string} method */
  sent(method) {
    return this.received.filter((message) => message.method === method).map(({ params }) => params);
  }

  /** Sends a message. @param {Message} message */
  send(message) {
    this.raw(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }

  /** Sends any text. @param {string} text */
  raw(text) {
    if (this.#open) queueMicrotask(() => this.#open && this.#handlers?.message(text));
  }

  /** Says that a frame could not be read. @param {string} reason @param {string} begin */
  unreadable(reason, begin) {
    this.#handlers?.rejected({ reason, begin });
  }

  /** Sends an event of a chat. @param {string} subscriptionId @param {any} notice */
  event(subscriptionId, notice) {
    this.send({ method: "event", params: { subscriptionId, worldId: this.#server.worldId, ...notice } });
  }

  /** Breaks the connection; the client hears of it. */
  cut() {
    if (!this.#open) return;
    this.#open = false;
    this.#handlers?.closed(new Error("cut"));
  }

  /** @param {Message} message */
  async #receive(message) {
    if (!this.#open) return;
    this.received.push(message);
    const { id, method, params } = message;
    if (id === undefined || method === undefined) return;
    const handler = this.#server.handlers.get(method);
    try {
      if (handler === undefined) throw { code: -32601, message: `no ${method}` };
      const outcome = handler(params, this);
      const result = outcome instanceof Promise ? await outcome : outcome;
      if (result !== SILENCE) this.send({ id, result });
    } catch (error) {
      this.send({ id, error });
    }
  }
}

/** The error object of a refusal. @param {string} code @param {object} [facts] */
export function refusal(code, facts = {}) {
  const data = { code, retryable: false, message: code, ...facts };
  return { code: -32000, message: code, data };
}

/** A recorded event of a chat with its cursor. @param {string} chatId @param {number} seq @param {object} [fields] */
export function recorded(chatId, seq, fields = { type: "chat.closed" }) {
  return { cursor: `${seq}-0-0-0`, event: { chatId, seq, at: seq, ...fields } };
}
