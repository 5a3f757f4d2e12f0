/**
 * A connection that comes back: sessions, one after the other, for those who do not want to notice.
 *
 * Streams that were open go on from their cursors, reads are asked again. A command that was under way
 * fails as {@link ConnectionLost}, because only its caller knows how to find out what became of it.
 *
 * @module
 */

import { Watched } from "./alive.js";
import { backOff } from "./clock.js";
import { ConnectionLost, PolychatError, Rejected } from "./errors.js";
import { Places } from "./places.js";
import { Session } from "./session.js";

/** @typedef {import("./clock.js").Clock} Clock */
/** @typedef {import("./peer.js").Transport} Transport */
/** @typedef {import("./session.js").HostCalls} HostCalls */
/** @typedef {import("./types.js").ClientDiagnostic} ClientDiagnostic */
/** @typedef {import("./types.js").PeerInfo} PeerInfo */
/** @typedef {import("./types.js").ServerInfo} ServerInfo */

/**
 * Where a link stands: `waiting` is the pause before the next try, `closed` is for good.
 *
 * @typedef {"connecting" | "open" | "waiting" | "closed"} LinkState
 */

/**
 * What takes part in each session.
 *
 * @typedef {object} Member
 * @property {(session: Session) => void} opened
 * @property {() => void} lost the session is gone, another may come
 * @property {(error: PolychatError) => void} closed none comes any more
 */

/**
 * @typedef {object} ReconnectOptions
 * @property {number} [pauseMsMin] before the first try, in milliseconds; default 100
 * @property {number} [pauseMsMax] between tries, in milliseconds; default 10,000
 * @property {number} [attemptsMax] tries in a row before the link closes; default: any number. A
 *   connection that held for `pauseMsMax` ends the row
 */

/**
 * @typedef {object} LinkOptions
 * @property {() => Promise<Transport> | Transport} open
 * @property {Required<ReconnectOptions> | false} reconnect
 * @property {PeerInfo} client
 * @property {string | undefined} worldId
 * @property {number} requestsInFlightMax
 * @property {number} requestsWaitingMax
 * @property {number} eventsWaitingMax
 * @property {number} connectMsMax
 * @property {number} pingMs how long nothing may come before the server is asked whether it is there; `Infinity`: any time
 * @property {Clock} clock
 * @property {() => number} random
 * @property {(diagnostic: ClientDiagnostic) => void} diagnose
 * @property {(state: LinkState) => void} changed
 * @property {HostCalls} calls
 */

/** A connection that comes back. */
export class Link {
  #options;
  #places;
  #subscribing;
  /** @type {LinkState} */
  #state = "connecting";
  /** @type {Session | undefined} */
  #session;
  /** The session that is not there yet. @type {Session | undefined} */
  #opening;
  /** @type {Transport | undefined} */
  #transport;
  /** @type {string | undefined} */
  #worldId;
  /** @type {PolychatError | undefined} */
  #closed;
  #attempts = 0;
  #rejected = 0;
  /** @type {Set<Member>} */
  #members = new Set();
  /** @type {Set<{ resolve: (session: Session) => void, reject: (error: unknown) => void }>} */
  #waiting = new Set();
  /** @type {(() => void) | undefined} */
  #stopPause;
  /** @type {(() => void) | undefined} */
  #stopHolding;

  /** @param {LinkOptions} options */
  constructor(options) {
    this.#options = options;
    this.#worldId = options.worldId;
    this.#places = new Places(options.requestsInFlightMax, options.requestsWaitingMax);
    this.#subscribing = new Places(options.requestsInFlightMax, options.requestsWaitingMax);
  }

  /** Where it stands. */
  get state() {
    return this.#state;
  }

  /** Messages rejected so far. */
  get rejectedCount() {
    return this.#rejected;
  }

  /** The world at the other end. */
  get worldId() {
    return this.#worldId ?? "";
  }

