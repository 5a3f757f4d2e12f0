/**
 * The client against the real program.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PolychatError, connect } from "../src/index.js";
import { polychat } from "../testkit/binary.js";
import { connectRetrying, serveSocket } from "../testkit/served.js";

/** @typedef {import("../src/framing.js").Framing} Framing */

const { path: command, skip } = polychat();
const FRAMINGS = /** @type {Framing[]} */ (["lines", "content-length"]);

/**
 * A connection to a child that keeps its chats in memory; it ends with the test, however that ends.
 *
 * @param {import("node:test").TestContext} t
 * @param {Framing} [framing]
 */
async function inMemory(t, framing = "lines") {
  const args = ["stdio", "--memory", "--framing", framing];
  const connection = await connect({ command, args, framing, stderr: "ignore" });
  t.after(() => connection.close());
  return connection;
}

// REQ-1, REQ-2, REQ-5, REQ-15
test("a hundred chats at once answer each from its own history, over both framings", { skip }, async (t) => {
  for (const framing of FRAMINGS) {
    const connection = await inMemory(t, framing);
    const names = Array.from({ length: 100 }, (_, n) => `Name${n}`);
    const answers = await Promise.all(
      names.map(async (name, n) => {
        const chat = await connection.world.openChat(`chat-${n}`);
        const told = await chat.prompt(`my name is ${name}`);
        const asked = await chat.prompt("what is my name?");
        assert.deepEqual(await told.outcome(), { kind: "completed" });
        return await asked.answer();
      }),
    );
    assert.deepEqual(answers, names.map((name) => `Your name is ${name}.`));
    assert.equal(connection.rejected, 0);
  }
});

// law 4
test("what a stream shows of an answer is what is recorded of it", { skip }, async (t) => {
  const connection = await inMemory(t);
  const chat = await connection.world.createChat({ title: "Plans", metadata: { color: "red" } });
  const events = chat.events();
  const prompt = await chat.prompt("/long 50");
  let [shown, recorded] = ["", ""];
  const seqs = [];
  for await (const { event } of events) {
    if (event.type === "message.chunk") shown += event.text;
    if (event.type === "message.end") recorded = event.text;
    if ("seq" in event) seqs.push(event.seq);
    if (event.type === "turn.ended") break;
  }
  assert.equal(shown, recorded);
  assert.equal(recorded.split(" ").length, 50);
  assert.deepEqual(seqs, seqs.map((_, n) => n + 1));
  assert.equal(await prompt.answer(), recorded);
  assert.equal((await prompt.state()).state, "ended");
  const log = [];
  for await (const { seq } of chat.log({ pageSize: 2 })) log.push(seq);
  assert.deepEqual(log, seqs);
  const roles = [];
  for await (const { role } of chat.messages({ pageSize: 1 })) roles.push(role);
  assert.deepEqual(roles, ["user", "assistant"]);
  const { summary } = await chat.snapshot();
  assert.deepEqual([summary.title, summary.metadata], ["Plans", { color: "red" }]);
});

test("all that can be asked of a chat is understood by the program", { skip }, async (t) => {
  const connection = await inMemory(t);
  const { world } = connection;
  const chat = await world.openChat("a");
  const hangs = await chat.prompt("/hang", { metadata: { from: "test" }, context: { user: 7 } });
  const waits = await chat.prompt("second", { promptId: "second" });
  await chat.edit("second", { content: "changed", mode: "steer" });
  assert.deepEqual((await chat.prompts()).map(({ promptId, mode }) => [promptId, mode]), [["second", "steer"]]);
  await chat.withdraw("second");
  assert.deepEqual(await waits.outcome(), { kind: "withdrawn" });
  await assert.rejects(chat.prompt("no", { mode: "reject" }), { code: "chat_busy", retryable: true });
  await chat.cancel();
  assert.deepEqual(await hangs.outcome(), { kind: "cancelled" });
  await assert.rejects(chat.cancel(), { code: "nothing_running" });
  await (await chat.prompt("my name is Ada")).outcome();
  const messages = [];
  for await (const message of chat.messages()) messages.push(message);
  const told = messages.find(({ parts }) => parts[0]?.type === "text" && parts[0].text === "my name is Ada");
  const fork = await chat.fork(/** @type {number} */ (messages.at(-1)?.id), { chatId: "b" });
  const revised = await chat.revise({ messageId: told?.id ?? 0, content: "my name is Eve" });
  await revised.outcome();
  assert.equal(await (await chat.prompt("what is my name?")).answer(), "Your name is Eve.");
  assert.equal(await (await fork.prompt("what is my name?")).answer(), "Your name is Ada.");
  await chat.update({ title: "New", archived: true, metadata: { a: 1 } });
  const visible = [];
  for await (const { chatId } of world.list({ pageSize: 1 })) visible.push(chatId);
  assert.deepEqual(visible, ["b"]);
  const all = [];
  for await (const { chatId } of world.list({ archived: true, titleContains: "New" })) all.push(chatId);
  assert.deepEqual(all, ["a"]);
  await chat.close();
  await assert.rejects(chat.prompt("closed"), { code: "chat_closed" });
  await chat.reopen();
  assert.deepEqual(await chat.approvals(), []);
  await assert.rejects(chat.decide("5.0", { kind: "allowOnce" }), { code: "approval_not_pending" });
  await world.putAgent({ name: "critic", model: "assistant", params: {}, tools: { kind: "none" } });
  assert.deepEqual((await world.agents()).map(({ name }) => name).sort(), ["assistant", "critic"]);
  await world.updateSettings({ ...(await world.settings()), handoffsMax: 2 });
  assert.equal((await world.settings()).handoffsMax, 2);
  await world.removeAgent("critic");
  await assert.rejects(world.search("Ada").next(), (error) => error instanceof PolychatError);
  const events = chat.events({ start: "now" });
  await events.ready;
  await chat.delete();
  const last = [];
  for await (const { event } of events) last.push(event.type);
  assert.deepEqual(last, ["chat.deleted", "ended"]);
  await assert.rejects(chat.snapshot(), { code: "chat_deleted" });
  await assert.rejects(revised.outcome(), { code: "chat_deleted" });
  assert.equal(connection.rejected, 0);
});

