/**
 * A world at the other end of a connection.
 *
 * @module
 */

import { ask } from "./ask.js";
import { isId } from "./check.js";
import { Chat } from "./chat.js";
import { PolychatError } from "./errors.js";
import { worldFeed } from "./feed.js";
import { PAGE, pages } from "./pages.js";

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
export class World {
  #link;
  #hosting;

  /** @param {Link} link @param {Hosting} hosting */
  constructor(link, hosting) {
    this.#link = link;
    this.#hosting = hosting;
  }

  /** The id of the world. */
  get id() {
    return this.#link.worldId;
  }

  /** A chat that exists; nothing is asked of the server. @param {string} chatId @returns {Chat} */
  chat(chatId) {
    if (!isId(chatId)) {
      const facts = { what: "chatId", why: "1 to 128 bytes, no control characters" };
      throw new PolychatError("invalid_input", "this is no id of a chat", { facts });
    }
    return new Chat(this.#link, chatId);
  }

  /** Creates a chat; refused as `chat_exists` when there is one. @param {NewChat} [chat] @param {Waiting} [waiting] @returns {Promise<Chat>} */
  async createChat(chat = {}, waiting) {
    const { chatId } = await ask(this.#link, "chat/create", chat, waiting);
    return new Chat(this.#link, chatId);
  }

  /**
   * The chat of this id; it is created if there is none.
   *
   * @param {string} chatId
   * @param {Omit<NewChat, "chatId">} [chat] what it is given if it is created
   * @param {Waiting} [waiting]
   * @returns {Promise<Chat>}
   */
  async openChat(chatId, chat = {}, waiting) {
    try {
      await ask(this.#link, "chat/create", { ...chat, chatId }, { ...waiting, again: true });
      return this.chat(chatId);
    } catch (error) {
      if (error instanceof PolychatError && error.code === "chat_exists") return this.chat(chatId);
      throw error;
    }
  }

  /**
   * The chats, as the world lists them.
   *
   * @param {{ titleContains?: string, archived?: boolean, pageSize?: number } & Waiting} [options]
   * @returns {AsyncGenerator<Summary, void, undefined>}
   */
  list({ pageSize = PAGE, signal, ...filter } = {}) {
    return pages(async (/** @type {string | undefined} */ after) => {
      const params = { limit: pageSize, archived: false, ...filter, ...(after !== undefined && { after }) };
      const { chats, next } = await ask(this.#link, "chat/list", params, { signal });
      return { entries: chats, next };
    });
  }

  /**
   * Messages in which these words stand; `unsupported` where the store cannot look for words.
   *
   * @param {string} text words as a person types them
   * @param {{ chatId?: string, pageSize?: number } & Waiting} [options]
   * @returns {AsyncGenerator<Methods["search"]["result"]["hits"][number], void, undefined>}
   */
  search(text, { pageSize = PAGE, signal, ...within } = {}) {
    return pages(async (/** @type {string | undefined} */ after) => {
      const params = { text, limit: pageSize, ...within, ...(after !== undefined && { after }) };
      const { hits, next } = await ask(this.#link, "search", params, { signal });
      return { entries: hits, next };
    });
  }

  /** The world's settings, its agents and which of them is the default. @param {Waiting} [waiting] @returns {Promise<Methods["world/get"]["result"]>} */
  async info(waiting) {
    return await ask(this.#link, "world/get", {}, waiting);
  }

  /** The agents. @param {Waiting} [waiting] @returns {Promise<AgentConfig[]>} */
  async agents(waiting) {
    return (await this.info(waiting)).agents;
  }

  /** Adds or replaces an agent, as a whole. @param {AgentConfig} agent @param {Waiting} [waiting] */
  async putAgent(agent, waiting) {
    await ask(this.#link, "agent/put", { agent }, waiting);
  }

  /** Removes an agent. @param {string} agent @param {Waiting} [waiting] */
  async removeAgent(agent, waiting) {
    await ask(this.#link, "agent/remove", { agent }, waiting);
  }

  /** The settings. @param {Waiting} [waiting] @returns {Promise<WorldSettings>} */
  async settings(waiting) {
    return (await this.info(waiting)).settings;
  }

  /** Replaces the settings, as a whole. @param {WorldSettings} settings @param {Waiting} [waiting] */
  async updateSettings(settings, waiting) {
    await ask(this.#link, "world/update", { settings }, waiting);
  }

  /** Brings in a chat of another system, whole. @param {Methods["chat/import"]["params"]} chat @param {Waiting} [waiting] @returns {Promise<Chat>} */
  async importChat(chat, waiting) {
    const { chatId } = await ask(this.#link, "chat/import", chat, waiting);
    return new Chat(this.#link, chatId);
  }

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
  events(options) {
    return worldFeed(this.#link, options);
  }

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
  async host(offer) {
    await this.#hosting.offer(offer);
  }
}
