/**
 * The models and tools of this program, brought into the world and called by it.
 *
 * The server asks with an opaque call id and what the embedder attached. Nothing of it names a chat,
 * and nothing that is answered could.
 *
 * @module
 */

import { ConnectionLost, PolychatError, record } from "./errors.js";
import { runModel, runTool } from "./calls.js";
import { invalid, only } from "./options.js";
import { Places } from "./places.js";

/** @typedef {import("./calls.js").HostModel} HostModel */
/** @typedef {import("./calls.js").HostTool} HostTool */
/** @typedef {import("./link.js").Link} Link */
/** @typedef {import("./session.js").Session} Session */

/** @typedef {{ models?: HostModel[], tools?: HostTool[] }} HostOffer what a program brings */

/** Calls that run at the same time; beyond, they are refused as `overloaded`. */
const CALLS_MAX = 1024;
/** Offers that wait until the one before is answered; further ones are refused as `overloaded`. */
const OFFERS_WAITING_MAX = 16;
/** Before a registration that was refused for now is tried again, in milliseconds. */
const PAUSE_MS = 200;

/** The models and tools of this program. */
export class Hosting {
  /** @type {Link | undefined} */
  #link;
  /** What the world took last, and what is brought again. @type {HostOffer | undefined} */
  #taken;
  /** What it is being asked to take instead. @type {HostOffer | undefined} */
  #brought;
  /** The session in which it has what it took. @type {Session | undefined} */
  #told;
  /** One registration at a time, because each replaces the one before. */
  #turns = new Places(1, OFFERS_WAITING_MAX);
  /** Offers that are under way or wait for their turn. */
  #offers = 0;
  /** @type {Session | undefined} */
  #session;
  /** @type {(() => void) | undefined} */
  #stopPause;
  /** The calls that run, by the id of their request. @type {Map<unknown, AbortController>} */
  #calls = new Map();

  /** Takes part in all sessions of this link. @param {Link} link */
  attach(link) {
    this.#link = link;
    link.join(this);
  }

  /** @param {HostOffer} offer */
  async offer(offer) {
    if (this.#link === undefined) throw new PolychatError("closed", "not connected");
    const link = this.#link;
    const spoken = registration(offer);
    const turn = this.#turns.take(undefined);
    this.#offers += 1;
    if (turn) await turn;
    this.#brought = offer;
    // What comes right behind the answer means what was offered.
    const first = () => {
      this.#taken = offer;
      this.#told = this.#session;
    };
    try {
      await link.request("host/register", spoken, { again: true, first });
    } finally {
      this.#brought = undefined;
      this.#offers -= 1;
      this.#turns.leave();
      this.#bringAgain();
    }
  }

  /**
   * @param {string} method
   * @param {unknown} params
   * @param {number | string} id
   * @param {Session} session
   * @returns {Promise<import("./calls.js").CallAnswer>}
   */
  async answer(method, params, id, session) {
    if (method === "ping") return {};
    if (method !== "tool/call" && method !== "model/stream") {
      throw new PolychatError("unknown_method", "no such method");
    }
    if (this.#calls.size >= CALLS_MAX || this.#calls.has(id)) {
      throw new PolychatError("overloaded", `${CALLS_MAX} calls run already`, { retryable: true });
    }
    const abort = new AbortController();
    this.#calls.set(id, abort);
    try {
      return await this.#run(method, record(params), session, abort);
    } finally {
      if (this.#calls.get(id) === abort) this.#calls.delete(id);
    }
  }

  /** The server does not wait any more. @param {unknown} id */
  cancel(id) {
    this.#calls.get(id)?.abort(new PolychatError("cancelled", "the call was cancelled"));
  }

  /** @param {Session} session */
  opened(session) {
    this.#session = session;
    this.#bringAgain();
  }

  lost() {
    this.#session = undefined;
    this.#stopPause?.();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.abort(new ConnectionLost("the connection was lost"));
  }

  closed() {
    this.lost();
  }

  /** Unless the world has it, or is about to be asked to take something else. */
  #bringAgain() {
    if (this.#session !== undefined && this.#isMissing(this.#session)) void this.#bring(this.#session);
  }

  /** @param {Session} session */
  #isMissing(session) {
    return this.#taken !== undefined && this.#session === session && this.#told !== session && this.#offers === 0;
  }

  /** @param {Session} session */
  async #bring(session) {
    const turn = this.#turns.take(undefined);
    if (turn) await turn;
    try {
      if (!this.#taken || !this.#isMissing(session)) return;
      await session.request("host/register", registration(this.#taken));
      this.#told = session;
    } catch (error) {
      this.#notBrought(session, error);
    } finally {
      this.#turns.leave();
    }
  }

  /** @param {Session} session @param {unknown} error */
  #notBrought(session, error) {
    const link = this.#link;
    if (this.#session !== session || link === undefined) return;
    const retryable = error instanceof PolychatError && error.retryable;
    const reason = error instanceof Error ? error.message : String(error);
    link.options.diagnose({ kind: "host", reason, error });
    // The world may not have noticed yet that the connection before has ended.
    this.#stopPause?.();
    if (retryable) this.#stopPause = link.options.clock.after(PAUSE_MS, () => this.#bringAgain());
  }

  /**
   * @param {"tool/call" | "model/stream"} method
   * @param {Record<string, unknown>} params
   * @param {Session} session
   * @param {AbortController} abort
   * @returns {Promise<import("./calls.js").CallAnswer>}
   */
  #run(method, params, session, abort) {
    const { callId, name, model, context } = params;
    if (typeof callId !== "string") throw new PolychatError("invalid_params", "a call has an id");
    const attached = /** @type {import("./types.js").CallContext} */ ({ chat: {}, prompt: {}, ...record(context) });
    const call = { callId, context: attached, session, abort };
    if (method === "tool/call") {
      const tool = this.#offered(({ tools }) => tools?.find((it) => it.name === name));
      if (tool === undefined) throw new PolychatError("unknown_tool", `there is no tool ${name} here`);
      return runTool(tool, params["arguments"], call);
    }
    const found = this.#offered(({ models }) => models?.find((it) => it.name === model));
    if (found === undefined) throw new PolychatError("unknown_model", `there is no model ${model} here`);
    return runModel(found, params, call);
  }

  /**
   * What the world took; where that has none, what it may have taken without having said so yet.
   *
   * @template T
   * @param {(offer: HostOffer) => T | undefined} find
   * @returns {T | undefined}
   */
  #offered(find) {
    return find(this.#taken ?? {}) ?? find(this.#brought ?? {});
  }
}

/** @param {HostOffer} offer */
function registration(offer) {
  only("host", offer, ["models", "tools"]);
  const { models = [], tools = [] } = offer;
  for (const { name, run } of tools) {
    if (typeof run !== "function") throw invalid("tools", `${name} has no function run`);
  }
  for (const { name, stream } of models) {
    if (typeof stream !== "function") throw invalid("models", `${name} has no function stream`);
  }
  return { models: models.map(({ name }) => ({ name })), tools: tools.map(specOf) };
}

/** @param {HostTool} tool @returns {import("./types.js").ToolSpec} */
function specOf({ run: _, name, description = "", schema = { type: "object" }, kind = "act", needsApproval = false, ...bounds }) {
  return { name, description, schema, kind, needsApproval, ...bounds };
}
