/**
 * A client that nobody here wrote: `vscode-jsonrpc`, which language servers are spoken to with. It
 * speaks `Content-Length` itself; for lines it gets a reader and a writer of a few lines.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import rpc from "vscode-jsonrpc/node";
import { connect } from "../src/index.js";
import { polychat } from "../testkit/binary.js";

/** @typedef {import("../src/framing.js").Framing} Framing */
/** @typedef {import("../src/types.js").RecordedEvent} RecordedEvent */
/** @typedef {{ answers: string[], outcomes: string[] }} Result what became of a chat */

const { path: command, skip } = polychat();
const CHATS = 100;

/** What is said in the nth chat; every fifth has a prompt that has to be stopped. @param {number} n */
function script(n) {
  const prompts = [`my name is Name${n}`, "what is my name?", "how many messages?"];
  return n % 5 === 0 ? [...prompts, "/hang"] : prompts;
}

/** One message per line. */
class LineReader extends rpc.AbstractMessageReader {
  /** @param {import("node:stream").Readable} readable */
  constructor(readable) {
    super();
    this.lines = createInterface({ input: readable });
    this.lines.on("close", () => this.fireClose());
  }

  /** @param {import("vscode-jsonrpc").DataCallback} callback */
  listen(callback) {
    this.lines.on("line", (line) => callback(JSON.parse(line)));
    return rpc.Disposable.create(() => this.lines.close());
  }
}

/** One message per line. */
class LineWriter extends rpc.AbstractMessageWriter {
  /** @param {import("node:stream").Writable} writable */
  constructor(writable) {
    super();
    this.writable = writable;
  }

  /** @param {import("vscode-jsonrpc").Message} message */
  async write(message) {
    this.writable.write(`${JSON.stringify(message)}\n`);
  }

  end() {
    this.writable.end();
  }
}

/**
 * What the foreign client finds in all chats, and how its cancelled requests were answered.
 *
 * @param {import("node:test").TestContext} t
 * @param {Framing} framing
 */
async function foreign(t, framing) {
  const child = spawn(command, ["stdio", "--memory", "--framing", framing], { stdio: ["pipe", "pipe", "ignore"] });
  t.after(() => child.kill("SIGKILL"));
  const exit = once(child, "exit");
  const connection =
    framing === "lines"
      ? rpc.createMessageConnection(new LineReader(child.stdout), new LineWriter(child.stdin))
      : rpc.createMessageConnection(
          new rpc.StreamMessageReader(child.stdout),
          new rpc.StreamMessageWriter(child.stdin),
        );
  /** @type {Map<string, (event: RecordedEvent) => void>} */
  const listeners = new Map();
  /** Events before the promise of their subscription has told its id. @type {Map<string, RecordedEvent[]>} */
  const early = new Map();
  connection.onNotification("event", ({ subscriptionId, event }) => {
    const listener = listeners.get(subscriptionId);
    if (listener) listener(event);
    else early.set(subscriptionId, [...(early.get(subscriptionId) ?? []), event]);
  });
  connection.listen();
  await connection.sendRequest("initialize", { protocolVersion: 1, client: { name: "vscode-jsonrpc" } });
  /** @type {string[]} */
  const cancelled = [];
  const ask = async (/** @type {string} */ chatId) => {
    const source = new rpc.CancellationTokenSource();
    const asking = connection.sendRequest("log/read", { chatId, after: 0, limit: 100 }, source.token);
    source.cancel();
    cancelled.push(await asking.then(() => "answered", ({ code }) => String(code)));
  };
  const one = async (/** @type {number} */ n) => {
    const chatId = `chat-${n}`;
    await connection.sendRequest("chat/create", { chatId });
    const ended = outcomesOf(chatId, script(n).length);
    const params = { scope: "chat", chatId, start: "start" };
    const { subscriptionId } = await connection.sendRequest("events/subscribe", params);
    listeners.set(subscriptionId, ended.hear);
    for (const event of early.get(subscriptionId) ?? []) ended.hear(event);
    const asking = ask(chatId);
    for (const [index, text] of script(n).entries()) {
      const promptId = `prompt-${index}`;
      const parts = [{ type: "text", text }];
      const reply = await connection.sendRequest("prompt/send", { chatId, promptId, parts });
      assert.deepEqual([reply.type, reply.promptId], ["accepted", promptId]);
    }
    if (n % 5 === 0) {
      await ended.reached(4);
      await connection.sendRequest("turn/cancel", { chatId });
    }
    await asking;
    return await ended.all;
  };
  const results = await Promise.all(Array.from({ length: CHATS }, (_, n) => one(n)));
  assert.deepEqual(await connection.sendRequest("shutdown", {}), {});
  connection.end();
  assert.deepEqual(await exit, [0, null]);
  connection.dispose();
  return { results, cancelled };
}

