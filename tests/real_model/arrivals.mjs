/**
 * What came of all chats, in the one order in which it came.
 *
 * @module
 */

/** @import { Chat, ChatNotice } from "../../clients/javascript/src/index.js" */
/** @typedef {{ chatId: string, event: ChatNotice["event"], atMs: number }} Arrival */

/** How long a state may take to come, on one thread that four chats share. */
const WAIT_MS = 120_000;

export class Arrivals {
  /** @type {Arrival[]} */
  #all = [];
  /** @type {Set<() => void>} */
  #waiting = new Set();
  /** @type {unknown} */
  #fault;

  /** Reads what happens in a chat from its beginning. @param {Chat} chat */
  follow(chat) {
    this.#read(chat).catch((error) => {
      this.#fault = error;
      this.#waiting.forEach((look) => look());
    });
  }

  /** @param {Chat} chat */
  async #read(chat) {
    for await (const { event } of chat.events()) {
      this.#all.push({ chatId: chat.id, event, atMs: performance.now() });
      this.#waiting.forEach((look) => look());
    }
  }

  /** What came of a chat. @param {string} chatId @returns {ChatNotice["event"][]} */
  of(chatId) {
    return this.#all.filter((arrival) => arrival.chatId === chatId).map(({ event }) => event);
  }

  /**
   * The pieces of text that came of a chat, each with its place among everything that came.
   *
   * @param {string} chatId
   */
  pieces(chatId) {
    return this.#all.flatMap((arrival, place) =>
      arrival.chatId === chatId && arrival.event.type === "message.chunk"
        ? [{ place, atMs: arrival.atMs, text: arrival.event.text }]
        : [],
    );
  }

  /** Waits until something is so. @param {string} what @param {() => boolean} isSo @returns {Promise<void>} */
  until(what, isSo) {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.#fault) done(reject, this.#fault);
        else if (isSo()) done(resolve);
      };
      const late = setTimeout(() => done(reject, new Error(`it did not come to this: ${what}`)), WAIT_MS);
      const done = (/** @type {(value?: any) => void} */ settle, /** @type {unknown} */ value = undefined) => {
        clearTimeout(late);
        this.#waiting.delete(look);
        settle(value);
      };
      this.#waiting.add(look);
      look();
    });
  }
}
