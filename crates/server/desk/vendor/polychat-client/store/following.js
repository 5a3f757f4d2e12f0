/**
 * Whose events are read: at most so many chats, those longest not looked at give way.
 *
 * A chat that gives way is only read no further. Nothing is cancelled in it, the world's feed still
 * tells what it does, and looking at it again reads it anew.
 *
 * @module
 */

import { PolychatError, Rejected } from "../errors.js";
import { apply, emptyChat } from "../fold.js";

/** @import { ChatNotice } from "../fold.js" */
/** @import { Entry } from "./entry.js" */
/** @import { StoreWorld } from "../store.js" */

/** @typedef {AsyncIterator<ChatNotice, unknown> & AsyncIterable<ChatNotice>} Events */

/** What a chat does in which nothing goes on. */
const RESTING = new Set(["idle", "closed", "failed", "deleted"]);

/** Reads the events of chats into their entries. */
export class Following {
  #world;
  #max;
  #isListed;
  #changed;
  #rejected;
  #looks = 0;
  /** @type {Map<Entry, Events>} */
  #read = new Map();

  /**
   * @param {StoreWorld} world
   * @param {object} options
   * @param {number} options.chatsFollowedMax
   * @param {() => boolean} options.isListed Whether the list of all chats is known
   * @param {(entry: Entry) => void} options.changed
   * @param {(error: Rejected) => void} options.rejected
   */
  constructor(world, { chatsFollowedMax, isListed, changed, rejected }) {
    this.#world = world;
    this.#max = chatsFollowedMax;
    this.#isListed = isListed;
    this.#changed = changed;
    this.#rejected = rejected;
  }

  /** Reads it, if it is not read already; a chat goes on where it was left. @param {Entry} entry */
  follow(entry) {
    this.#looks += 1;
    entry.used = this.#looks;
    if (this.#read.has(entry) || entry.state.life === "deleted") return;
    if (this.#read.size >= this.#max) this.#makeRoom();
    this.#begin(entry);
  }

  /** Reads it though nobody looks at it, as long as that takes no place from a chat in which something goes on. @param {Entry} entry */
  watch(entry) {
    const isNew = entry.following === "no" || entry.following === "parked";
    if (!isNew || this.#read.has(entry) || entry.state.life === "deleted") return;
    if (this.#read.size >= this.#max) this.#makeRoom((other) => RESTING.has(other.cell.getSnapshot().busy.kind));
    if (this.#read.size < this.#max) this.#begin(entry);
  }

  /** Reads none of them any more. */
  close() {
    for (const entry of [...this.#read.keys()]) this.#leave(entry, "no");
  }

  /** @param {Entry} entry */
  #begin(entry) {
    if (entry.following === "broken") entry.state = emptyChat(entry.chatId);
    entry.loadedAt = entry.head > 0 || this.#isListed() ? entry.head : null;
    entry.following = "loading";
    entry.error = null;
    const { cursor } = entry.state;
    const chat = this.#world.chat(entry.chatId);
    const events = chat.events(cursor === null ? { start: "start" } : { after: cursor });
    this.#read.set(entry, events);
    entry.arrive();
    void this.#run(entry, events);
  }

  /**
   * The chat that was longest not looked at; one that somebody looks at only if there is no other.
   *
   * @param {(entry: Entry) => boolean} [mayGo] when given, only one that nobody looks at and that this lets go
   */
  #makeRoom(mayGo) {
    const others = [...this.#read.keys()].filter((entry) => !entry.selected);
    const unseen = others.filter((entry) => entry.cell.listeners === 0);
    const [first, ...rest] = mayGo ? unseen.filter(mayGo) : unseen.length > 0 ? unseen : others;
    if (!first) return;
    const oldest = rest.reduce((a, b) => (b.used < a.used ? b : a), first);
    this.#park(oldest);
  }

  /** @param {Entry} entry */
  #park(entry) {
    entry.unreadBefore = entry.cell.getSnapshot().unread;
    entry.outcomeBefore = entry.state.turns.at(-1)?.outcome.kind ?? null;
    const { title, archived, updatedAt } = entry.row;
    if (entry.summary) entry.summary = { ...entry.summary, title, archived, updatedAt };
    entry.state = emptyChat(entry.chatId);
    this.#leave(entry, "parked");
    this.#changed(entry);
  }

  /** @param {Entry} entry @param {Entry["following"]} following */
  #leave(entry, following) {
    const events = this.#read.get(entry);
    this.#read.delete(entry);
    entry.following = following;
    // Nothing would tell any more that the chat shows them.
    entry.sends = entry.sends.filter(({ state }) => state !== "accepted");
    void events?.return?.();
  }

  /** @param {Entry} entry @param {Events} events */
  async #run(entry, events) {
    try {
      for await (const notice of events) {
        if (this.#read.get(entry) !== events) return;
        entry.state = apply(entry.state, notice);
        const { event } = notice;
        if (event.type === "prompt.accepted") shown(entry, event.promptId);
        entry.arrive();
        this.#changed(entry);
      }
      if (this.#read.get(entry) === events) this.#leave(entry, entry.state.ended ? "ended" : "no");
    } catch (error) {
      if (this.#read.get(entry) !== events) return;
      if (error instanceof Rejected) this.#rejected(error);
      this.#leave(entry, "broken");
      entry.error = error instanceof PolychatError ? error : new PolychatError("broken", String(error));
    }
    this.#changed(entry);
  }
}

/** The chat's own events show a prompt, so it is on its way no more. @param {Entry} entry @param {string} promptId */
function shown(entry, promptId) {
  if (entry.sends.length === 0) return;
  entry.sends = entry.sends.filter((send) => send.promptId !== promptId);
}
