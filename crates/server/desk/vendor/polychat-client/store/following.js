/**
 * Whose events are read: at most so many chats. Those that nobody looks at give way first, and of
 * them, and else of all but the selected one, the one longest not looked at.
 *
 * A chat that gives way is only read no further. Nothing is cancelled in it, the world's feed still
 * tells what it does, and looking at it again reads it anew. One that is still looked at says that it
 * is `parked`, and is read on once a place is no longer needed.
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
  /** Chats that had to give way though somebody looked at them. @type {Set<Entry>} */
  #wanting = new Set();

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

  /**
   * Reads it, if it is not read already; a chat goes on where it was left. One that nobody looks at
   * takes no place from one that somebody looks at.
   *
   * @param {Entry} entry
   */
  follow(entry) {
    this.#looks += 1;
    entry.used = this.#looks;
    if (this.#read.has(entry) || entry.state.life === "deleted") return;
    if (this.#makeRoom((other) => entry.lookedAt || !other.lookedAt)) this.#begin(entry);
    else if (entry.following === "no") entry.following = "parked";
  }

  /** Reads it though nobody looks at it, as long as that takes no place from a chat in which something goes on. @param {Entry} entry */
  watch(entry) {
    const isNew = entry.following === "no" || entry.following === "parked";
    if (!isNew || this.#read.has(entry) || entry.state.life === "deleted") return;
    const mayGo = (/** @type {Entry} */ other) => !other.lookedAt && RESTING.has(other.cell.getSnapshot().busy.kind);
    if (this.#makeRoom(mayGo)) this.#begin(entry);
  }

  /** Gives places that nobody looks at to chats that somebody looks at: to the one looked at last, first. */
  handOn() {
    for (const entry of [...this.#wanting].sort((a, b) => b.used - a.used)) {
      if (!entry.lookedAt) this.#wanting.delete(entry);
      else if (this.#makeRoom((other) => !other.lookedAt)) {
        this.#begin(entry);
        this.#changed(entry);
      }
    }
  }

  /** Reads none of them any more. */
  close() {
    this.#wanting.clear();
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
    this.#wanting.delete(entry);
    entry.arrive();
    void this.#run(entry, events);
  }

  /**
   * Makes room for one more, if there is none: another gives way.
   *
   * @param {(other: Entry) => boolean} mayGo
   * @returns {boolean} whether there is room
   */
  #makeRoom(mayGo) {
    if (this.#read.size < this.#max) return true;
    const others = [...this.#read.keys()].filter((entry) => !entry.selected && mayGo(entry));
    const unseen = others.filter((entry) => !entry.lookedAt);
    const [first, ...rest] = unseen.length > 0 ? unseen : others;
    if (!first) return false;
    this.#park(rest.reduce((a, b) => (b.used < a.used ? b : a), first));
    return true;
  }

  /** @param {Entry} entry */
  #park(entry) {
    entry.unreadBefore = entry.cell.getSnapshot().unread;
    const { title, archived, updatedAt, outcome } = entry.row;
    const known = { title, archived, updatedAt, ...(outcome && { lastOutcome: outcome }) };
    if (entry.summary) entry.summary = { ...entry.summary, ...known };
    entry.state = emptyChat(entry.chatId);
    this.#leave(entry, "parked");
    if (entry.lookedAt) this.#wanting.add(entry);
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
      if (this.#read.get(entry) !== events) return;
      this.#leave(entry, entry.state.ended ? "ended" : "no");
    } catch (error) {
      if (this.#read.get(entry) !== events) return;
      if (error instanceof Rejected) this.#rejected(error);
      this.#leave(entry, "broken");
      entry.error = error instanceof PolychatError ? error : new PolychatError("broken", String(error));
    }
    this.#changed(entry);
    this.handOn();
  }
}

/** The chat's own events show a prompt, so it is on its way no more. @param {Entry} entry @param {string} promptId */
function shown(entry, promptId) {
  if (entry.sends.length === 0) return;
  entry.sends = entry.sends.filter((send) => send.promptId !== promptId);
}