/**
 * Hears the events of a chat until so many turns have ended.
 *
 * @param {string} chatId
 * @param {number} turns
 */
function outcomesOf(chatId, turns) {
  /** @type {Result} */
  const result = { answers: [], outcomes: [] };
  let [started, seq] = [0, 0];
  /** @type {(() => void)[]} */
  const waiting = [];
  /** @type {(result: Result) => void} */
  let done = () => {};
  /** @type {Promise<Result>} */
  const all = new Promise((resolve) => (done = resolve));
  const hear = (/** @type {RecordedEvent} */ event) => {
    assert.equal(event.chatId, chatId);
    if (event.seq !== undefined) assert.equal(event.seq, (seq += 1));
    if (event.type === "message.start") {
      started += 1;
      for (const wake of waiting.splice(0)) wake();
    }
    if (event.type === "message.end") result.answers.push(event.text);
    if (event.type === "turn.ended") result.outcomes.push(event.outcome.kind);
    if (result.outcomes.length === turns) done(result);
  };
  /** Resolves once so many answers have begun. @param {number} answers */
  const reached = async (answers) => {
    while (started < answers) await new Promise((resolve) => void waiting.push(() => resolve(undefined)));
  };
  return { all, hear, reached };
}

/** What our own client finds. @param {import("node:test").TestContext} t @returns {Promise<Result[]>} */
async function own(t) {
  const connection = await connect({ command, args: ["stdio", "--memory"], stderr: "ignore" });
  t.after(() => connection.close());
  const one = async (/** @type {number} */ n) => {
    const chat = await connection.world.openChat(`chat-${n}`);
    /** @type {Result} */
    const result = { answers: [], outcomes: [] };
    for (const text of script(n)) {
      const prompt = await chat.prompt(text);
      if (text === "/hang") {
        for await (const { event } of chat.events({ start: "start" })) {
          if (event.type === "message.start" && event.seq > prompt.acceptedSeq) break;
        }
        await chat.cancel();
      }
      result.outcomes.push((await prompt.outcome()).kind);
      if (text !== "/hang") result.answers.push(await prompt.answer());
    }
    return result;
  };
  return await Promise.all(Array.from({ length: CHATS }, (_, n) => one(n)));
}

// REQ-1, REQ-2, REQ-3, REQ-5, REQ-10, REQ-15
test("vscode-jsonrpc drives a hundred chats at once over both framings, and finds what our client finds", { skip }, async (t) => {
  const expected = await own(t);
  // Not only alike: this is what each chat has to say from its own history.
  assert.deepEqual(expected[7]?.answers.slice(1, 2), ["Your name is Name7."]);
  assert.deepEqual(expected[7]?.outcomes, ["completed", "completed", "completed"]);
  assert.deepEqual(expected[10]?.outcomes, ["completed", "completed", "completed", "cancelled"]);
  for (const framing of /** @type {Framing[]} */ (["lines", "content-length"])) {
    const { results, cancelled } = await foreign(t, framing);
    assert.deepEqual(results, expected);
    // A request that was cancelled is answered all the same: in time, or as cancelled.
    assert.equal(cancelled.length, CHATS);
    for (const answer of cancelled) assert.match(answer, /^(answered|-32800)$/);
  }
});
