/**
 * One chat of a store: what is shown of it, and what a person can do in it.
 *
 * Every function acts on this chat and on no other, whatever is selected (REQ-14).
 *
 * @module
 */

import { PolychatError } from "../errors.js";

/** @import { Attached, Chat, Content, Sending } from "../chat.js" */
/** @import { Prompt } from "../prompt.js" */
/** @import { ApprovalDecision, PromptMode } from "../types.js" */
/** @import { ChatSnapshot, Entry, Send } from "./entry.js" */
/** @import { StoreChat } from "../store.js" */

/** @typedef {Attached & Omit<Sending, "promptId" | "signal">} SendOptions */

/** Prompts of one chat that are on their way or were refused, at most. */
const SENDS_MAX = 64;

/**
 * What a handle needs of its store.
 *
 * @typedef {object} HandleOptions
 * @property {() => Entry} entry
 * @property {(entry: Entry) => void} follow
 * @property {() => void} left somebody looks at it no more
 * @property {(entry: Entry) => void} changed publishes at once: what a person does shows at once
 * @property {() => string} newPromptId
 */

/** One chat of a store. Its functions may be handed on by themselves. */
export class ChatHandle {
  #chat;
  #options;

  /** @param {StoreChat} chat @param {HandleOptions} options */
  constructor(chat, options) {
    this.#chat = chat;
    this.#options = options;
  }

  /** Its id. */
  get id() {
    return this.#chat.id;
  }

  /** What is shown of it: the same object as long as nothing changed. @returns {ChatSnapshot} */
  getSnapshot = () => this.#options.entry().cell.getSnapshot();

  /**
   * Hears of each new snapshot, and follows the chat.
   *
   * @param {() => void} listener
   * @returns {() => void} ends it; the chat is followed on, until its place is needed
   */
  subscribe = (listener) => {
    const entry = this.#options.entry();
    const end = entry.cell.subscribe(listener);
    this.#options.follow(entry);
    return () => {
      end();
      this.#options.left();
    };
  };

  /** Reads its events, also after they broke off; unless chats that are looked at have all the places. */
  follow = () => this.#options.follow(this.#options.entry());

  /** Keeps what was typed and not sent. @param {string} text */
  setDraft = (text) => {
    const entry = this.#options.entry();
    entry.draft = text;
    this.#options.changed(entry);
  };

  /**
   * Sends a message to this chat; without one, its draft, which is empty then.
   *
   * Sending in one chat neither waits for nor holds up another (REQ-7). What was refused stays in
   * `sends`, with why; so this rejects only when too many messages stand there, as `overloaded`.
   *
   * @param {Content} [content]
   * @param {SendOptions} [options]
   * @returns {Promise<Prompt | null>} the prompt once it is accepted; `null` when it was refused
   */
  send = async (content, options = {}) => {
    const entry = this.#options.entry();
    const promptId = this.#options.newPromptId();
    /** @type {Send} */
    const send = { promptId, content: content ?? entry.draft, options, state: "sending", error: null };
    if (entry.sends.length >= SENDS_MAX) {
      const facts = { scope: "sends", max: SENDS_MAX };
      throw new PolychatError("overloaded", `${SENDS_MAX} messages are unsent already`, { facts });
    }
    if (content === undefined) entry.draft = "";
    entry.sends = [...entry.sends, send];
    return await this.#submit(entry, send);
  };

  /** Sends a refused message again, under the same id: it runs once. @param {string} promptId @returns {Promise<Prompt | null>} */
  resend = async (promptId) => {
    const entry = this.#options.entry();
    const send = entry.sends.find((each) => each.promptId === promptId && each.state === "refused");
    return send ? await this.#submit(entry, send) : null;
  };

  /** Lets a refused message go. @param {string} promptId */
  dismiss = (promptId) => {
    const entry = this.#options.entry();
    entry.sends = entry.sends.filter((send) => send.promptId !== promptId || send.state !== "refused");
    this.#options.changed(entry);
  };

  /**
   * Stops the turn that is shown, and never a later one.
   *
   * @returns {Promise<boolean>} whether there was one
   */
  stop = async () => {
    const { turnId } = this.getSnapshot().busy;
    if (turnId === null) return false;
    await this.#chat.cancel(turnId);
    return true;
  };

  /** Decides a call that waits for a person. @param {string} toolCallId @param {ApprovalDecision} decision */
  decide = (toolCallId, decision) => this.#chat.decide(toolCallId, decision);

  /** Changes a prompt that waits. @param {string} promptId @param {{ content?: Content, mode?: PromptMode }} change */
  edit = (promptId, change) => this.#chat.edit(promptId, change);

  /** Takes a prompt out of the queue. @param {string} promptId */
  withdraw = (promptId) => this.#chat.withdraw(promptId);

  /**
   * Replaces a message and all after it, or runs a turn again.
   *
   * @param {Parameters<Chat["revise"]>[0]} target
   */
  revise = (target) => this.#chat.revise(target);

  /** @param {Entry} entry @param {Send} send @returns {Promise<Prompt | null>} */
  async #submit(entry, send) {
    const { promptId, content, options } = send;
    this.#replace(entry, { ...send, state: "sending", error: null });
    this.#options.follow(entry);
    this.#options.changed(entry);
    try {
      const prompt = await this.#chat.prompt(content, { ...options, promptId });
      this.#replace(entry, { ...send, state: "accepted", error: null });
      // Where its events are read they show it, if not yet then soon.
      if (!entry.followed || prompt.acceptedSeq <= entry.state.head) this.#drop(entry, promptId);
      this.#options.changed(entry);
      return prompt;
    } catch (error) {
      const why = error instanceof PolychatError ? error : new PolychatError("broken", String(error));
      this.#replace(entry, { ...send, state: "refused", error: why });
      this.#options.changed(entry);
      return null;
    }
  }

  /** @param {Entry} entry @param {Send} send */
  #replace(entry, send) {
    entry.sends = entry.sends.map((each) => (each.promptId === send.promptId ? send : each));
  }

  /** @param {Entry} entry @param {string} promptId */
  #drop(entry, promptId) {
    entry.sends = entry.sends.filter((each) => each.promptId !== promptId);
  }
}
