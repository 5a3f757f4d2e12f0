/**
 * What can be done with chats from the frame. Each names its chat; none asks which is selected (REQ-14).
 *
 * @module
 */

import { Cell } from "./cell.js";

/** @import { AgentConfig, Store, World } from "./types.js" */
/** @import { Notices } from "./notices.js" */

/** The agents, and who answers where a chat names none. @typedef {{ agents: readonly AgentConfig[], usual: string }} Agents */

/** What can be done with chats. */
export class Actions {
  #store;
  #world;
  #notices;
  /** Which chat was open when a new one was last asked for. @type {string | null} */
  #askedAt = null;
  /** The new one that is on its way. @type {Promise<string | undefined> | undefined} */
  #coming;

  /** @param {{ store: Store, world: World, notices: Notices }} desk */
  constructor({ store, world, notices }) {
    this.#store = store;
    this.#world = world;
    this.#notices = notices;
  }

  /** The agents, as they were when they were last asked for. */
  known = new Cell(/** @type {Agents} */ ({ agents: [], usual: "" }));

  /** A new chat, one at a time; it is opened, unless another one was opened meanwhile. @returns {Promise<boolean>} whether it is open */
  create = async () => {
    this.#askedAt = this.#store.getSnapshot().selected;
    this.#coming ??= this.#made().finally(() => (this.#coming = undefined));
    const chatId = await this.#coming;
    return chatId !== undefined && this.#open(chatId, this.#askedAt);
  };

  /** A new chat that begins so. @param {string} text @returns {Promise<boolean>} whether there is one */
  begin = async (text) => {
    const { selected } = this.#store.getSnapshot();
    const chatId = await this.#made();
    if (chatId === undefined) return false;
    this.#open(chatId, selected);
    // Should it be refused, the chat shows that with the text.
    void this.#notices.attempt("Not sent", () => this.#store.chat(chatId).send(text));
    return true;
  };

  /** @param {string} chatId @param {string} title */
  rename = (chatId, title) => this.#change("Not renamed", chatId, (chat) => chat.update({ title }));

  /** @param {string} chatId @param {string} agent */
  choose = (chatId, agent) => this.#change("The agent is not chosen", chatId, (chat) => chat.update({ agent }));

  /** @param {string} chatId @param {boolean} archived */
  archive = (chatId, archived) => this.#change(archived ? "Not archived" : "Not taken out of the archive", chatId, (chat) => chat.update({ archived }));

  /** @param {string} chatId */
  close = (chatId) => this.#change("Not closed", chatId, (chat) => chat.close());

  /** @param {string} chatId */
  reopen = (chatId) => this.#change("Not reopened", chatId, (chat) => chat.reopen());

  /** For good. @param {string} chatId @returns {Promise<void>} */
  delete = async (chatId) => {
    const gone = await this.#notices.attempt("Not deleted", async () => {
      await this.#world.chat(chatId).delete();
      return true;
    });
    // What was opened meanwhile stays open.
    if (gone && this.#store.getSnapshot().selected === chatId) this.#store.select(null);
  };

  /** Asks for the agents. @returns {Promise<Agents | undefined>} */
  agents = () =>
    this.#notices.attempt("The agents are not known", async () => {
      const { agents, defaultAgent } = await this.#world.info();
      this.known.set({ agents, usual: defaultAgent });
      return this.known.getSnapshot();
    });

  /** @returns {Promise<string | undefined>} */
  async #made() {
    const chat = await this.#notices.attempt("No new chat", () => this.#world.createChat());
    return chat?.id;
  }

  /** Opens it if the chat is still open in which it was asked for. @param {string} chatId @param {string | null} askedAt */
  #open(chatId, askedAt) {
    if (this.#store.getSnapshot().selected === askedAt) this.#store.select(chatId);
    return this.#store.getSnapshot().selected === chatId;
  }

  /** @param {string} what @param {string} chatId @param {(chat: ReturnType<World["chat"]>) => Promise<void>} work */
  async #change(what, chatId, work) {
    await this.#notices.attempt(what, async () => {
      await work(this.#world.chat(chatId));
      // Of a chat that nobody reads, lists alone would tell what has become of it.
      this.#store.chat(chatId).follow();
    });
  }
}
