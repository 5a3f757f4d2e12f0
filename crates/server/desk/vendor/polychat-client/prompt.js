/**
 * One accepted prompt, and how it ends.
 *
 * @module
 */

import { PolychatError } from "./errors.js";
import { EventStream, cursorAfter } from "./stream.js";
import { ask } from "./ask.js";

/** @typedef {import("./link.js").Link} Link */
/** @typedef {import("./types.js").ChatNotice} ChatNotice */
/** @typedef {import("./types.js").EndReason} EndReason */
/** @typedef {import("./types.js").LiveEvent} LiveEvent */
/** @typedef {import("./types.js").PromptOutcome} PromptOutcome */
/** @typedef {import("./types.js").PromptState} PromptState */
/** @typedef {import("./types.js").RecordedEvent} RecordedEvent */
/** @typedef {{ outcome: PromptOutcome, answer: string }} End */

/**
 * A prompt that was accepted: it is stored, and will end in exactly one outcome.
 *
 * @example
 * const prompt = await chat.prompt("what is my name?");
 * console.log(await prompt.answer());
 */
export class Prompt {
  #link;

  /** @param {Link} link @param {string} chatId @param {{ promptId: string, acceptedSeq: number }} accepted */
  constructor(link, chatId, { promptId, acceptedSeq }) {
    this.#link = link;
    /** The chat that took it. */
    this.chatId = chatId;
    /** Its id, as it was sent. */
    this.promptId = promptId;
    /** Its place in the log of the chat. */
    this.acceptedSeq = acceptedSeq;
  }

  /** Where it stands. @returns {Promise<PromptState>} */
  async state() {
    const { chatId, promptId } = this;
    return await ask(this.#link, "prompt/outcome", { chatId, promptId });
  }

  /**
   * Waits for its outcome, whatever else happens in this chat and in others.
   *
   * It is recorded, so this may be asked at any time, again and again. A connection that is lost
   * meanwhile does not matter. Aborting the signal cancels nothing.
   *
   * @param {{ signal?: AbortSignal | undefined }} [options]
   * @returns {Promise<PromptOutcome>}
   */
  async outcome(options = {}) {
    return (await this.#ended(options)).outcome;
  }

  /**
   * Waits for the outcome; resolves to the text of the last message that an agent wrote in the
   * prompt's turn, empty if there is none. It may have broken off, see {@link outcome}.
   *
   * @param {{ signal?: AbortSignal | undefined }} [options]
   * @returns {Promise<string>}
   */
  async answer(options = {}) {
    return (await this.#ended(options)).answer;
  }

  /** @param {{ signal?: AbortSignal | undefined }} options @returns {Promise<End>} */
  async #ended({ signal }) {
    // Everything that becomes of a prompt is recorded after it was accepted.
    const start = { after: cursorAfter(this.acceptedSeq) };
    /** @type {EventStream<ChatNotice>} */
    const events = new EventStream(this.#link, this.chatId, start, { signal });
    const follow = follower(this.promptId);
    for await (const { event } of events) {
      if (event.type === "ended") throw noOutcome(this.chatId, event.reason);
      const end = follow(event);
      if (end !== undefined) return end;
    }
    signal?.throwIfAborted();
    throw new PolychatError("closed", "the connection was closed by this side");
  }
}

/**
 * Follows a prompt through the events after its acceptance, each heard once and in order.
 *
 * @param {string} promptId
 * @returns {(event: RecordedEvent | LiveEvent) => End | undefined}
 */
function follower(promptId) {
  /** @type {number | undefined} */
  let turn;
  let answer = "";
  return (event) => {
    switch (event.type) {
      case "prompt.withdrawn":
        return event.promptId === promptId ? { outcome: { kind: "withdrawn" }, answer } : undefined;
      case "prompt.joined":
        if (event.promptId === promptId) turn = event.turnId;
        return undefined;
      case "turn.started":
        if (event.promptIds.includes(promptId)) turn = event.seq;
        return undefined;
      case "message.end":
      case "message.error":
        // One turn at a time: whatever is recorded until its end is its own.
        if (turn !== undefined) answer = event.text;
        return undefined;
      case "turn.ended":
        return event.turnId === turn ? { outcome: event.outcome, answer } : undefined;
      default:
        return undefined;
    }
  };
}

/** @param {string} chatId @param {EndReason} reason */
function noOutcome(chatId, reason) {
  const codes = {
    deleted: "chat_deleted",
    world_closed: "world_closed",
    unreadable: "store_unavailable",
    damaged: "chat_failed",
    failed: "chat_failed",
  };
  const retryable = reason === "unreadable";
  const message = `no outcome can be read: ${reason}`;
  return new PolychatError(codes[reason], message, { retryable, facts: { chatId } });
}
