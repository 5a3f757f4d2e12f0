/**
 * The events of a chat or of the world, as an async iterator that outlives connections.
 *
 * A reader that does not read holds a cursor at the server and a bounded number of events here: the
 * server sends only as many as there is room for. When the connection is lost, what waits here is
 * read first; then the stream goes on after the last event that it has handed out. So every recorded
 * event comes exactly once, and nothing grows however often the connection is lost.
 *
 * @module
 */

import { checkNotice } from "./check.js";
import { ConnectionLost, PolychatError, Rejected, record } from "./errors.js";

/** @typedef {import("./link.js").Link} Link */
/** @typedef {import("./session.js").Session} Session */

/**
 * Where a stream begins.
 *
 * @typedef {{ start: "start" | "now" } | { after: string }} StartAt
 */

/**
 * What is particular about a stream.
 *
 * @template Notice
 * @typedef {object} Hooks
 * @property {(notice: Notice) => void} [heard] before a reader gets it
 * @property {() => void} [resumed] subscribed again, after a connection was lost
 */

/** Before a refused subscription is tried again, in milliseconds, unless the refusal says more. */
const PAUSE_MS = 100;
/** How often a stream that was never subscribed asks, where the server says when to ask again. */
const TRIES_MAX = 100;

/**
 * A cursor after a recorded event. Nothing else here knows what is in a cursor.
 *
 * @param {number} seq
 */
export function cursorAfter(seq) {
  return `${seq}-0-0-0`;
}

/**
 * The events of a chat or of the world.
 *
 * @template Notice
 * @implements {AsyncIterableIterator<Notice, undefined, undefined>}
 */
export class EventStream {
  #link;
  #chatId;
  #start;
  #hooks;
  #roomMax;
  /** @type {string | undefined} */
  #cursor;
  /** @type {Session | undefined} */
  #session;
  /** @type {string | undefined} */
  #subscriptionId;
  /** Whether it was ever subscribed. */
  #begun = false;
  /** How often it was refused for now before that. */
  #refusals = 0;
  /** Whether it is to subscribe once what waits has been read. */
  #due = false;
  /** Aborted when it ends, so that it waits no more for its turn to subscribe. @type {AbortController | undefined} */
  #turn;
  /** How many further events may come, and how many were read since the server was told. */
  #room = 0;
  #taken = 0;
  /** @type {{ notice: Notice, sent: boolean }[]} */
  #queue = [];
  /** @type {{ resolve: (result: IteratorResult<Notice, undefined>) => void, reject: (error: unknown) => void }[]} */
  #readers = [];
  /** How it ends, once what waits has been read. @type {{ error?: unknown } | undefined} */
  #end;
  /** @type {(() => void) | undefined} */
  #stopPause;
  #ready = deferred();
  #signal;
  #leave = () => void this.return();

