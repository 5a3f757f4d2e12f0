/**
 * The store over the real program: what it shows is what the world says of each chat.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { connect } from "../src/index.js";
import { createStore } from "../src/store.js";
import { polychat } from "../testkit/binary.js";
import { bridged } from "../testkit/electron.js";
import { listed } from "../testkit/listed.js";

/** @typedef {import("../src/world.js").World} World */
/** @typedef {import("../src/store.js").Store} Store */
/** @typedef {import("../src/store.js").ChatSnapshot} ChatSnapshot */

const { path: command, skip } = polychat();
/** What never comes true fails. */
const OPTIONS = { skip, timeout: 60_000 };

/** Of all tools here. */
const schema = { type: "object" };

/** What a step says, as JSON in the user's message: one list per model call, `null` to hang. */
const SCRIPT = [
  ["Grüße ", "aus ", "🌍", { type: "reasoning", text: "hm, " }, { type: "reasoning", text: "漢字" }],
  [{ type: "usage", usage: { inputTokens: 3, outputTokens: 4 } }, "done"],
];
const CALLS = [
  ["let me see", call("look", { at: "🌍" }), call("act", {}), call("missing", {})],
  ["that ", "was ", "it", { type: "usage", usage: { inputTokens: 1, outputTokens: 1 } }],
];

/** @param {string} name @param {object} args */
function call(name, args) {
  return { type: "toolCall", call: { name, arguments: args } };
}

/** A world with a model that says what it is told to, and two tools, one of which asks first. @param {import("node:test").TestContext} t */
async function world(t) {
  const connection = await connect({ command, args: ["stdio", "--memory", "--grace", "0"], stderr: "ignore" });
  t.after(() => connection.close());
  await connection.world.host({
    models: [{ name: "scripted", stream: say }],
    tools: [
      { name: "look", description: "looks", kind: "read", schema, run: look },
      { name: "act", description: "acts", kind: "act", needsApproval: true, schema, run: () => "acted" },
    ],
  });
  await connection.world.putAgent({ name: "scripted", model: "scripted", params: {}, tools: { kind: "all" } });
  return connection;
}

/** @param {any} _ @param {import("../src/calls.js").ToolRun} run */
async function look(_, { output, progress }) {
  await output("looking 漢");
  await progress({ done: 1, total: 2 });
  await output("字 still");
  return "seen";
}

/** @param {import("../src/calls.js").ModelRequest} request @param {{ signal: AbortSignal }} run */
async function* say({ messages }, { signal }) {
  const last = messages.findLastIndex(({ role }) => role === "user");
  const [part] = messages[last]?.parts ?? [];
  const steps = JSON.parse(part?.type === "text" ? part.text : "[]");
  const step = messages.slice(last).filter(({ role }) => role === "assistant").length;
  for (const delta of steps[step] ?? ["nothing"]) {
    if (delta === null) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    else yield delta;
  }
}

/** @param {Store} store @param {string} chatId @param {(snapshot: ChatSnapshot) => unknown} so */
async function shows(store, chatId, so) {
  const { getSnapshot, subscribe } = store.chat(chatId);
  if (so(getSnapshot())) return;
  /** @type {() => void} */
  let end = () => {};
  await new Promise((resolve) => (end = subscribe(() => so(getSnapshot()) && resolve(undefined))));
  end();
}

/** What a person does in one chat, until it hangs in the middle of an answer. @param {Store} store @param {string} chatId */
async function live(store, chatId) {
  const chat = store.chat(chatId);
  const send = async (/** @type {unknown} */ script, /** @type {object} */ options = {}) =>
    await chat.send(JSON.stringify(script), { agent: "scripted", ...options });
  const done = (/** @type {number} */ turns) =>
    shows(store, chatId, ({ chat: { turns: ended, turn } }) => ended.length === turns && turn === null);
  await send([SCRIPT[0]]);
  await done(1);
  await send(CALLS);
  await shows(store, chatId, ({ busy }) => busy.kind === "awaiting");
  const pending = chat.getSnapshot().chat.turn?.messages.at(-1);
  const waiting = pending?.role === "assistant" ? pending.calls.find(({ state }) => state === "awaiting") : undefined;
  await chat.decide(String(waiting?.id), { kind: "allowOnce" });
  await done(2);
  await send([["begun ", null]]);
  await shows(store, chatId, ({ busy }) => busy.step === "writing");
  const [first, second] = [await send([["one"]]), await send([["two"]], { mode: "steer" })];
  await chat.edit(String(first?.promptId), { content: JSON.stringify([["changed"]]) });
  await chat.withdraw(String(second?.promptId));
  assert.equal(await chat.stop(), true);
  await done(4);
  const { history } = chat.getSnapshot().chat;
  const revised = history.filter(({ role }) => role === "user")[1];
  await chat.revise({ messageId: Number(revised?.id), content: JSON.stringify(SCRIPT), agent: "scripted" });
  await done(2);
  await send([["to ", "be ", null]]);
  await send([["waits"]], { metadata: { kept: true } });
  await send([["goes first"]], { mode: "steer" });
  await shows(store, chatId, ({ chat: { queue, turn } }) => {
    const open = turn?.messages.at(-1);
    return queue.length === 2 && open?.role === "assistant" && open.text === "to be ";
  });
}

