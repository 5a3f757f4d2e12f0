/**
 * What to call chats that nobody gave a title: how they begin.
 *
 * The list knows titles only. Of an untitled chat in sight, or found, the first message is asked for, once; a chat
 * that has none yet is asked again when something happened in it. The chat that is open tells by itself how it begins now.
 *
 * @module
 */

import { Cell } from "./cell.js";

/** @import { ChatRow, World } from "./types.js" */

/** Beginnings that are kept; the oldest go first. */
const KEPT_MAX = 5000;
/** Chats that are asked at the same time. */
const ASKED_MAX = 4;
/** Characters of a beginning. */
const LENGTH_MAX = 80;

/** How chats begin. */
export class Names {
  #world;
  /** @type {Map<string, { text: string, activeAt: number }>} */
  #known = new Map();
  /** Chats to be asked. @type {Map<string, number>} */
  #wanted = new Map();
  /** Chats that are being asked. @type {Set<string>} */
  #asked = new Set();
  #version = new Cell(0);

  /** @param {Pick<World, "chat">} world */
  constructor(world) {
    this.#world = world;
  }

  /** Changes whenever more is known. */
  getSnapshot = this.#version.getSnapshot;
  subscribe = this.#version.subscribe;

  /** As far as it is known. @param {string} chatId @returns {string} */
  opening = (chatId) => this.#known.get(chatId)?.text ?? "";

  /** This row is in sight and has no title. @param {Pick<ChatRow, "chatId" | "activeAt" | "busy">} row */
  want = ({ chatId, activeAt, busy }) => {
    const known = this.#known.get(chatId);
    if (busy.kind === "deleted" || this.#asked.has(chatId)) return;
    if (known && (known.text !== "" || known.activeAt === activeAt)) return;
    this.#wanted.set(chatId, activeAt);
    void this.#ask();
  };

  /** It begins with this message, as its own events say. @param {string} chatId @param {readonly { type: string, text?: string }[]} parts */
  learn = (chatId, parts) => {
    const [text, known] = [beginning(parts), this.#known.get(chatId)];
    if (text !== (known?.text ?? "")) this.#keep(chatId, { text, activeAt: known?.activeAt ?? 0 });
  };

  async #ask() {
    for (const [chatId, activeAt] of this.#wanted) {
      if (this.#asked.size >= ASKED_MAX) return;
      this.#wanted.delete(chatId);
      this.#asked.add(chatId);
      const text = await this.#first(chatId);
      this.#asked.delete(chatId);
      // What was learnt meanwhile is newer.
      if (this.opening(chatId) === "") this.#keep(chatId, { text, activeAt });
    }
  }

  /** @param {string} chatId @returns {Promise<string>} */
  async #first(chatId) {
    try {
      for await (const { parts } of this.#world.chat(chatId).messages({ pageSize: 1 })) return beginning(parts);
    } catch {
      // A chat that went meanwhile, or a connection that did: it stays nameless.
    }
    return "";
  }

  /** @param {string} chatId @param {{ text: string, activeAt: number }} found */
  #keep(chatId, found) {
    const before = this.opening(chatId);
    this.#known.delete(chatId);
    this.#known.set(chatId, found);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KEPT_MAX && oldest !== undefined) this.#known.delete(oldest);
    if (found.text !== before) this.#version.set(this.#version.getSnapshot() + 1);
  }
}

/** What a chat is called that begins so. @param {readonly { type: string, text?: string }[]} parts @returns {string} */
function beginning(parts) {
  const text = parts.find((part) => part.type === "text" && part.text?.trim())?.text ?? "";
  const line = (text.trim().split("\n", 1)[0] ?? "").trimEnd();
  return line.length > LENGTH_MAX ? `${line.slice(0, LENGTH_MAX)}…` : line;
}
