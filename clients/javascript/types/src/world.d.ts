/**
 * A world at the other end of a connection.
 *
 * @module
 */
import { Chat } from "./chat.js";
export type Waiting = import("./ask.js").Waiting;
export type Hosting = import("./hosting.js").Hosting;
export type HostOffer = import("./hosting.js").HostOffer;
export type Link = import("./link.js").Link;
export type AgentConfig = import("./types.js").AgentConfig;
export type FeedNotice = import("./types.js").FeedNotice;
export type Metadata = import("./types.js").Metadata;
export type Methods = import("./types.js").Methods;
export type Summary = import("./types.js").Summary;
export type WorldSettings = import("./types.js").WorldSettings;
export type NewChat = {
    /**
     * chosen by the world when left out
     */
    chatId?: string;
    title?: string;
    metadata?: Metadata;
    agent?: string;
    /**
     * for models and tools of this chat, never sent to a provider
     */
    context?: Metadata;
};
/** @typedef {import("./ask.js").Waiting} Waiting */
/** @typedef {import("./hosting.js").Hosting} Hosting */
/** @typedef {import("./hosting.js").HostOffer} HostOffer */
/** @typedef {import("./link.js").Link} Link */
/** @typedef {import("./types.js").AgentConfig} AgentConfig */
/** @typedef {import("./types.js").FeedNotice} FeedNotice */
/** @typedef {import("./types.js").Metadata} Metadata */
/** @typedef {import("./types.js").Methods} Methods */
/** @typedef {import("./types.js").Summary} Summary */
/** @typedef {import("./types.js").WorldSettings} WorldSettings */
/**
 * What a new chat is given.
 *
 * @typedef {object} NewChat
 * @property {string} [chatId] chosen by the world when left out
 * @property {string} [title]
 * @property {Metadata} [metadata]
 * @property {string} [agent]
 * @property {Metadata} [context] for models and tools of this chat, never sent to a provider
 */
/**
 * A world at the other end of a connection: any number of chats, none of which is the current one.
 *
 * @example
 * const chat = await world.openChat("plans");
 * for await (const summary of world.list()) console.log(summary.chatId, summary.kind);
 */
export declare class World {
    #private;
    /** @param {Link} link @param {Hosting} hosting */
    constructor(link: Link, hosting: Hosting);
    /** The id of the world. */
    get id(): string;
    /** A chat that exists; nothing is asked of the server. @param {string} chatId @returns {Chat} */
    chat(chatId: string): Chat;
    /** Creates a chat; refused as `chat_exists` when there is one. @param {NewChat} [chat] @param {Waiting} [waiting] @returns {Promise<Chat>} */
    createChat(chat?: NewChat, waiting?: Waiting): Promise<Chat>;
    /**
     * The chat of this id; it is created if there is none.
     *
     * @param {string} chatId
     * @param {Omit<NewChat, "chatId">} [chat] what it is given if it is created
     * @param {Waiting} [waiting]
     * @returns {Promise<Chat>}
     */
    openChat(chatId: string, chat?: Omit<NewChat, "chatId">, waiting?: Waiting): Promise<Chat>;
    /**
     * The chats, as the world lists them.
     *
     * @param {{ titleContains?: string, archived?: boolean, pageSize?: number } & Waiting} [options]
     * @returns {AsyncGenerator<Summary, void, undefined>}
     */
    list({ pageSize, signal, ...filter }?: {
        titleContains?: string;
        archived?: boolean;
        pageSize?: number;
    } & Waiting): AsyncGenerator<Summary, void, undefined>;
    /**
     * Messages in which these words stand; `unsupported` where the store cannot look for words.
     *
     * @param {string} text words as a person types them
     * @param {{ chatId?: string, pageSize?: number } & Waiting} [options]
     * @returns {AsyncGenerator<Methods["search"]["result"]["hits"][number], void, undefined>}
     */
    search(text: string, { pageSize, signal, ...within }?: {
        chatId?: string;
        pageSize?: number;
    } & Waiting): AsyncGenerator<Methods["search"]["result"]["hits"][number], void, undefined>;
    /** The world's settings, its agents and which of them is the default. @param {Waiting} [waiting] @returns {Promise<Methods["world/get"]["result"]>} */
    info(waiting?: Waiting): Promise<Methods["world/get"]["result"]>;
    /** The agents. @param {Waiting} [waiting] @returns {Promise<AgentConfig[]>} */
    agents(waiting?: Waiting): Promise<AgentConfig[]>;
    /** Adds or replaces an agent, as a whole. @param {AgentConfig} agent @param {Waiting} [waiting] */
    putAgent(agent: AgentConfig, waiting?: Waiting): Promise<void>;
    /** Removes an agent. @param {string} agent @param {Waiting} [waiting] */
    removeAgent(agent: string, waiting?: Waiting): Promise<void>;
    /** The settings. @param {Waiting} [waiting] @returns {Promise<WorldSettings>} */
    settings(waiting?: Waiting): Promise<WorldSettings>;
    /** Replaces the settings, as a whole. @param {WorldSettings} settings @param {Waiting} [waiting] */
    updateSettings(settings: WorldSettings, waiting?: Waiting): Promise<void>;
    /** Brings in a chat of another system, whole. @param {Methods["chat/import"]["params"]} chat @param {Waiting} [waiting] @returns {Promise<Chat>} */
    importChat(chat: Methods["chat/import"]["params"], waiting?: Waiting): Promise<Chat>;
    /**
     * What happens in the world: `chat.status`, `chat.created`, `chat.deleted`, diagnostics.
     *
     * Begins with the chats in which something goes on. When the connection was lost and is back, a
     * `feed.resumed` says that lists are to be read again; after it, every chat that was busy has
     * its status told.
     *
     * @param {Waiting} [options]
     * @returns {import("./stream.js").EventStream<FeedNotice>}
     */
    events(options?: Waiting): import("./stream.js").EventStream<FeedNotice>;
    /**
     * Brings models and tools of this program into the world, in place of those brought before. They are
     * brought again whenever the connection comes back; when it is away, they are unavailable. Until the world
     * has taken an offer, the one before is served; several at once are brought one after the other.
     *
     * @param {HostOffer} offer
     * @returns {Promise<void>} rejects when the world does not take them, for example as `name_taken`; then the one before
     *   stays
     *
     * @example
     * await world.host({ tools: [{
     *   name: "clock", description: "Tells the time", kind: "read",
     *   run: () => new Date().toISOString(),
     * }] });
     */
    host(offer: HostOffer): Promise<void>;
}
