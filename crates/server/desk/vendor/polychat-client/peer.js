/**
 * JSON-RPC 2.0 over anything that carries whole messages: who asked, and who answers.
 *
 * Nothing here knows a method. Both sides may ask. What comes in that belongs to nobody is counted by
 * whoever owns this, and ends nothing.
 *
 * @module
 */

import { ConnectionLost, PolychatError, errorOfObject, record } from "./errors.js";

/**
 * Carries whole messages both ways.
 *
 * @typedef {object} Transport
 * @property {(handlers: TransportHandlers) => void} start called once, before anything is sent; nothing is delivered before
 * @property {(text: string) => Promise<void> | void} send a promise when the pipe is full: it resolves once there is room
 * @property {() => Promise<void> | void} close resolves once nothing of it is left
 */

/**
 * @typedef {object} TransportHandlers
 * @property {(text: string) => void} message
 * @property {(frame: { reason: string, begin: string }) => void} rejected a frame that cannot be read; the next one can
 * @property {(error?: Error) => void} closed nothing comes after it
 */

/**
 * What a peer is told of. Answers to requests of the other side are what `request` resolves to.
 *
 * @typedef {object} PeerHandlers
 * @property {(method: string, params: unknown, id: number | string) => Promise<unknown>} request rejects with the error to answer
 * @property {(method: string, params: unknown) => void} notification
 * @property {(reason: string, claimed: string) => void} rejected
 * @property {(error: ConnectionLost) => void} closed
 */

/**
 * @typedef {object} Asked
 * @property {(result: unknown) => void} resolve
 * @property {(error: unknown) => void} reject
 * @property {((result: unknown) => void) | undefined} first
 */

/** One end of a connection. */
export class Peer {
  #transport;
  #handlers;
  #id = 0;
  /** @type {Map<number, Asked>} */
  #asked = new Map();
  /** @type {ConnectionLost | undefined} */
  #lost;
  /** Bytes of a message that the other side takes; it says so when it says who it is. */
  bytesMax = Infinity;

  /** @param {Transport} transport @param {PeerHandlers} handlers */
  constructor(transport, handlers) {
    this.#transport = transport;
    this.#handlers = handlers;
    transport.start({
      message: (text) => this.#receive(text),
      rejected: ({ reason, begin }) => this.#unreadable(reason, begin),
      closed: (error) => this.lose(error?.message ?? "the other side has closed", error),
    });
  }

  /** Why it has ended, once it has. @returns {ConnectionLost | undefined} */
  get ended() {
    return this.#lost;
  }

  /** Requests of this side that have no answer yet. */
  get waiting() {
    return this.#asked.size;
  }

