/**
 * One call of a tool or a model of this program, from the server's question to its answer.
 *
 * @module
 */

import { ModelError, PolychatError, record } from "./errors.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./types.js").Part} Part */
/** @typedef {import("./types.js").CallContext} CallContext */
/** @typedef {import("./types.js").FinishReason} FinishReason */
/** @typedef {import("./types.js").ModelStreamParams} ModelStreamParams */
/** @typedef {import("./types.js").ToolCall} ToolCall */
/** @typedef {import("./types.js").ToolSpec} ToolSpec */
/** @typedef {import("./types.js").Usage} Usage */

/**
 * What a tool is given beside its arguments.
 *
 * @typedef {object} ToolRun
 * @property {CallContext} context what the embedder attached; read-only
 * @property {(text: string) => Promise<void>} output shows text while it runs; resolves once there is
 *   room for more, and a call that does not wait for that fails at a bound
 * @property {(progress: unknown) => Promise<void>} progress shows how far it is; a newer one supersedes one that waits
 * @property {AbortSignal} signal aborted when nobody waits for the result any more
 */

/**
 * A tool of this program. What it throws is what the model hears.
 *
 * @typedef {Partial<Omit<ToolSpec, "name">> & {
 *   name: string,
 *   run: (args: any, call: ToolRun) => Promise<ToolAnswer> | ToolAnswer,
 * }} HostTool
 */

/** @typedef {string | Part[] | { parts: Part[] }} ToolAnswer a text, or parts */

/**
 * What a model says, piece by piece; a string is text.
 *
 * @typedef {string
 *   | { type: "text" | "reasoning", text: string }
 *   | { type: "toolCall", call: ToolCall }
 *   | { type: "opaque", part: Part }
 *   | { type: "usage", usage: Usage }
 *   | { type: "finish", finish: FinishReason }} ModelDelta
 */

/** @typedef {Omit<ModelStreamParams, "callId" | "context">} ModelRequest what a model is asked */

/**
 * A model of this program. It throws a {@link ModelError} to say more than that it broke off.
 *
 * @typedef {object} HostModel
 * @property {string} name by which agents find it
 * @property {(request: ModelRequest, call: { context: CallContext, signal: AbortSignal }) => AsyncIterable<ModelDelta>} stream
 */

/** @typedef {{ callId: string, context: CallContext, session: Session, abort: AbortController }} Call */

/** @typedef {{ parts?: Part[], finish?: unknown, usage?: unknown }} CallAnswer what the server is answered */

/** Characters of output that may wait for the pipe, per call. */
const OUTPUT_WAITING_MAX = 1024 * 1024;

/**
 * Runs a tool; resolves to the answer for the server.
 *
 * @param {HostTool} tool
 * @param {unknown} args
 * @param {Call} call
 * @returns {Promise<CallAnswer>}
 */
export async function runTool(tool, args, { callId, context, session, abort }) {
  const live = new LiveOutput(session, callId, abort);
  const { signal } = abort;
  const output = (/** @type {string} */ text) => live.output(text);
  const progress = (/** @type {unknown} */ value) => live.progress(value);
  try {
    const running = Promise.resolve(tool.run(args, { context, output, progress, signal }));
    const answer = await unlessAborted(running, signal);
    await unlessAborted(live.written(), signal);
    return { parts: partsOf(answer) };
  } finally {
    live.end();
  }
}

/**
 * Runs a model; resolves to the answer for the server once it has said all.
 *
 * @param {HostModel} model
 * @param {Record<string, unknown>} params
 * @param {Call} call
 * @returns {Promise<CallAnswer>}
 */
export async function runModel(model, params, { callId, context, session, abort }) {
  const { signal } = abort;
  const { callId: _, context: __, ...rest } = params;
  const request = /** @type {ModelRequest} */ (/** @type {unknown} */ (rest));
  const deltas = model.stream(request, { context, signal })[Symbol.asyncIterator]();
  let done = false;
  /** @type {string | undefined} */
  let finish;
  try {
    for (;;) {
      const next = await unlessAborted(deltas.next(), signal);
      done = next.done === true;
      if (done) return endOf(finish, next.value);
      const delta = typeof next.value === "string" ? { type: "text", text: next.value } : next.value;
      if (delta.type === "finish") finish = delta.finish;
      // Only as fast as the pipe takes it.
      else await unlessAborted(session.notify("model/delta", { callId, delta }), signal);
    }
  } catch (error) {
    throw error instanceof PolychatError ? error : new ModelError("unavailable", messageOf(error));
  } finally {
    // A model that hangs does not come to its end; its signal is all it hears.
    if (!done) deltas.return?.().then(undefined, () => {});
  }
}

/** What a tool shows while it runs. What waits for the pipe is merged, and bounded. */
class LiveOutput {
  #session;
  #callId;
  #abort;
  #text = "";
  #progress = /** @type {unknown} */ (undefined);
  #ended = false;
  /** @type {Promise<void> | undefined} */
  #writing;

  /** @param {Session} session @param {string} callId @param {AbortController} abort */
  constructor(session, callId, abort) {
    this.#session = session;
    this.#callId = callId;
    this.#abort = abort;
    abort.signal.addEventListener("abort", () => this.end(), { once: true });
  }

  /** @param {string} text */
  async output(text) {
    if (this.#ended) return;
    if (this.#text.length + text.length > OUTPUT_WAITING_MAX) {
      const facts = { what: "output that waits", max: OUTPUT_WAITING_MAX };
      // Who does not wait for this promise would not see it fail either.
      return this.#abort.abort(new PolychatError("too_large", "output() was not waited for", { facts }));
    }
    this.#text += text;
    await this.written();
  }

  /** @param {unknown} progress */
  async progress(progress) {
    if (this.#ended) return;
    this.#progress = progress;
    await this.written();
  }

  /** Resolves once all that was given is written. */
  async written() {
    if (this.#waits) await (this.#writing ??= this.#write());
  }

  /** Whether anything that was given is not written yet. */
  get #waits() {
    return this.#writing !== undefined || (!this.#ended && (this.#text !== "" || this.#progress !== undefined));
  }

  end() {
    this.#ended = true;
  }

  async #write() {
    const callId = this.#callId;
    try {
      while (!this.#ended && (this.#text !== "" || this.#progress !== undefined)) {
        const [text, progress] = [this.#text, this.#progress];
        [this.#text, this.#progress] = ["", undefined];
        if (text !== "") await this.#session.notify("tool/output", { callId, text });
        if (progress !== undefined) await this.#session.notify("tool/progress", { callId, progress });
      }
    } catch (error) {
      // Who does not wait for the promise would not see it fail.
      this.#abort.abort(error);
    } finally {
      // In the moment in which nothing waits: what comes a moment later is written anew.
      this.#writing = undefined;
    }
  }
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
function unlessAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** @param {ToolAnswer} answer @returns {Part[]} */
function partsOf(answer) {
  if (typeof answer === "string") return [{ type: "text", text: answer }];
  const parts = Array.isArray(answer) ? answer : answer?.parts;
  if (!Array.isArray(parts)) throw new PolychatError("invalid_response", "a tool answers a text, or parts");
  return parts;
}

/** @param {string | undefined} finish @param {unknown} returned @returns {CallAnswer} */
function endOf(finish, returned) {
  const { finish: last = finish, usage } = record(returned);
  return { ...(last !== undefined && { finish: last }), ...(usage !== undefined && { usage }) };
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
