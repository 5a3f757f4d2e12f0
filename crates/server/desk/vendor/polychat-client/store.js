/**
 * A store for user interfaces, without one: all chats, what each shows, and which is selected.
 *
 * Which chat is *selected* lives here and nowhere else: the world does not know it, nothing that runs
 * depends on it (REQ-14), and selecting sends nothing but the subscription to that chat's events.
 * Switching away leaves a chat as it is: its events are read on (REQ-6).
 *
 * ```js
 * const store = createStore(connection.world);
 * store.select("plans");
 * const plans = store.chat("plans");
 * plans.subscribe(() => draw(plans.getSnapshot()));
 * await plans.send("my name is Ada");
 * ```
 *
 * With React, `subscribe` and `getSnapshot` are what `useSyncExternalStore` takes, for the store and for
 * each chat. A component hears of its own chat only; what did not change stays the same object, so
 * `memo` works on messages, calls and rows:
 *
 * ```jsx
 * function Sidebar({ store }) {
 *   const { chats } = useSyncExternalStore(store.subscribe, store.getSnapshot);
 *   return chats.map((row) => <Row key={row.chatId} row={row} onClick={() => store.select(row.chatId)} />);
 * }
 *
 * function ChatView({ store, chatId }) {
 *   const plans = store.chat(chatId);
 *   const { chat, busy, draft, sends } = useSyncExternalStore(plans.subscribe, plans.getSnapshot);
 *   return <>
 *     {chat.history.map((message) => <Message key={message.id} message={message} />)}
 *     {chat.turn?.messages.map((message) => <Message key={message.id} message={message} />)}
 *     <Composer value={draft} onChange={plans.setDraft} onSend={() => plans.send()} busy={busy} />
 *   </>;
 * }
 * ```
 *
 * What chats say is published once per frame, what the person does at once.
 *
 * @module
 */

import { PolychatError } from "./errors.js";
import { Batch, everyFrame } from "./store/batch.js";
import { Cell } from "./store/cell.js";
import { Entry } from "./store/entry.js";
import { Following } from "./store/following.js";
import { ChatHandle } from "./store/handle.js";
import { Listing } from "./store/listing.js";

/** @import { Rejected } from "./errors.js" */
/** @import { Events } from "./store/following.js" */
/** @import { Schedule } from "./store/batch.js" */
/** @import { ChatRow } from "./store/entry.js" */
/** @import { ListState } from "./store/listing.js" */
/** @import { FeedNotice, Summary } from "./types.js" */

/** @typedef {import("./store/entry.js").ChatSnapshot} ChatSnapshot */
/** @typedef {import("./store/entry.js").Send} Send */
/** @typedef {import("./fold/state.js").ChatState} ChatState */
/** @typedef {import("./fold/state.js").Message} Message */
/** @typedef {import("./fold/view.js").Busy} Busy */

/**
 * What the store asks of a chat: {@link import("./chat.js").Chat} has it.
 *
 * @typedef {object} StoreChat
 * @property {string} id
 * @property {(options: { after?: string, start?: "start" }) => Events} events
 * @property {import("./chat.js").Chat["prompt"]} prompt
 * @property {import("./chat.js").Chat["revise"]} revise
 * @property {import("./chat.js").Chat["cancel"]} cancel
 * @property {import("./chat.js").Chat["decide"]} decide
 * @property {import("./chat.js").Chat["edit"]} edit
 * @property {import("./chat.js").Chat["withdraw"]} withdraw
 */

/**
 * What the store asks of a world: {@link import("./world.js").World} has it.
 *
 * @typedef {object} StoreWorld
 * @property {(chatId: string) => StoreChat} chat
 * @property {(options: { archived: boolean, signal: AbortSignal }) => AsyncIterable<Summary>} list
 * @property {(options: { signal: AbortSignal }) => AsyncIterable<FeedNotice>} events
 */

