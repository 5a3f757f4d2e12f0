/**
 * One chat of a world.
 *
 * @module
 */

import { ask, submit } from "./ask.js";
import { invalid, only } from "./options.js";
import { PAGE, pages } from "./pages.js";
import { Prompt } from "./prompt.js";
import { EventStream } from "./stream.js";

/** @typedef {import("./ask.js").Waiting} Waiting */
/** @typedef {import("./link.js").Link} Link */
/** @typedef {import("./types.js").ApprovalDecision} ApprovalDecision */
/** @typedef {import("./types.js").ChatNotice} ChatNotice */
/** @typedef {import("./types.js").Metadata} Metadata */
/** @typedef {import("./types.js").Methods} Methods */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Part} Part */
/** @typedef {import("./types.js").PendingApproval} PendingApproval */
/** @typedef {import("./types.js").PromptMode} PromptMode */
/** @typedef {import("./types.js").RecordedEvent} RecordedEvent */
/** @typedef {import("./types.js").Snapshot} Snapshot */
/** @typedef {import("./types.js").WaitingPrompt} WaitingPrompt */

/** @typedef {string | Part[]} Content a text, or the parts of a message */

/**
 * What goes with a message.
 *
 * @typedef {object} Attached
 * @property {Metadata} [metadata] given back untouched
 * @property {string} [agent] who is to answer; the chat's agent when left out
 * @property {Metadata} [context] for models and tools of this prompt's turn, never sent to a provider
 */

/**
 * How a prompt is sent.
 *
 * @typedef {object} Sending
 * @property {PromptMode} [mode] what it asks for when the chat is busy; `queue` when left out
 * @property {string} [promptId] names it, so that it can be sent again safely; chosen when left out
 * @property {AbortSignal | undefined} [signal] waits no longer; it does not take the prompt back
 */

/**
 * One chat of a world. It holds nothing but its id: any number of these may speak of the same chat.
 *
 * @example
 * const chat = await world.openChat("plans");
 * const prompt = await chat.prompt("my name is Ada");
 * await prompt.outcome();
 */
export class Chat {
  #link;

  /** @param {Link} link @param {string} id */
  constructor(link, id) {
    this.#link = link;
    /** Its id. */
    this.id = id;
  }

