/**
 * A Node program with a tool of its own, and three chats that use it at once.
 *
 *     cargo build -p polychat-server
 *     POLYCHAT_BIN=target/debug/polychat node examples/12_embed_in_node/main.mjs
 *
 * The server is a child of this program and ends with it. The tool runs here, where the program's own
 * data is; the server asks for it by an opaque id and could not say for which chat. What a call is for
 * is in its context: whatever the program attached to the chat comes back, untouched, and no model can
 * change it. In an installed app the import is `polychat-client`.
 */

import { connect } from "../../clients/javascript/src/index.js";

/** What this program knows of its users; no model ever sees the table. */
const BALANCES = new Map([["ada", 120], ["bob", 45], ["eve", 7]]);

const balance = {
  name: "balance",
  description: "Tells the balance of the account of whoever asks",
  schema: { type: "object", properties: {} },
  kind: "read",
  async run(_, { context, progress }) {
    await progress({ message: "asking the bank" });
    const balance = BALANCES.get(context.chat.user);
    if (balance === undefined) throw new Error("there is no such account");
    return `${balance} coins`;
  },
};

const connection = await connect({ args: ["stdio", "--memory"], stderr: "ignore" });
const { world } = connection;
await world.host({ tools: [balance] });

// Who answers is the server's demo model, which needs no key; it may use all tools.
const [assistant] = await world.agents();
await world.putAgent({ ...assistant, tools: { kind: "all" } });

/** Prints what happens in a chat, in a column of its own, until so many turns have ended. */
async function watch(chat, column, turns) {
  const print = (text) => console.log(`${" ".repeat(column)}${chat.id}: ${text}`);
  for await (const { event } of chat.events()) {
    if (event.type === "tool.start") print(`uses ${event.name}`);
    if (event.type === "tool.progress") print(`(${event.progress.message})`);
    if (event.type === "message.end" && event.text !== "") print(event.text);
    if (event.type === "turn.ended" && --turns === 0) return;
  }
}

const users = [...BALANCES.keys()];
const chats = await Promise.all(users.map((user) => world.openChat(user, { context: { user } })));
const prompts = (chat) => [`my name is ${chat.id}`, "/tool balance {}", "what is my name?"];
const watching = chats.map((chat, n) => watch(chat, n * 12, prompts(chat).length));

// All is sent at once; each chat answers from its own history and its own account.
await Promise.all(chats.flatMap((chat) => prompts(chat).map((text) => chat.prompt(text))));
await Promise.all(watching);

// Closing ends the child, in order.
await connection.close();