/**
 * @typedef {object} StoreOptions
 * @property {number} [chatsFollowedMax] chats whose events are read; at least 2; default 100. Those that nobody looks at give
 *   way first, and the one longest not looked at of them; where more are looked at than that, the others say that they are `parked`
 * @property {boolean} [followBusy] whether chats that the world says are busy or new are read though nobody looks at them, as far as
 *   there are places: then the list knows their running step and how many of their answers are unread; default no
 * @property {number} [chatsKnownMax] chats in the list and beside it; default 100,000
 * @property {Schedule} [schedule] when to publish what chats say; default: once per frame
 * @property {() => string} [newPromptId] names prompts; default: random UUIDs
 * @property {(event: FeedNotice["event"]) => void} [onWorldEvent] hears of what concerns no chat's line: diagnostics
 * @property {(error: Rejected) => void} [onRejected] hears of events that did not fit their chat (REQ-13)
 */

/**
 * All chats, for whoever draws the list.
 *
 * @typedef {object} StoreSnapshot
 * @property {string | null} selected The chat that is selected.
 * @property {readonly ChatRow[]} chats In the order in which they became known.
 * @property {ListState} list Whether all chats are there.
 * @property {PolychatError | null} error Why the list goes on no more.
 * @property {boolean} truncated Whether there are more chats than may be known.
 * @property {number} rejected Events so far that did not fit their chat.
 */

/**
 * A store over a world; it begins to read the list of chats.
 *
 * @param {StoreWorld} world
 * @param {StoreOptions} [options]
 * @returns {Store}
 */
export function createStore(world, options = {}) {
  return new Store(world, options);
}

/** All chats, what each shows, and which is selected. Its functions may be handed on by themselves. */
export class Store {
  #world;
  #options;
  /** @type {Map<string, { entry: Entry, handle: ChatHandle }>} */
  #chats = new Map();
  #following;
  #listing;
  /** What changed and was not published yet: chats, and the store itself as `null`. @type {Batch<Entry | null>} */
  #batch;
  /** @type {Cell<StoreSnapshot>} */
  #cell;
  /** @type {string | null} */
  #selected = null;
  #truncated = false;
  #rejected = 0;

