/**
 * All chats of the world and what they do: the list once, and then the world's feed.
 *
 * The list tells what is there, the feed what changes. When the connection was lost, the list is read
 * again, and what it does not have any more goes.
 *
 * @module
 */

import { PolychatError } from "../errors.js";

/** @import { Entry, Signal, Summary } from "./entry.js" */
/** @import { StoreWorld } from "../store.js" */
/** @typedef {import("../types.js").FeedNotice} FeedNotice */

/** How the list stands: `complete` once it was read to its end, `broken` when it goes on no more. @typedef {"loading" | "complete" | "broken"} ListState */

/**
 * @typedef {object} ListingOptions
 * @property {(chatId: string) => Entry | undefined} entryOf `undefined` when there are too many
 * @property {() => Iterable<Entry>} entries
 * @property {(entry: Entry) => void} changed
 * @property {() => void} stateChanged
 * @property {(event: FeedNotice["event"]) => void} told hears of what concerns no chat's line
 */

/** Reads the list of all chats and the world's feed into entries. */
export class Listing {
  /** @type {ListState} */
  state = "loading";
  /** @type {PolychatError | null} */
  error = null;
  #world;
  #options;
  /** Aborted once nothing is to be read any more. */
  #end = new AbortController();
  /** How often the list was begun to be read. */
  #reading = 0;
  /** Chats that went while the list was being read, which may still name them. @type {Set<string>} */
  #gone = new Set();
  #followed = false;

  /** @param {StoreWorld} world @param {ListingOptions} options */
  constructor(world, options) {
    this.#world = world;
    this.#options = options;
  }

  /** Begins, also again after it broke off. */
  open() {
    this.error = null;
    if (!this.#followed) void this.#follow();
    void this.#list();
  }

  /** Reads no further. */
  close() {
    this.#end.abort();
  }

  async #follow() {
    this.#followed = true;
    try {
      for await (const { event } of this.#world.events({ signal: this.#end.signal })) this.#heard(event);
      if (!this.#end.signal.aborted) this.#broken(new PolychatError("world_closed", "the feed has ended"));
    } catch (error) {
      this.#broken(error);
    } finally {
      this.#followed = false;
    }
  }

  /** @param {FeedNotice["event"]} event */
  #heard(event) {
    switch (event.type) {
      case "chat.status":
        return this.#status(event);
      case "chat.created":
        return this.#created(event.chatId);
      case "chat.deleted":
        return this.#deleted(event.chatId);
      case "feed.resumed":
        return void this.#list();
      default:
        this.#options.told(event);
    }
  }

  /** @param {Signal} status */
  #status(status) {
    const entry = this.#options.entryOf(status.chatId);
    if (!entry) return;
    entry.signal = status;
    this.#listed(entry);
  }

  /** @param {string} chatId */
  #created(chatId) {
    const entry = this.#options.entryOf(chatId);
    if (entry) this.#listed(entry);
  }

  /** @param {string} chatId */
  #deleted(chatId) {
    if (this.state === "loading") this.#gone.add(chatId);
    const entry = this.#options.entryOf(chatId);
    if (!entry) return;
    entry.listed = false;
    this.#options.changed(entry);
  }

  /** @param {Entry} entry */
  #listed(entry) {
    entry.listed = true;
    entry.reading = this.#reading;
    // What was there when it was first heard of is no news.
    entry.seen ??= entry.head;
    this.#arrive(entry);
  }

  /** How far its log goes is known now. @param {Entry} entry */
  #arrive(entry) {
    entry.loadedAt ??= entry.head;
    entry.arrive();
    this.#options.changed(entry);
  }

  async #list() {
    this.#reading += 1;
    const reading = this.#reading;
    this.#become("loading");
    this.#gone.clear();
    try {
      for await (const summary of this.#world.list({ archived: true, signal: this.#end.signal })) {
        if (reading !== this.#reading || this.#end.signal.aborted) return;
        this.#summary(summary);
      }
    } catch (error) {
      if (reading === this.#reading) this.#broken(error);
      return;
    }
    if (reading !== this.#reading) return;
    for (const entry of this.#options.entries()) {
      if (!entry.listed || entry.reading === reading) continue;
      entry.listed = false;
      this.#options.changed(entry);
    }
    this.#gone.clear();
    this.#become("complete");
  }

  /** @param {Summary} summary */
  #summary(summary) {
    if (this.#gone.has(summary.chatId)) return;
    const entry = this.#options.entryOf(summary.chatId);
    if (!entry) return;
    entry.summary = summary;
    this.#listed(entry);
  }

  /** @param {ListState} state */
  #become(state) {
    if (this.state === state || (this.error !== null && state !== "broken")) return;
    this.state = state;
    this.#options.stateChanged();
    if (state === "loading") return;
    // Of those that it did not name no more is to be known.
    for (const entry of this.#options.entries()) {
      if (entry.followed && entry.loadedAt === null) this.#arrive(entry);
    }
  }

  /** @param {unknown} error */
  #broken(error) {
    if (this.#end.signal.aborted || this.error) return;
    this.error = error instanceof PolychatError ? error : new PolychatError("broken", String(error));
    this.#become("broken");
  }
}
