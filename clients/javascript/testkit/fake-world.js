/**
 * A world for tests of the store: what each chat's feed has delivered so far is in the test's hands.
 *
 * @module
 */

import { PolychatError } from "../src/errors.js";
import { Life } from "./life.js";

/** What an async iterator gives, one item after the other, as they are pushed. */
export class Pushed {
  /** @type {any[]} */
  items = [];
  /** How many were read. */
  taken = 0;
  /** @type {Promise<void>} */
  ready = Promise.resolve();
  ended = false;
  /** @type {Error | null} */
  error = null;
  /** @type {{ resolve: (result: IteratorResult<any>) => void, reject: (error: Error) => void } | null} */
  #reader = null;
  #onEnd;

  /** @param {() => void} [onEnd] */
  constructor(onEnd = () => {}) {
    this.#onEnd = onEnd;
  }

  /** @param {any} item */
  push(item) {
    this.items.push(item);
    this.#hand();
  }

  /** @param {Error | null} [error] */
  end(error = null) {
    this.error = error;
    this.ended = true;
    this.#hand();
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {Promise<IteratorResult<any>>} */
  next() {
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#hand();
    });
  }

  /** What is there goes to who waits for it; from then on, taking it back is too late. */
  #hand() {
    const reader = this.#reader;
    if (!reader || (this.items.length === 0 && !this.ended)) return;
    this.#reader = null;
    if (this.items.length > 0) {
      this.taken += 1;
      reader.resolve({ done: false, value: this.items.shift() });
    } else if (this.error) reader.reject(this.error);
    else reader.resolve({ done: true, value: undefined });
  }

  /** @returns {Promise<IteratorResult<any>>} */
  async return() {
    this.#onEnd();
    this.items = [];
    this.end();
    return { done: true, value: undefined };
  }
}

/** One chat of a fake world. */
class FakeChat {
  /** What its feed has delivered so far. */
  released = 0;
  /** @type {Set<Pushed>} */
  streams = new Set();
  /** What was asked of it. @type {unknown[][]} */
  asked = [];
  /** Answers of the prompts that are on their way. @type {{ accept: () => void, refuse: (error: Error) => void }[]} */
  sent = [];

  /** @param {string} id */
  constructor(id) {
    this.id = id;
    this.life = new Life(id);
  }

  /** Lets the feed deliver so many further events. @param {number} [count] */
  release(count = Infinity) {
    const next = this.life.notices.slice(this.released, this.released + count);
    this.released += next.length;
    for (const notice of next) this.say(notice);
  }

  /** @param {any} notice */
  say(notice) {
    for (const stream of this.streams) stream.push(notice);
  }

  /** @param {{ after?: string }} options */
  events({ after }) {
    const stream = new Pushed(() => this.streams.delete(stream));
    const all = this.life.notices.slice(0, this.released);
    const at = all.findIndex(({ cursor }) => cursor === after);
    this.asked.push(["events", after ?? "start"]);
    this.streams.add(stream);
    for (const notice of all.slice(at + 1)) stream.push(notice);
    return stream;
  }

  /** @param {unknown} content @param {{ promptId: string }} options @returns {Promise<any>} */
  prompt(content, options) {
    this.asked.push(["prompt", content, options]);
    const { promptId } = options;
    return new Promise((resolve, refuse) => {
      const accept = () => {
        const acceptedSeq = this.life.record("prompt.accepted", {
          promptId, mode: "queue", parts: [{ type: "text", text: String(content) }],
        });
        resolve({ promptId, acceptedSeq, chatId: this.id });
      };
      this.sent.push({ accept, refuse });
    });
  }

  /** @param {string} what */
  #noted = (what) => async (/** @type {unknown[]} */ ...given) => void this.asked.push([what, ...given]);
  cancel = this.#noted("cancel");
  decide = this.#noted("decide");
  edit = this.#noted("edit");
  withdraw = this.#noted("withdraw");
  revise = /** @type {any} */ (this.#noted("revise"));
}

/** A world whose chats the test plays. */
export class FakeWorld {
  /** @type {Map<string, FakeChat>} */
  chats = new Map();
  /** @type {Pushed[]} */
  lists = [];
  feed = new Pushed();
  /** How often the feed was subscribed. */
  watched = 0;

  /** @param {string} id @returns {FakeChat} */
  chat(id) {
    if (id === "") throw new PolychatError("invalid_input", "no id");
    const known = this.chats.get(id) ?? new FakeChat(id);
    this.chats.set(id, known);
    return known;
  }

  list() {
    const list = new Pushed();
    this.lists.push(list);
    return list;
  }

  events() {
    this.watched += 1;
    // Who came before has left, and a stream that was left says nothing more.
    if (this.feed.ended) this.feed = new Pushed();
    return this.feed;
  }

  /** The list names these and ends. @param {string[]} ids @param {Record<string, unknown>} [more] */
  listed(ids, more = {}) {
    const list = this.lists.at(-1);
    for (const chatId of ids) {
      list?.push({ chatId, title: `listed ${chatId}`, archived: false, updatedAt: 1, head: 1, ...more });
    }
    list?.end();
  }

  /** The feed says what a chat does. @param {string} chatId @param {string} kind @param {Record<string, unknown>} [more] */
  status(chatId, kind, more = {}) {
    const title = `said ${chatId}`;
    this.feed.push({ event: { type: "chat.status", chatId, kind, queued: 0, head: 1, title, ...more } });
  }
}

/** Frames that come when the test says so. */
export function frames() {
  /** @type {Set<() => void>} */
  const due = new Set();
  return {
    /** @param {() => void} flush */
    schedule: (flush) => {
      due.add(flush);
      return () => void due.delete(flush);
    },
    /** How many publications wait. */
    waiting: () => due.size,
    next: () => {
      for (const flush of [...due]) {
        due.delete(flush);
        flush();
      }
    },
  };
}

/** Everything that was pushed has been read. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}