  /**
   * @param {Link} link
   * @param {string | undefined} chatId the chat; `undefined` for the world
   * @param {StartAt} start
   * @param {{ signal?: AbortSignal | undefined, hooks?: Hooks<Notice> }} [options]
   */
  constructor(link, chatId, start, { signal, hooks = {} } = {}) {
    this.#link = link;
    this.#chatId = chatId;
    this.#start = start;
    this.#hooks = hooks;
    this.#roomMax = link.options.eventsWaitingMax;
    this.#cursor = "after" in start ? start.after : undefined;
    // Who does not wait for it hears of a refusal when reading.
    this.#ready.promise.catch(() => {});
    this.#signal = signal;
    signal?.addEventListener("abort", this.#leave, { once: true });
    if (signal?.aborted) void this.return();
    else link.join(this);
  }

  /** Resolves once it is subscribed; rejects when that is refused. @returns {Promise<void>} */
  get ready() {
    return this.#ready.promise;
  }

  /** The place after the last event that was handed out. @returns {string | undefined} */
  get cursor() {
    return this.#cursor;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {Promise<IteratorResult<Notice, undefined>>} */
  next() {
    const item = this.#queue.shift();
    if (item !== undefined) {
      this.#passOn(item);
      return Promise.resolve({ done: false, value: item.notice });
    }
    if (this.#end) return this.#last(this.#end);
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  /**
   * Reads no further and unsubscribes. It cancels nothing.
   *
   * @returns {Promise<IteratorResult<Notice, undefined>>}
   */
  return() {
    this.#queue = [];
    this.#finish({});
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Hands out something that the server did not send. @param {Notice} notice */
  add(notice) {
    if (!this.#end) this.#hand({ notice, sent: false });
  }

  /** @internal @param {Session} session */
  opened(session) {
    this.#session = session;
    this.#due = true;
    this.#subscribeIfRead();
  }

  /** @internal */
  lost() {
    this.#session = undefined;
    this.#subscriptionId = undefined;
  }

  /** @internal @param {PolychatError} error */
  closed(error) {
    this.lost();
    this.#finish(error.code === "closed" ? {} : { error });
  }

  /** @internal @param {string} subscriptionId */
  subscribed(subscriptionId) {
    if (this.#end) return this.#session?.unsubscribe(subscriptionId);
    const again = this.#begun;
    this.#subscriptionId = subscriptionId;
    this.#begun = true;
    this.#room = this.#roomMax;
    this.#taken = 0;
    this.#ready.resolve();
    if (again) this.#hooks.resumed?.();
  }

  /** @internal @param {unknown} params */
  accept(params) {
    if (this.#end) return;
    try {
      if (this.#room === 0) throw new Rejected("more_events_than_room");
      this.#room -= 1;
      const notice = checkNotice({ worldId: this.#link.worldId, chatId: this.#chatId }, params);
      if (notice.event.type === "ended") this.#ended(notice);
      else this.#heard(/** @type {Notice} */ (notice));
    } catch (error) {
      if (error instanceof Rejected) this.#link.reject(error);
      this.#finish({ error });
    }
  }

  /** @param {Notice} notice */
  #heard(notice) {
    this.#hooks.heard?.(notice);
    this.#hand({ notice, sent: true });
  }

  /** @param {{ event: Record<string, unknown> }} notice */
  #ended(notice) {
    if (this.#subscriptionId !== undefined) this.#session?.forget(this.#subscriptionId);
    this.#subscriptionId = undefined;
    // A server that goes down in order says so on each stream; where it may come back, it goes on.
    if (notice.event["reason"] === "world_closed" && this.#link.options.reconnect) return;
    this.#hand({ notice: /** @type {Notice} */ (notice), sent: true });
    this.#finish({});
  }

  /** @param {{ notice: Notice, sent: boolean }} item */
  #hand(item) {
    const reader = this.#readers.shift();
    if (reader === undefined) return void this.#queue.push(item);
    this.#passOn(item);
    reader.resolve({ done: false, value: item.notice });
  }

  /** @param {{ notice: Notice, sent: boolean }} item */
  #passOn({ notice, sent }) {
    const { cursor } = /** @type {{ cursor?: string }} */ (notice);
    if (cursor !== undefined) this.#cursor = cursor;
    if (sent && this.#subscriptionId !== undefined) this.#grant(this.#subscriptionId);
    this.#subscribeIfRead();
  }

  /** Half of the room at a time, so that the server need not stop and little is said. @param {string} subscriptionId */
  #grant(subscriptionId) {
    this.#taken += 1;
    if (this.#taken < this.#roomMax / 2) return;
    this.#session?.more(subscriptionId, this.#taken);
    this.#room += this.#taken;
    this.#taken = 0;
  }

  #subscribeIfRead() {
    if (!this.#due || this.#queue.length > 0 || this.#end || !this.#session) return;
    this.#due = false;
    void this.#subscribe(this.#session);
  }

  /** @param {Session} session */
  async #subscribe(session) {
    const { subscribing } = this.#link;
    this.#turn = new AbortController();
    try {
      const waiting = subscribing.take(this.#turn.signal);
      if (waiting) await waiting;
      try {
        await this.#ask(session);
      } finally {
        subscribing.leave();
      }
    } catch (error) {
      this.#refused(session, error);
    }
  }

  /** @param {Session} session */
  async #ask(session) {
    const params = this.#params();
    if (params["start"] === "now" && this.#chatId !== undefined) await this.#markHead(session);
    await session.subscribe(params, this);
  }

  /** @returns {Record<string, unknown>} */
  #params() {
    const scope = this.#chatId === undefined ? { scope: "world" } : { scope: "chat", chatId: this.#chatId };
    if (this.#cursor !== undefined) return { ...scope, start: "after", cursor: this.#cursor };
    return { ...scope, start: "start" in this.#start ? this.#start.start : "start" };
  }

  /**
   * Notes where "now" is, in case that the connection is lost before the first event tells.
   *
   * @param {Session} session
   */
  async #markHead(session) {
    const reply = record(await session.request("log/read", { chatId: this.#chatId, after: 0, limit: 1 }));
    this.#cursor = cursorAfter(Number(reply["head"]));
  }

  /** @param {Session} session @param {unknown} error */
  #refused(session, error) {
    if (this.#end || this.#session !== session || error instanceof ConnectionLost) return;
    if (!(error instanceof PolychatError) || !this.#mayAskAgain(error)) {
      if (error instanceof Rejected) this.#link.reject(error);
      return this.#finish(this.#endOf(error));
    }
    this.#stopPause = this.#link.options.clock.after(error.retryAfterMs ?? PAUSE_MS, () => {
      if (this.#session !== session) return;
      this.#due = true;
      this.#subscribeIfRead();
    });
  }

  /** Who was subscribed before stays; who begins is told of what only its caller can mend. @param {PolychatError} error */
  #mayAskAgain({ retryable, retryAfterMs }) {
    if (this.#begun) return retryable;
    this.#refusals += 1;
    return retryable && retryAfterMs !== undefined && this.#refusals < TRIES_MAX;
  }

  /** A chat that was deleted while the connection was away ends like one that is deleted now. @param {unknown} error */
  #endOf(error) {
    if (!this.#begun || !(error instanceof PolychatError) || error.code !== "chat_deleted") return { error };
    const event = { type: "ended", chatId: this.#chatId, reason: "deleted" };
    this.#hand({ notice: /** @type {Notice} */ (/** @type {unknown} */ ({ event })), sent: false });
    return {};
  }

  /** @param {{ error?: unknown }} end */
  #finish(end) {
    if (this.#end) return;
    this.#end = end;
    this.#stopPause?.();
    this.#turn?.abort();
    this.#signal?.removeEventListener("abort", this.#leave);
    this.#link.leave(this);
    if (this.#subscriptionId !== undefined) this.#session?.unsubscribe(this.#subscriptionId);
    this.#subscriptionId = undefined;
    this.#ready.reject(end.error ?? new PolychatError("closed", "the stream has ended"));
    for (const { resolve, reject } of this.#readers.splice(0)) {
      void this.#last(end).then(resolve, reject);
    }
  }

  /** The error is told once, as generators do. @param {{ error?: unknown }} end @returns {Promise<IteratorResult<Notice, undefined>>} */
  #last(end) {
    const { error } = end;
    delete end.error;
    return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
  }
}

/** A promise and what settles it. */
function deferred() {
  /** @type {() => void} */
  let resolve = () => {};
  /** @type {(error: unknown) => void} */
  let reject = () => {};
  /** @type {Promise<void>} */
  const promise = new Promise((...settle) => ([resolve, reject] = settle));
  return { promise, resolve, reject };
}
