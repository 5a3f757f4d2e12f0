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
import { ChatHandle } from "./store/handle.js";
import type { Rejected } from "./errors.js";
import type { Events } from "./store/following.js";
import type { Schedule } from "./store/batch.js";
import type { ChatRow } from "./store/entry.js";
import type { ListState } from "./store/listing.js";
import type { FeedNotice, Summary } from "./types.js";
export type ChatSnapshot = import("./store/entry.js").ChatSnapshot;
export type Send = import("./store/entry.js").Send;
export type ChatState = import("./fold/state.js").ChatState;
export type Message = import("./fold/state.js").Message;
export type Busy = import("./fold/view.js").Busy;
export type StoreChat = {
    id: string;
    events: (options: {
        after?: string;
        start?: "start";
    }) => Events;
    prompt: import("./chat.js").Chat["prompt"];
    revise: import("./chat.js").Chat["revise"];
    cancel: import("./chat.js").Chat["cancel"];
    decide: import("./chat.js").Chat["decide"];
    edit: import("./chat.js").Chat["edit"];
    withdraw: import("./chat.js").Chat["withdraw"];
};
export type StoreWorld = {
    chat: (chatId: string) => StoreChat;
    list: (options: {
        archived: boolean;
        signal: AbortSignal;
    }) => AsyncIterable<Summary>;
    events: (options: {
        signal: AbortSignal;
    }) => AsyncIterable<FeedNotice>;
};
export type StoreOptions = {
    /**
     * chats whose events are read; at least 2; default 100. Those that nobody looks at give
     * way first, and the one longest not looked at of them; where more are looked at than that, the others say that they are `parked`
     */
    chatsFollowedMax?: number;
    /**
     * whether chats that the world says are busy or new are read though nobody looks at them, as far as
     * there are places: then the list knows their running step and how many of their answers are unread; default no
     */
    followBusy?: boolean;
    /**
     * chats in the list and beside it; default 100,000
     */
    chatsKnownMax?: number;
    /**
     * when to publish what chats say; default: once per frame
     */
    schedule?: Schedule;
    /**
     * names prompts; default: random UUIDs
     */
    newPromptId?: () => string;
    /**
     * hears of what concerns no chat's line: diagnostics
     */
    onWorldEvent?: (event: FeedNotice["event"]) => void;
    /**
     * hears of events that did not fit their chat (REQ-13)
     */
    onRejected?: (error: Rejected) => void;
};
export type StoreSnapshot = {
    /**
     * The chat that is selected.
     */
    selected: string | null;
    /**
     * In the order in which they became known.
     */
    chats: readonly ChatRow[];
    /**
     * Whether all chats are there.
     */
    list: ListState;
    /**
     * Why the list goes on no more.
     */
    error: PolychatError | null;
    /**
     * Whether there are more chats than may be known.
     */
    truncated: boolean;
    /**
     * Events so far that did not fit their chat.
     */
    rejected: number;
};
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
export declare function createStore(world: StoreWorld, options?: StoreOptions): Store;
/** All chats, what each shows, and which is selected. Its functions may be handed on by themselves. */
export declare class Store {
    #private;
    /** @param {StoreWorld} world @param {StoreOptions} options */
    constructor(world: StoreWorld, options: StoreOptions);
    /** All chats and which is selected: the same object as long as nothing changed. */
    getSnapshot: () => StoreSnapshot;
    /** Hears of each new snapshot. @param {() => void} listener @returns {() => void} ends it */
    subscribe: (listener: () => void) => () => void;
    /**
     * One chat: the same handle each time, while the chat is known. Nothing is sent by this.
     *
     * @param {string} chatId
     * @returns {ChatHandle}
     * @throws {PolychatError} `invalid_input` for what is no id of a chat; `too_large` when more chats
     *   are known than may be
     */
    chat: (chatId: string) => ChatHandle;
    /**
     * Selects a chat, or none. Its answers are read; nothing else happens anywhere.
     *
     * @param {string | null} chatId
     */
    select: (chatId: string | null) => void;
    /** Reads the list of chats again, and the world's feed if it broke off. */
    retry: () => void;
    /** Reads nothing any more. The world goes on as it was. */
    close: () => void;
}