  /**
   * Asks, at once: requests are sent in the order of the calls.
   *
   * @param {string} method
   * @param {unknown} params
   * @param {{ signal?: AbortSignal | undefined, first?: ((result: unknown) => void) | undefined }} [options]
   *   `first` hears the result before anything that comes after it is looked at, also when the
   *   signal has ended the waiting
   * @returns {Promise<unknown>}
   */
  request(method, params, { signal, first } = {}) {
    if (this.#lost) return Promise.reject(this.#lost);
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = ++this.#id;
    /** @type {string} */
    let text;
    try {
      text = this.#textOf({ id, method, params });
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      const cancel = () => {
        void this.notify("$/cancelRequest", { id });
        reject(signal?.reason);
      };
      const end = () => signal?.removeEventListener("abort", cancel);
      signal?.addEventListener("abort", cancel, { once: true });
      this.#asked.set(id, {
        resolve: (result) => (end(), resolve(result)),
        reject: (error) => (end(), reject(error)),
        first,
      });
      void this.#send(text);
    });
  }

  /**
   * Tells.
   *
   * @param {string} method
   * @param {unknown} params
   * @returns {Promise<void>} resolves once the pipe has room for more; rejects for what is no JSON, or too large
   */
  async notify(method, params) {
    await this.#send(this.#textOf({ method, params }));
  }

  /**
   * Ends the connection for this side: who waits hears that it is lost.
   *
   * @param {string} why
   * @param {unknown} [cause]
   */
  lose(why, cause) {
    if (this.#lost) return;
    this.#lost = new ConnectionLost(why, cause);
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    void this.#transport.close();
    this.#handlers.closed(this.#lost);
    for (const { reject } of asked) reject(this.#lost);
  }

  /**
   * A message as it is sent. What the other side would not take is not sent: it might not even read whose it was.
   *
   * @param {Record<string, unknown>} message
   */
  #textOf(message) {
    const text = textOf(message);
    const max = this.bytesMax;
    // A character is three bytes at most.
    const bytes = text.length * 3 > max ? new TextEncoder().encode(text).length : 0;
    if (bytes <= max) return text;
    const facts = { what: "message", bytes, max };
    throw new PolychatError("too_large", `a message of ${bytes} bytes is not taken; at most ${max} are`, { facts });
  }

  /** @param {string} text */
  async #send(text) {
    if (this.#lost) return;
    try {
      await this.#transport.send(text);
    } catch (error) {
      this.lose("the other side cannot be written to", error);
    }
  }

  /** @param {string} text */
  #receive(text) {
    if (this.#lost) return;
    let parsed;
    try {
      parsed = JSON.parse(text);
    } catch {
      return this.#handlers.rejected("not_json", text.slice(0, 64));
    }
    const message = record(parsed);
    const { id, method, params } = message;
    if (message["jsonrpc"] !== "2.0") {
      this.#handlers.rejected("not_a_message", text.slice(0, 64));
    } else if (typeof method !== "string") {
      this.#answered(id, message, text);
    } else if (typeof id === "number" || typeof id === "string") {
      void this.#answer(method, params, id);
    } else if (id === undefined) {
      this.#handlers.notification(method, params);
    } else {
      this.#handlers.rejected("not_a_message", text.slice(0, 64));
    }
  }

  /** @param {unknown} id @param {Record<string, unknown>} message @param {string} text */
  #answered(id, message, text) {
    const asked = typeof id === "number" ? this.#asked.get(id) : undefined;
    if (asked === undefined || "result" in message === "error" in message) {
      return this.#handlers.rejected("answer_to_no_question", text.slice(0, 64));
    }
    this.#asked.delete(/** @type {number} */ (id));
    if ("error" in message) return asked.reject(errorOfObject(message["error"]));
    asked.first?.(message["result"]);
    asked.resolve(message["result"]);
  }

  /** @param {string} method @param {unknown} params @param {number | string} id */
  async #answer(method, params, id) {
    /** @type {string} */
    let text;
    try {
      const result = await this.#handlers.request(method, params, id);
      text = this.#textOf({ id, result: result ?? {} });
    } catch (error) {
      text = failureOf(id, error);
    }
    await this.#send(text);
  }

  /**
   * What is too long harms only who waits for it, as far as its beginning says who that is.
   *
   * @param {string} reason
   * @param {string} begin
   */
  #unreadable(reason, begin) {
    const found = /^\{"jsonrpc":"2\.0","id":(\d{1,15}),"(method|result|error)":/.exec(begin);
    this.#handlers.rejected(reason, begin);
    if (found === null) return;
    const id = Number(found[1]);
    if (found[2] === "method") {
      // Without an answer the other side would wait for ever.
      const error = new PolychatError("too_large", `the request cannot be read: ${reason}`);
      return void this.#send(failureOf(id, error));
    }
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    asked.reject(new PolychatError("too_large", `the answer cannot be read: ${reason}`));
  }
}

/**
 * A message as it is sent. What has no form in JSON is the mistake of who sends it, and nobody else's.
 *
 * @param {Record<string, unknown>} message
 */
function textOf(message) {
  try {
    return JSON.stringify({ jsonrpc: "2.0", ...message });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PolychatError("invalid_input", `this has no form in JSON: ${why}`, { cause });
  }
}

/** @param {number | string} id @param {unknown} error */
function failureOf(id, error) {
  try {
    return textOf({ id, error: objectOfError(error) });
  } catch (mistake) {
    // The facts of an error are its thrower's.
    return textOf({ id, error: objectOfError(mistake) });
  }
}

/** @param {unknown} error */
function objectOfError(error) {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof PolychatError)) return { code: -32000, message };
  const { code, retryable, retryAfterMs, facts } = error;
  const numbers = { unknown_method: -32601, invalid_params: -32602, cancelled: -32800 };
  const number = numbers[/** @type {keyof typeof numbers} */ (code)] ?? -32000;
  return { code: number, message, data: { ...facts, code, retryable, retryAfterMs } };
}