// REQ-8
test("the feed tells of the chats in which something goes on", { skip }, async (t) => {
  const connection = await inMemory(t);
  const chat = await connection.world.openChat("a");
  const feed = connection.world.events();
  await feed.ready;
  const prompt = await chat.prompt("hello");
  const kinds = [];
  for await (const { event } of feed) {
    if (event.type === "chat.status" && event.chatId === "a") kinds.push(event.kind);
    if (kinds.at(-1) === "idle") break;
  }
  assert.deepEqual(kinds.slice(-2), ["running", "idle"]);
  await prompt.outcome();
});

// law 4, law 5
test("a server that is killed and started again takes nothing from a reader, and every prompt has its outcome", { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "polychat-"));
  t.after(() => rm(folder, { recursive: true }));
  const [socket, data] = [join(folder, "run", "s"), join(folder, "chats.db")];
  let server = await serveSocket(command, socket, ["--data", data]);
  t.after(() => server.kill("SIGKILL"));
  const connection = await connectRetrying({ socket, reconnect: { pauseMsMin: 5, pauseMsMax: 50 } });
  t.after(() => connection.close());
  const chats = await Promise.all(["a", "b", "c"].map((id) => connection.world.openChat(id)));
  const streams = chats.map((chat) => chat.events());
  const prompts = await Promise.all(chats.map((chat) => chat.prompt("/long 5000")));
  // Each has something to lose.
  for (const events of streams) {
    for (;;) if ((await events.next()).value?.event.type === "message.chunk") break;
  }
  const gone = once(server, "exit");
  server.kill("SIGKILL");
  await gone;
  server = await serveSocket(command, socket, ["--data", data]);
  assert.deepEqual(await Promise.all(prompts.map((prompt) => prompt.outcome())), chats.map(() => ({ kind: "interrupted" })));
  for (const [n, events] of streams.entries()) {
    const chat = /** @type {typeof chats[number]} */ (chats[n]);
    const seqs = [];
    for await (const { event } of events) {
      if ("seq" in event) seqs.push(event.seq);
      if (event.type === "turn.ended") break;
    }
    const log = [];
    for await (const event of chat.log()) log.push(event.seq);
    // Of what came before the kill some was read above; nothing came twice, and nothing is missing.
    assert.deepEqual(seqs, log.slice(-seqs.length));
    assert.ok(seqs.length >= 2);
  }
  assert.equal(await (await chats[0]?.prompt("my name is Ada"))?.answer(), "Nice to meet you, Ada. This is message 2 you sent in this chat.");
});

test("a program that embeds the client ends by itself once the connection is closed", { skip }, async () => {
  const code = `
    const { connect } = await import(${JSON.stringify(new URL("../src/index.js", import.meta.url))});
    const connection = await connect({ command: process.argv[1], args: ["stdio", "--memory"], stderr: "ignore" });
    const chat = await connection.world.openChat("a");
    void chat.events().next();
    console.log(await (await chat.prompt("my name is Ada")).answer());
    await connection.close();`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code, command], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (said += text));
  assert.deepEqual(await once(child, "exit"), [0, null]);
  assert.match(said, /Ada/);
});

test("a child that ended is started again if that was asked for, and only then", { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "polychat-"));
  t.after(() => rm(folder, { recursive: true }));
  const [data, pid] = [join(folder, "chats.db"), join(folder, "pid")];
  // A shell that says its id, and becomes the program.
  const script = 'echo $$ > "$0"; exec "$@"';
  const args = ["-c", script, pid, command, "stdio", "--data", data];
  const kill = async () => process.kill(Number(await readFile(pid, "utf8")), "SIGKILL");
  for (const restart of [true, false]) {
    /** @type {Set<string>} */
    const states = new Set();
    const connection = await connect({
      ...{ command: "sh", args, restart, stderr: "ignore" },
      onState: (state) => void states.add(state),
    });
    t.after(() => connection.close());
    const chat = await connection.world.openChat("a");
    const prompt = await chat.prompt("/hang");
    await kill();
    if (restart) {
      assert.deepEqual(await prompt.outcome(), { kind: "interrupted" });
      assert.ok(states.has("waiting"));
    } else {
      await assert.rejects(prompt.outcome(), { code: "connection_lost" });
      assert.equal(connection.state, "closed");
    }
    await connection.close();
  }
});