  /** @param {StoreWorld} world @param {StoreOptions} options */
  constructor(world, options) {
    const { chatsFollowedMax = 100, chatsKnownMax = 100_000, schedule = everyFrame } = options;
    this.#world = world;
    this.#options = { ...options, chatsKnownMax };
    this.#batch = new Batch(schedule, (changed) => this.#publish(changed));
    this.#following = new Following(world, {
      chatsFollowedMax: Math.max(2, chatsFollowedMax),
      isListed: () => this.#listing.state !== "loading",
      changed: (entry) => this.#batch.later(entry),
      rejected: (error) => this.#reject(error),
    });
    this.#listing = new Listing(world, {
      entryOf: (chatId) => this.#entry(chatId)?.entry,
      entries: () => [...this.#chats.values()].map(({ entry }) => entry),
      changed: (entry) => this.#heard(entry),
      stateChanged: () => this.#batch.later(null),
      told: (event) => options.onWorldEvent?.(event),
    });
    this.#cell = new Cell(this.#snapshot([]));
    this.#listing.open();
  }

  /** All chats and which is selected: the same object as long as nothing changed. */
  getSnapshot = () => this.#cell.getSnapshot();

  /** Hears of each new snapshot. @param {() => void} listener @returns {() => void} ends it */
  subscribe = (listener) => this.#cell.subscribe(listener);

  /**
   * One chat: the same handle each time, while the chat is known. Nothing is sent by this.
   *
   * @param {string} chatId
   * @returns {ChatHandle}
   * @throws {PolychatError} `invalid_input` for what is no id of a chat; `too_large` when more chats
   *   are known than may be
   */
  chat = (chatId) => this.#known(chatId).handle;

  /**
   * Selects a chat, or none. Its answers are read; nothing else happens anywhere.
   *
   * @param {string | null} chatId
   */
  select = (chatId) => {
    const next = chatId === null ? null : this.#known(chatId).entry;
    const before = this.#selected === null ? null : this.#known(this.#selected).entry;
    this.#selected = chatId;
    if (before && before !== next) {
      before.selected = false;
      before.seen = before.following === "live" ? before.state.head : before.head;
      this.#batch.later(before);
    }
    if (next) {
      next.selected = true;
      this.#following.follow(next);
      this.#batch.later(next);
    }
    this.#following.handOn();
    this.#batch.now(null);
  };

  /** Reads the list of chats again, and the world's feed if it broke off. */
  retry = () => this.#listing.open();

  /** Reads nothing any more. The world goes on as it was. */
  close = () => {
    this.#listing.close();
    this.#following.close();
    this.#batch.stop();
  };

  /** @param {string} chatId */
  #known(chatId) {
    const known = this.#entry(chatId);
    if (known) return known;
    const facts = { what: "chats known", max: this.#options.chatsKnownMax };
    throw new PolychatError("too_large", "more chats are known than may be", { facts });
  }

  /** @param {string} chatId */
  #entry(chatId) {
    const known = this.#chats.get(chatId);
    if (known) return known;
    if (this.#chats.size >= this.#options.chatsKnownMax) this.#forget();
    if (this.#chats.size >= this.#options.chatsKnownMax) {
      if (!this.#truncated) this.#batch.later(null);
      this.#truncated = true;
      return undefined;
    }
    const handle = new ChatHandle(this.#world.chat(chatId), {
      entry: () => this.#known(chatId).entry,
      follow: (entry) => {
        this.#following.follow(entry);
        this.#batch.later(entry);
      },
      left: () => this.#following.handOn(),
      changed: (entry) => this.#batch.now(entry),
      newPromptId: this.#options.newPromptId ?? (() => crypto.randomUUID()),
    });
    const added = { entry: new Entry(chatId), handle };
    this.#chats.set(chatId, added);
    return added;
  }

  /** Forgets the chats that nobody would miss. */
  #forget() {
    for (const [chatId, { entry }] of this.#chats) {
      if (!entry.needed) this.#chats.delete(chatId);
    }
  }

  /** The world said something of a chat. @param {Entry} entry */
  #heard(entry) {
    if (this.#options.followBusy && entry.listed && isBusyOrNew(entry)) this.#following.watch(entry);
    const isBack = entry.signal && entry.signal.kind !== "failed" && entry.signal.kind !== "stalled";
    // What could not be read on may be read on once something happens in it.
    if (entry.following === "ended" && isBack && entry.lookedAt) {
      this.#following.follow(entry);
    }
    this.#batch.later(entry);
  }

  /** @param {Rejected} error */
  #reject(error) {
    this.#rejected += 1;
    this.#options.onRejected?.(error);
    this.#batch.later(null);
  }

  /** @param {ReadonlySet<Entry | null>} changed */
  #publish(changed) {
    const before = this.#cell.getSnapshot();
    let rowsChanged = false;
    for (const entry of changed) {
      if (entry === null) continue;
      rowsChanged = entry.publish() || rowsChanged;
    }
    if (rowsChanged || changed.has(null)) {
      this.#cell.publish(this.#snapshot(rowsChanged ? this.#rows() : before.chats));
    }
  }

  #rows() {
    const entries = [...this.#chats.values()].map(({ entry }) => entry);
    return entries.filter((entry) => entry.listed).map((entry) => entry.row);
  }

  /** @param {readonly ChatRow[]} chats @returns {StoreSnapshot} */
  #snapshot(chats) {
    const { state: list, error } = this.#listing;
    const [selected, truncated, rejected] = [this.#selected, this.#truncated, this.#rejected];
    return { selected, chats, list, error, truncated, rejected };
  }
}

/** By what the world says of it; a chat that was just created it has said nothing of. @param {Entry} entry */
function isBusyOrNew({ signal, summary }) {
  return signal ? signal.kind === "running" || signal.kind === "awaiting" : summary === null;
}