/** Holds what the store shows of a chat against what the world says of it. @param {World} world @param {Store} store @param {string} chatId */
async function compare(world, store, chatId) {
  const shown = store.chat(chatId).getSnapshot();
  const { chat, sends, following } = shown;
  const { summary, status, messages, prompts, open, approvals = [] } = await world.chat(chatId).snapshot();
  assert.deepEqual(listed(chat), messages);
  const { title, archived, createdAt, updatedAt, head, provenance } = chat;
  const { title: t, archived: a, createdAt: c, updatedAt: u, head: h, provenance: p } = summary;
  assert.deepEqual([title, archived, createdAt, updatedAt, head, provenance], [t, a, c, u, h, p]);
  assert.equal(listed(chat).length, summary.messages);
  assert.deepEqual(chat.queue.map(({ metadata, ...prompt }) => prompt), prompts);
  const writing = chat.turn?.messages.at(-1);
  assert.ok(open && writing?.role === "assistant");
  const { id: messageId, turnId, author, text, reasoning } = writing;
  assert.deepEqual({ messageId, turnId, author, text, reasoning }, open);
  assert.deepEqual([shown.busy.kind, shown.busy.queued, shown.busy.turnId], [status.kind, status.queued, status.turnId]);
  assert.deepEqual(approvals, []);
  assert.deepEqual([sends, following], [[], "live"]);
}

test("whatever is selected meanwhile, every chat shows what the world says of it", OPTIONS, async (t) => {
  // REQ-1, REQ-4, REQ-5, REQ-6, REQ-7, REQ-8
  const connection = await world(t);
  const ids = Array.from({ length: 12 }, (_, n) => `chat-${n}`);
  await Promise.all(ids.map((id) => connection.world.openChat(id, { title: id })));
  const store = createStore(connection.world);
  let [over, at] = [false, 0];
  const switching = (async () => {
    while (!over) {
      store.select(ids[(at += 5) % ids.length] ?? null);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  await Promise.all(ids.map((id) => live(store, id)));
  over = true;
  await switching;
  for (const id of ids) await compare(connection.world, store, id);
  const { chats, rejected } = store.getSnapshot();
  assert.deepEqual(chats.map(({ chatId, busy }) => [chatId, busy.kind]).sort(), ids.map((id) => [id, "running"]).sort());
  assert.equal(rejected, 0);
  store.close();
});

test("windows that share a connection show what the world says, each in its own chat", OPTIONS, async (t) => {
  // REQ-5, REQ-10
  const connection = await world(t);
  const ids = ["left", "right"];
  await Promise.all(ids.map((id) => connection.world.openChat(id)));
  const { window } = await bridged(t, connection);
  const stores = await Promise.all(ids.map(async () => createStore((await window()).world)));
  await Promise.all(ids.map((id, n) => live(/** @type {Store} */ (stores[n]), id)));
  for (const [n, id] of ids.entries()) await compare(connection.world, /** @type {Store} */ (stores[n]), id);
  for (const store of stores) store.close();
});

test("a chat that was copied, closed, reopened and deleted shows it", OPTIONS, async (t) => {
  // REQ-12
  const connection = await world(t);
  const chat = await connection.world.openChat("a");
  await (await chat.prompt(JSON.stringify(CALLS.slice(1)), { agent: "scripted" })).outcome();
  const messages = [];
  for await (const message of chat.messages()) messages.push(message);
  await chat.fork(Number(messages.at(-1)?.id), { chatId: "fork" });
  const store = createStore(connection.world);
  store.select("fork");
  await shows(store, "fork", ({ following }) => following === "live");
  const { messages: copied } = await connection.world.chat("fork").snapshot();
  assert.deepEqual(listed(store.chat("fork").getSnapshot().chat), copied);
  assert.equal(copied.length, 2);
  for (const [act, kind] of /** @type {["close" | "reopen" | "delete", string][]} */ ([
    ["close", "closed"], ["reopen", "idle"], ["delete", "deleted"],
  ])) {
    await connection.world.chat("fork")[act]();
    await shows(store, "fork", ({ busy }) => busy.kind === kind);
  }
  await shows(store, "fork", ({ following }) => following === "ended");
  store.select("gone");
  await shows(store, "gone", ({ following }) => following === "broken");
  assert.equal(store.chat("gone").getSnapshot().error?.code, "unknown_chat");
  store.close();
});
