/**
 * A desk with life in it: a program starts `polychat serve`, brings a model and tools of its own, and
 * lets five chats work at once. Open the link that it prints and watch them.
 *
 *     cargo build -p polychat-server
 *     npm ci --ignore-scripts --prefix clients/javascript     # where Node is older than 22: a WebSocket
 *     POLYCHAT_BIN=target/debug/polychat node examples/15_desk/main.mjs
 *
 * Ctrl+C ends it; where no terminal is, it ends once every chat rests or waits for somebody. What it
 * prints comes from the same store that the page draws from. In an installed app the imports are
 * `polychat-client` and `polychat-client/store`.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

import { connect } from "../../clients/javascript/src/index.js";
import { createStore } from "../../clients/javascript/src/store.js";
import { MODEL, TOOLS } from "./work.mjs";

const child = spawn(process.env.POLYCHAT_BIN ?? "polychat", ["serve", "--memory", "--listen", "127.0.0.1:0"], {
  stdio: ["ignore", "pipe", "ignore"],
});
// However this program ends, it leaves no server behind.
process.once("exit", () => child.kill("SIGKILL"));
const [link] = await once(createInterface({ input: child.stdout }), "line");
const { origin, searchParams } = new URL(link);
// Node has WebSockets of its own from version 22 on.
const packages = createRequire(new URL("../../clients/javascript/package.json", import.meta.url));
const WebSocket = globalThis.WebSocket ?? packages("undici").WebSocket;
const connection = await connect({
  url: `${origin}/v1/worlds/home`,
  token: searchParams.get("token"),
  WebSocket,
});
const { world } = connection;
await world.host({ models: [MODEL], tools: TOOLS });
await world.putAgent({ name: "colleague", model: MODEL.name, params: {}, tools: { kind: "all" } });
console.log(`${link}\n`);

/** What each chat is about comes back to the model as its context; no chat hears of another's. */
const CHATS = [
  ["Why is the build slow?", "build", "Why did the build become slow last week?"],
  ["Plan the move", "move", "We move on Friday. What is still to do?"],
  ["Letter to Ada", "letter", "Write to Ada that the lamp has arrived."],
  ["Deploy the site", "deploy", "Put the new site up."],
  ["Count the orders", "orders", "How many orders came in today?"],
];

const store = createStore(world, { followBusy: true });
let allRest = () => {};
const rested = new Promise((resolve) => (allRest = resolve));
const shown = new Map();
store.subscribe(() => {
  const { chats } = store.getSnapshot();
  for (const { chatId, title, busy, outcome } of chats) {
    const line = `${title.padEnd(24)} ${[busy.kind === "idle" ? outcome ?? "idle" : busy.step ?? busy.kind, ...busy.tools].join(" ")}`;
    if (shown.get(chatId) !== line) console.log(line);
    shown.set(chatId, line);
  }
  if (chats.length === CHATS.length && chats.every(rests)) allRest();
});

/** Whether a chat has ended its turn, or waits for a person. */
function rests({ busy, outcome }) {
  return busy.kind === "awaiting" || (busy.kind === "idle" && outcome !== null);
}

for (const [title, topic, text] of CHATS) {
  const chat = await world.createChat({ title, agent: "colleague", context: { topic } });
  await chat.prompt(text);
}

await (process.stdin.isTTY ? once(process, "SIGINT") : rested);
store.close();
await connection.close();
child.kill("SIGTERM");
await once(child, "exit");
