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

  /** @param {{ store: Store, world: World, notices: Notices }} desk */
  constructor({ store, world, notices }) {
    this.#store = store;
    this.#world = world;
    this.#notices = notices;
  }

  /** The agents, as they were when they were last asked for. */
  known = new Cell(/** @type {Agents} */ ({ agents: [], usual: "" }));

  /** A new chat, which is opened. @returns {Promise<string | undefined>} */
  create = async () => {
    const chat = await this.#notices.attempt("No new chat", () => this.#world.createChat());
    if (chat) this.#store.select(chat.id);
    return chat?.id;
  };

  /** A new chat that begins so. @param {string} text @returns {Promise<boolean>} whether there is one */
  begin = async (text) => {
    const chatId = await this.create();
    if (chatId === undefined) return false;
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

  /** @param {string} what @param {string} chatId @param {(chat: ReturnType<World["chat"]>) => Promise<void>} work */
  async #change(what, chatId, work) {
    await this.#notices.attempt(what, async () => {
      await work(this.#world.chat(chatId));
      // Of a chat that nobody reads, lists alone would tell what has become of it.
      this.#store.chat(chatId).follow();
    });
  }
}
