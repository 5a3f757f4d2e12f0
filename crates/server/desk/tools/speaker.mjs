/**
 * A program that brings a model into the world which speaks at a steady pace, in any number of chats at once.
 *
 * @module
 */

import { createRequire } from "node:module";
import { setTimeout as pause } from "node:timers/promises";

import { connect } from "../../../../clients/javascript/src/index.js";

// Node has no WebSockets of its own before version 22; the client's tests bring some.
const { WebSocket } = createRequire(new URL("../../../../clients/javascript/package.json", import.meta.url))("undici");

/** What is said, over and over: prose, a list, code. */
const TEXT = [
  "## What was found\n\n", ..."The first run took longer than the second one, and nobody could say why until the **log** was read. ".split(/(?<= )/),
  "\n\n", "- one ", "cause\n", "- another ", "cause\n", "\n", "```js\n", "const ", "found ", "= ", "true;\n", "```\n", "\n",
];

/** A model that speaks until it is told to end. */
export class Speaker {
  /** Words said so far, in all streams. */
  words = 0;
  /** What was said in each chat. @type {Map<string, string>} */
  said = new Map();
  #connection;
  #ends = new AbortController();

  /** @param {import("../../../../clients/javascript/src/index.js").Connection} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  /** @param {string} url @param {number} perSecond */
  static async at(url, perSecond) {
    const speaker = new Speaker(await connect({ url: `${url}v1/worlds/home`, WebSocket }));
    const { world } = speaker.#connection;
    await world.host({ models: [{ name: "speaker", stream: (request, { context }) => speaker.#stream(request, context, perSecond) }] });
    await world.putAgent({ name: "speaker", model: "speaker", params: {}, tools: { kind: "none" } });
    return speaker;
  }

  /** @param {any} request @param {any} context @param {number} perSecond */
  async *#stream({ messages }, context, perSecond) {
    const question = messages.at(-1).parts.map((/** @type {any} */ part) => part.text).join("");
    if (question !== "speak") return void (yield `an answer to ${question}`);
    const began = performance.now();
    let text = "";
    for (let n = 0; !this.#ends.signal.aborted; n += 1) {
      const word = TEXT[n % TEXT.length] ?? "";
      text += word;
      this.words += 1;
      yield word;
      // Whoever is late does not make the next ones late.
      await pause(Math.max(0, began + ((n + 1) * 1000) / perSecond - performance.now()));
    }
    this.said.set(context.chat.id, text);
  }

  /** A chat in which these questions were asked and answered. @param {string} id @param {readonly string[]} questions */
  async answered(id, questions) {
    const chat = await this.#connection.world.openChat(id, { title: `About ${id}`, agent: "speaker", context: { id } });
    for (const question of questions) await (await chat.prompt(question)).outcome();
  }

  /** Begins to speak in a chat. @param {string} id */
  begin(id) {
    return this.#connection.world.chat(id).prompt("speak");
  }

  /** All streams end with the word that they are at. */
  end() {
    this.#ends.abort();
  }

  async close() {
    this.end();
    await this.#connection.close();
  }
}