  /**
   * Sends a message, also while the chat or others are busy.
   *
   * Resolves once it is accepted, which means stored; the prompt waits for its outcome.
   *
   * @param {Content} content
   * @param {Attached & Sending} [options]
   * @returns {Promise<Prompt>} rejects with a `PolychatError` when it was refused; with a
   *   `ConnectionLost` when the connection was lost and the chat has not accepted it: then it is
   *   safe to send again with the same prompt id
   */
  async prompt(content, { mode, promptId = newId(), signal, ...attached } = {}) {
    const params = this.#of({ promptId, ...(mode && { mode }), ...body(content, attached) });
    return new Prompt(this.#link, this.id, await submit(this.#link, "prompt/send", params, { signal }));
  }

  /**
   * Replaces a message of the user and all after it, or runs a turn again.
   *
   * @param {{ messageId: number, content: Content } & Attached | { turnId: number }} target
   * @param {Sending} [options]
   * @returns {Promise<Prompt>}
   */
  async revise(target, { promptId = newId(), signal } = {}) {
    const params = this.#of({ promptId, target: revision(target) });
    return new Prompt(this.#link, this.id, await submit(this.#link, "history/revise", params, { signal }));
  }

  /** Stops a turn: the one named, or whichever runs. @param {number} [turnId] @param {Waiting} [waiting] */
  async cancel(turnId, waiting) {
    await this.#ask("turn/cancel", turnId === undefined ? {} : { turnId }, waiting);
  }

  /**
   * Changes a prompt that waits.
   *
   * @param {string} promptId
   * @param {{ content?: Content, mode?: PromptMode }} change
   * @param {Waiting} [waiting]
   */
  async edit(promptId, { content, mode }, waiting) {
    const parts = content === undefined ? {} : { parts: partsOf(content) };
    await this.#ask("prompt/edit", { promptId, ...parts, ...(mode && { mode }) }, waiting);
  }

  /** Takes a prompt out of the queue. @param {string} promptId @param {Waiting} [waiting] */
  async withdraw(promptId, waiting) {
    await this.#ask("prompt/withdraw", { promptId }, waiting);
  }

  /** The prompts that wait, in the order in which they will run. @param {Waiting} [waiting] @returns {Promise<WaitingPrompt[]>} */
  async prompts(waiting) {
    return (await this.#ask("prompt/list", {}, waiting)).prompts;
  }

  /** The calls that wait for a person. @param {Waiting} [waiting] @returns {Promise<PendingApproval[]>} */
  async approvals(waiting) {
    return (await this.snapshot(waiting)).approvals ?? [];
  }

  /**
   * Decides a call that waits: `{ kind: "allowOnce" }`, `{ kind: "allowForChat" }`,
   * `{ kind: "deny", reason }`, `{ kind: "answer", data }`.
   *
   * @param {string} toolCallId
   * @param {ApprovalDecision} decision
   * @param {Waiting} [waiting]
   */
  async decide(toolCallId, decision, waiting) {
    await this.#ask("approval/decide", { toolCallId, decision }, waiting);
  }

  /** The chat as a whole; its `cursor` is where its events go on. @param {Waiting} [waiting] @returns {Promise<Snapshot>} */
  async snapshot(waiting) {
    return await this.#ask("chat/snapshot", {}, waiting);
  }

  /**
   * The messages, oldest first.
   *
   * @param {{ pageSize?: number } & Waiting} [options]
   * @returns {AsyncGenerator<Message, void, undefined>}
   */
  messages(options = {}) {
    only("messages", options, ["pageSize", "signal"]);
    const { pageSize = PAGE, signal } = options;
    return pages(async (/** @type {string | undefined} */ after) => {
      const params = { limit: pageSize, ...(after !== undefined && { after }) };
      const { messages, next } = await this.#ask("messages/list", params, { signal });
      return { entries: messages, next };
    });
  }

  /**
   * The recorded events after a place in the log, oldest first; ends at the head.
   *
   * @param {{ after?: number, pageSize?: number } & Waiting} [options]
   * @returns {AsyncGenerator<RecordedEvent, void, undefined>}
   */
  log(options = {}) {
    only("log", options, ["after", "pageSize", "signal"]);
    const { after = 0, pageSize = PAGE, signal } = options;
    return pages(async (/** @type {number | undefined} */ from = 0) => {
      const { events, head } = await this.#ask("log/read", { after: from, limit: pageSize }, { signal });
      const last = events.at(-1)?.seq;
      return { entries: events, next: last === undefined || last >= head ? undefined : last };
    }, after);
  }

  /**
   * What happens in this chat: recorded events, and live ones as they come.
   *
   * Begins with the first event of the log (the default, `start: "start"`), after a cursor (of an
   * event, or of a snapshot), or now. It subscribes at once, not when it is first read; with
   * `start: "now"`, what is asked for once its `ready` has resolved is within it.
   * Every recorded event comes exactly once and in order, also across lost connections; live events
   * may be merged. Ending the iteration unsubscribes and cancels nothing.
   *
   * @param {{ after?: string, start?: "start" | "now" } & Waiting} [options]
   * @returns {EventStream<ChatNotice>}
   *
   * @example
   * for await (const { event } of chat.events({ after: snapshot.cursor })) {
   *   if (event.type === "message.chunk") process.stdout.write(event.text);
   * }
   */
  events(options = {}) {
    only("events", options, ["after", "start", "signal"]);
    const { after, start = "start", signal } = options;
    return new EventStream(this.#link, this.id, after === undefined ? { start } : { after }, { signal });
  }

  /** Stops its turn, withdraws its queue, and takes no prompts until reopened. @param {Waiting} [waiting] */
  async close(waiting) {
    await this.#ask("chat/close", {}, waiting);
  }

  /** Opens it again, after it was closed or has failed. @param {Waiting} [waiting] */
  async reopen(waiting) {
    await this.#ask("chat/reopen", {}, waiting);
  }

  /** Deletes it; its id is never used again. @param {Waiting} [waiting] */
  async delete(waiting) {
    await this.#ask("chat/delete", {}, waiting);
  }

  /**
   * Changes what is given; the rest stays.
   *
   * @param {{ title?: string, metadata?: Metadata, archived?: boolean, agent?: string }} change
   * @param {Waiting} [waiting]
   */
  async update(change, waiting) {
    await this.#ask("chat/update", change, waiting);
  }

  /**
   * Copies it up to a message into a new chat, which goes its own way.
   *
   * @param {number} messageId the last message to take over
   * @param {{ chatId?: string, title?: string, metadata?: Metadata, agent?: string, context?: Metadata }} [chat]
   * @param {Waiting} [waiting]
   * @returns {Promise<Chat>}
   */
  async fork(messageId, chat = {}, waiting) {
    const { chatId } = await ask(this.#link, "chat/fork", { from: this.id, at: messageId, chat }, waiting);
    return new Chat(this.#link, chatId);
  }

  /**
   * @template {keyof Methods & string} M
   * @param {M} method
   * @param {Omit<Methods[M]["params"], "chatId">} params
   * @param {Waiting | undefined} waiting
   * @returns {Promise<Methods[M]["result"]>}
   */
  #ask(method, params, waiting) {
    return ask(this.#link, method, /** @type {any} */ (this.#of(params)), waiting);
  }

  /**
   * What is sent about this chat; whatever a caller has passed, it is about no other.
   *
   * @template {object} P
   * @param {P} params
   */
  #of(params) {
    if ("chatId" in params) throw invalid("chatId", `this is chat ${this.id}, and nothing else names one`);
    return { chatId: this.id, ...params };
  }
}

/** An id that nobody else chooses. */
function newId() {
  return crypto.randomUUID();
}

/** @param {Content} content @returns {Part[]} */
function partsOf(content) {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

/** @param {Content} content @param {Attached} attached */
function body(content, attached) {
  return { parts: partsOf(content), ...attached };
}

/** @param {{ messageId: number, content: Content } & Attached | { turnId: number }} target */
function revision(target) {
  if ("turnId" in target) return { kind: "turn", turnId: target.turnId };
  const { messageId, content, ...attached } = target;
  return { kind: "message", messageId, body: body(content, attached) };
}