  /** The session of this moment; `undefined` while there is none. */
  get session() {
    return this.#state === "open" ? this.#session : undefined;
  }

  get options() {
    return this.#options;
  }

  /** Where streams wait for their turn to subscribe: beside the calls, which would stand behind all of them. */
  get subscribing() {
    return this.#subscribing;
  }

  /**
   * Connects for the first time. What fails now is told and not tried again.
   *
   * @returns {Promise<ServerInfo>}
   */
  async start() {
    const opened = this.#opened(undefined);
    this.#connect().catch((error) => this.#end(asPolychatError(error)));
    return (await opened).server;
  }

  /**
   * Asks the world.
   *
   * While the connection is away it waits for it; use the signal to wait no longer.
   *
   * @param {string} method
   * @param {unknown} params
   * @param {{ signal?: AbortSignal | undefined, again?: boolean, first?: (result: unknown) => void }} [options]
   *   `again`: when the connection is lost before the answer, the same is asked in the next session;
   *   `first` hears the result before anything that comes after it is looked at
   * @returns {Promise<unknown>}
   */
  async request(method, params, { signal, again = false, first } = {}) {
    signal?.throwIfAborted();
    const waiting = this.#places.take(signal);
    if (waiting) await waiting;
    try {
      for (;;) {
        const session = this.session ?? (await this.#opened(signal));
        try {
          return await session.request(method, params, { signal, first });
        } catch (error) {
          if (!again || !(error instanceof ConnectionLost) || this.#closed) throw error;
        }
      }
    } finally {
      this.#places.leave();
    }
  }

  /**
   * Takes part in this session, if there is one, and in all that follow.
   *
   * @param {Member} member
   */
  join(member) {
    if (this.#closed) return member.closed(this.#closed);
    this.#members.add(member);
    if (this.session) member.opened(this.session);
  }

  /** Takes part no longer. @param {Member} member */
  leave(member) {
    this.#members.delete(member);
  }

  /** Counts and surfaces what was rejected. @param {Rejected} error */
  reject(error) {
    this.#rejected += 1;
    const { reason, claimed, chatId } = /** @type {Record<string, string>} */ (error.facts);
    /** @type {ClientDiagnostic} */
    const diagnostic = { kind: "rejected", reason: String(reason) };
    if (claimed !== undefined) diagnostic.claimed = claimed;
    if (chatId !== undefined) diagnostic.chatId = chatId;
    this.#options.diagnose(diagnostic);
  }

  /**
   * Ends it for good. Nothing is cancelled by that: turns go on where the world goes on.
   *
   * @returns {Promise<void>} resolves once nothing of the connection is left
   */
  async close() {
    const transport = this.#transport;
    this.#end(new PolychatError("closed", "the connection was closed by this side"));
    await transport?.close();
  }

  /** @returns {Promise<Session>} */
  async #connect() {
    this.#become("connecting");
    const { late, stop } = this.#deadline();
    try {
      return await this.#greeted(late);
    } finally {
      stop();
    }
  }

  /** Rejects once connecting has taken too long. */
  #deadline() {
    const { connectMsMax, clock } = this.#options;
    let stop = () => {};
    /** @type {Promise<never>} */
    const late = new Promise((_, reject) => {
      if (connectMsMax === Infinity) return;
      const why = "does it serve a world, in the same framing?";
      const message = `no answer to initialize within ${connectMsMax} ms: ${why}`;
      stop = this.#stopPause = clock.after(connectMsMax, () => reject(new ConnectionLost(message)));
    });
    late.catch(() => {});
    return { late, stop };
  }

  /** @param {Promise<never>} late @returns {Promise<Session>} */
  async #greeted(late) {
    const opening = Promise.resolve(this.#options.open());
    const transport = await Promise.race([opening, late]).catch((error) => {
      // What opens too late is not wanted any more.
      void opening.then((unwanted) => unwanted.close(), () => {});
      throw error;
    });
    if (this.#closed) {
      await transport.close();
      throw this.#closed;
    }
    this.#transport = transport;
    const { pingMs: idleMs, clock } = this.#options;
    const watched = idleMs === Infinity ? undefined : new Watched(transport, { idleMs, clock });
    const session = new Session(watched ?? transport, {
      client: this.#options.client,
      eventsUnderWayMax: this.#options.eventsWaitingMax,
      worldId: this.#worldId,
      calls: this.#options.calls,
      rejected: (rejected) => this.reject(rejected),
      lost: (error) => this.#lost(session, error),
    });
    this.#opening = session;
    try {
      this.#worldId = (await Promise.race([session.initialize(), late])).worldId;
      // What ended in this very moment was nobody's session yet, and nobody has heard of it.
      const ended = this.#closed ?? session.ended;
      if (ended) throw ended;
    } catch (error) {
      session.close("it is not the server that was meant");
      throw this.#closed ?? error;
    } finally {
      this.#opening = undefined;
    }
    this.#session = session;
    // The answer is heard like everything else; without one there is nothing to do but wait.
    watched?.watch(() => void session.request("ping", {}).catch(() => {}));
    this.#holds();
    this.#become("open");
    for (const member of [...this.#members]) member.opened(session);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { resolve } of waiting) resolve(session);
    return session;
  }

  /** A connection that held for a while was a good one; the next loss begins with the short pause. */
  #holds() {
    const { reconnect, clock } = this.#options;
    if (reconnect && this.#attempts > 0) {
      this.#stopHolding = clock.after(reconnect.pauseMsMax, () => (this.#attempts = 0));
    }
  }

  /** @param {Session} session @param {ConnectionLost} error */
  #lost(session, error) {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#stopHolding?.();
    for (const member of [...this.#members]) member.lost();
    this.#options.diagnose({ kind: "connection", reason: error.message });
    this.#pause(error);
  }

  /** @param {PolychatError} error why there is no connection */
  #pause(error) {
    const { reconnect, clock, random } = this.#options;
    if (this.#closed) return;
    if (!reconnect || this.#attempts >= reconnect.attemptsMax) return this.#end(error);
    this.#become("waiting");
    const pause = backOff(this.#attempts, reconnect, random);
    this.#attempts += 1;
    this.#stopPause = clock.after(pause, () => void this.#again());
  }

  async #again() {
    try {
      await this.#connect();
    } catch (cause) {
      const error = asPolychatError(cause);
      // Another world, or another protocol, is nothing that waiting mends.
      if (error.retryable) this.#pause(error);
      else this.#end(error);
    }
  }

  /** @param {AbortSignal | undefined} signal @returns {Promise<Session>} */
  #opened(signal) {
    if (this.#closed) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      const end = () => signal?.removeEventListener("abort", give);
      const waiter = {
        resolve: (/** @type {Session} */ session) => (end(), resolve(session)),
        reject: (/** @type {unknown} */ error) => (end(), reject(error)),
      };
      const give = () => {
        this.#waiting.delete(waiter);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", give, { once: true });
      this.#waiting.add(waiter);
    });
  }

  /** @param {PolychatError} error */
  #end(error) {
    if (this.#closed) return;
    this.#closed = error;
    this.#stopPause?.();
    this.#stopHolding?.();
    const session = this.#session ?? this.#opening;
    this.#session = undefined;
    session?.close(error.message);
    this.#become("closed");
    const [members, waiting] = [[...this.#members], [...this.#waiting]];
    this.#members.clear();
    this.#waiting.clear();
    for (const member of members) member.closed(error);
    for (const { reject } of waiting) reject(error);
  }

  /** @param {LinkState} state */
  #become(state) {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.changed(state);
  }
}

/** @param {unknown} error */
function asPolychatError(error) {
  if (error instanceof PolychatError) return error;
  return new ConnectionLost(error instanceof Error ? error.message : String(error), error);
}
