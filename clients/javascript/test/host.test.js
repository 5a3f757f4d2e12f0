import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionLost, ModelError, PolychatError } from "../src/index.js";
import { settled } from "../testkit/clock.js";
import { connected } from "../testkit/client.js";
import { FakeServer, refusal } from "../testkit/server.js";

/** @typedef {import("../src/index.js").HostOffer} HostOffer */

/** A client that has brought this. @param {HostOffer} offer @param {import("../src/connect.js").ConnectOptions} [options] */
async function hosting(offer, options) {
  const server = new FakeServer().on("host/register", () => ({}));
  const all = await connected(options, server);
  await all.world.host(offer);
  return { ...all, answers: () => answersOf(server) };
}

/** What the client has answered, by the id of the question. @param {FakeServer} server */
function answersOf(server) {
  const answers = server.last.received.filter(({ method }) => method === undefined);
  return new Map(answers.map(({ id, result, error }) => [id, error ?? result]));
}

/** @param {object} [more] */
function call(more = {}) {
  return { callId: "c1", context: { chat: { user: 7 }, prompt: {} }, ...more };
}

const echo = { name: "echo", run: (/** @type {any} */ args) => `you said ${args.word}` };

test("what is brought is told in full, without its code", async () => {
  const { server } = await hosting({
    models: [{ name: "own", stream: async function* () {} }],
    tools: [echo, { name: "read", description: "Reads", schema: { type: "object" }, kind: "read", needsApproval: true, durationMaxMs: 5, run: () => "" }],
  });
  assert.deepEqual(server.last.sent("host/register"), [{
    models: [{ name: "own" }],
    tools: [
      { name: "echo", description: "", schema: { type: "object" }, kind: "act", needsApproval: false },
      { name: "read", description: "Reads", schema: { type: "object" }, kind: "read", needsApproval: true, durationMaxMs: 5 },
    ],
  }]);
});

test("a name that is taken is refused, and what was brought before stays", async () => {
  const { server, world, answers } = await hosting({ tools: [echo] });
  server.on("host/register", () => {
    throw refusal("name_taken", { what: "tool", name: "other", retryable: true });
  });
  await assert.rejects(world.host({ tools: [{ name: "other", run: () => "" }] }), { code: "name_taken" });
  server.last.send({ id: 1, method: "tool/call", params: call({ name: "echo", arguments: { word: "hi" } }) });
  await settled();
  assert.deepEqual(answers().get(1), { parts: [{ type: "text", text: "you said hi" }] });
});

/** A server whose registrations the test answers, one after the other. */
function registrar() {
  /** @type {{ names: string[], take: () => void, refuse: () => void }[]} */
  const asked = [];
  const server = new FakeServer().on("host/register", ({ tools }) => new Promise((resolve, reject) => {
    const names = tools.map((/** @type {any} */ { name }) => name);
    asked.push({ names, take: () => resolve({}), refuse: () => reject(refusal("name_taken", { retryable: true })) });
  }));
  return { server, asked };
}

/** A tool that answers with what it was made with. @param {string} name @param {string} [says] */
const tool = (name, says = name) => ({ name, run: () => says });

// law 6
test("offers are brought one after the other, and those that are refused leave the one that was taken", async () => {
  const { server, asked } = registrar();
  const { world, clock } = await connected({}, server);
  const offers = ["kept", "refused", "refused too"].map((name) => world.host({ tools: [tool(name)] }));
  const ends = Promise.allSettled(offers);
  await settled();
  assert.deepEqual(asked.map(({ names }) => names), [["kept"]]);
  asked[0]?.take();
  await settled();
  asked[1]?.refuse();
  await settled();
  asked[2]?.refuse();
  assert.deepEqual((await ends).map(({ status }) => status), ["fulfilled", "rejected", "rejected"]);
  for (const [id, name] of ["kept", "refused", "refused too"].entries()) {
    server.last.send({ id, method: "tool/call", params: call({ callId: `c${id}`, name }) });
  }
  await settled();
  const answers = answersOf(server);
  assert.deepEqual(answers.get(0), { parts: [{ type: "text", text: "kept" }] });
  assert.deepEqual([answers.get(1).data.code, answers.get(2).data.code], ["unknown_tool", "unknown_tool"]);
  // And what was taken is what is brought again.
  server.last.cut();
  await clock.pass(1_000);
  assert.deepEqual(asked.at(-1)?.names, ["kept"]);
});

// law 6: what is called while the answer is on its way was called for good
test("until an offer is taken the one before it is served, and from its answer on the new one", async () => {
  const { server, asked } = registrar();
  const { world } = await connected({}, server);
  const said = (/** @type {number} */ id) => answersOf(server).get(id)?.parts?.[0].text ?? answersOf(server).get(id)?.data.code;
  const called = (/** @type {number} */ id, /** @type {string} */ name) => {
    server.last.send({ id, method: "tool/call", params: call({ callId: `c${id}`, name }) });
  };
  const first = world.host({ tools: [tool("both", "old"), tool("old")] });
  await settled();
  asked[0]?.take();
  await first;
  const second = world.host({ tools: [tool("both", "new"), tool("new")] });
  await settled();
  for (const [id, name] of ["both", "old", "new"].entries()) called(id, name);
  await settled();
  // The world may have taken it already, and say so only then.
  assert.deepEqual([said(0), said(1), said(2)], ["old", "old", "new"]);
  // Right behind the answer, in one piece with it.
  const { id } = server.last.received.findLast(({ method }) => method === "host/register") ?? {};
  server.last.send({ id: id ?? 0, result: {} });
  for (const [at, name] of ["both", "old", "new"].entries()) called(10 + at, name);
  await second;
  await settled();
  assert.deepEqual([said(10), said(11), said(12)], ["new", "unknown_tool", "new"]);
});

test("an offer that was under way when the connection was lost is brought once, and nothing older after it", async () => {
  const { server, asked } = registrar();
  const { world, clock } = await connected({}, server);
  const first = world.host({ tools: [tool("first")] });
  await settled();
  asked[0]?.take();
  await first;
  const second = world.host({ tools: [tool("second")] });
  await settled();
  server.last.cut();
  await clock.pass(1_000);
  for (const { take } of asked) take();
  await second;
  await settled();
  assert.deepEqual(asked.slice(2).map(({ names }) => names), [["second"]]);

  // One that is refused then leaves the one before it, which is brought again.
  const third = assert.rejects(world.host({ tools: [tool("third")] }), { code: "name_taken" });
  await settled();
  server.last.cut();
  await clock.pass(1_000);
  asked.at(-1)?.refuse();
  await third;
  await settled();
  assert.deepEqual(asked.slice(3).map(({ names }) => names), [["third"], ["third"], ["second"]]);
});

// law 7
test("offers that wait for their turn are bounded", async () => {
  const { server, asked } = registrar();
  const { world, clock } = await connected({}, server);
  const offers = Array.from({ length: 17 }, (_, n) => world.host({ tools: [tool(`${n}`)] }));
  await assert.rejects(world.host({ tools: [] }), { code: "overloaded", retryable: true });
  await settled();
  asked[0]?.take();
  await offers[0];
  offers.push(world.host({ tools: [tool("17")] }));
  // What was taken before stands back behind them, also in a new session.
  server.last.cut();
  await clock.pass(1_000);
  for (let n = 2; n < 20; n += 1) {
    await settled();
    asked[n]?.take();
  }
  await Promise.all(offers);
  const names = asked.map(({ names: [name] }) => Number(name));
  assert.deepEqual(names, [0, 1, ...Array.from({ length: 17 }, (_, n) => n + 1)]);
});

test("what is to be brought again is asked for by one alarm, which a connection that is closed takes along", async () => {
  const { server, asked } = registrar();
  const { world, clock, connection } = await connected({ reconnect: { pauseMsMax: 100 } }, server);
  const kept = world.host({ tools: [tool("kept")] });
  await settled();
  asked[0]?.take();
  await kept;
  server.last.cut();
  await clock.pass(200);
  asked[1]?.refuse();
  await settled();
  const refused = assert.rejects(world.host({ tools: [tool("other")] }), { code: "name_taken" });
  await settled();
  asked[2]?.refuse();
  await refused;
  await settled();
  asked[3]?.refuse();
  await settled();
  assert.deepEqual(asked.map(({ names: [name] }) => name), ["kept", "kept", "other", "kept"]);
  assert.equal(clock.waiting, 1);
  await connection.close();
  assert.equal(clock.waiting, 0);
});

test("what could not be called, or is misspelt, is refused, and what was brought before stays", async () => {
  const { server, world } = await hosting({ tools: [echo] });
  for (const offer of [{ tool: [echo] }, { tools: [{ name: "a" }] }, { models: [{ name: "m" }] }]) {
    await assert.rejects(world.host(/** @type {any} */ (offer)), { code: "invalid_input" });
  }
  assert.equal(server.last.sent("host/register").length, 1);
});

test("a tool answers a text or parts, and sees its arguments and what was attached", async () => {
  /** @type {unknown[]} */
  const seen = [];
  const parts = [{ type: /** @type {const} */ ("text"), text: "p" }];
  const { server, answers } = await hosting({ tools: [
    { name: "text", run: async (args, { context }) => (seen.push(args, context), "t") },
    { name: "list", run: () => parts },
    { name: "object", run: () => ({ parts }) },
    { name: "nothing", run: () => /** @type {any} */ (undefined) },
  ] });
  for (const [id, name] of ["text", "list", "object", "nothing"].entries()) {
    server.last.send({ id, method: "tool/call", params: call({ callId: `c${id}`, name, arguments: { a: 1 } }) });
  }
  await settled();
  assert.deepEqual(seen, [{ a: 1 }, { chat: { user: 7 }, prompt: {} }]);
  assert.deepEqual(answers().get(0), { parts: [{ type: "text", text: "t" }] });
  assert.deepEqual(answers().get(1), { parts });
  assert.deepEqual(answers().get(2), { parts });
  assert.equal(answers().get(3).code, -32000);
});

test("what a tool throws is what the model hears, and whether to try again", async () => {
  const { server, answers } = await hosting({ tools: [
    { name: "plain", run: () => { throw new Error("no such file"); } },
    { name: "later", run: async () => { throw new PolychatError("busy", "come back", { retryable: true }); } },
  ] });
  server.last.send({ id: 1, method: "tool/call", params: call({ name: "plain" }) });
  server.last.send({ id: 2, method: "tool/call", params: call({ name: "later" }) });
  server.last.send({ id: 3, method: "tool/call", params: call({ name: "none" }) });
  server.last.send({ id: 4, method: "model/stream", params: call({ model: "none" }) });
  server.last.send({ id: 5, method: "tool/call", params: { name: "plain" } });
  await settled();
  assert.equal(answers().get(1).message, "no such file");
  assert.deepEqual([answers().get(2).message, answers().get(2).data.retryable], ["come back", true]);
  for (const id of [3, 4, 5]) assert.ok(answers().get(id).code < 0);
});

// law 3
test("output and progress come before the answer, in order, and what waits is merged", async () => {
  const { server } = await hosting({ tools: [{
    name: "busy",
    run: async (_, { output, progress }) => {
      await output("a");
      void output("b");
      void output("c");
      void output("d");
      void progress({ done: 1 });
      void progress({ done: 2 });
      return "e";
    },
  }] });
  server.last.send({ id: 1, method: "tool/call", params: call({ name: "busy" }) });
  await settled();
  const told = server.last.received.slice(-5).map(({ method, params, result }) => [method, params ?? result]);
  assert.deepEqual(told, [
    ["tool/output", { callId: "c1", text: "a" }],
    ["tool/output", { callId: "c1", text: "b" }],
    ["tool/output", { callId: "c1", text: "cd" }],
    ["tool/progress", { callId: "c1", progress: { done: 2 } }],
    [undefined, { parts: [{ type: "text", text: "e" }] }],
  ]);
});

// law 7
test("a tool that does not wait for the pipe is stopped at a bound", async () => {
  let said = 0;
  const { server, answers } = await hosting({ tools: [{
    name: "flood",
    run: async (_, { output, signal }) => {
      for (; !signal.aborted; said += 1) void output("x".repeat(100_000));
      return "";
    },
  }] });
  server.last.full = new Promise(() => {});
  server.last.send({ id: 1, method: "tool/call", params: call({ name: "flood" }) });
  await settled();
  const sent = server.last.sent("tool/output").reduce((sum, { text }) => sum + text.length, 0);
  assert.deepEqual([said, sent], [12, 100_000]);
  assert.equal(answers().get(1).data.code, "too_large");
});

test("a model streams its pieces by call id, and ends with what it returns", async () => {
  /** @type {any} */
  let asked;
  const { server, answers } = await hosting({ models: [{
    name: "own",
    stream: async function* (request) {
      asked = request;
      yield { type: "reasoning", text: "hm" };
      yield "Hello";
      yield { type: "toolCall", call: { name: "clock", arguments: {} } };
      yield { type: "usage", usage: { inputTokens: 1, outputTokens: 2 } };
      yield { type: "finish", finish: "toolCalls" };
    },
  }, {
    name: "returns",
    stream: async function* () {
      return { finish: "length", usage: { inputTokens: 3, outputTokens: 4 } };
    },
  }] });
  const request = { system: "s", messages: [], params: {}, tools: [] };
  server.last.send({ id: 1, method: "model/stream", params: call({ model: "own", ...request }) });
  server.last.send({ id: 2, method: "model/stream", params: call({ callId: "c2", model: "returns", ...request }) });
  await settled();
  assert.deepEqual(asked, { model: "own", ...request });
  assert.deepEqual(server.last.sent("model/delta").map(({ callId, delta }) => [callId, delta.type]), [
    ["c1", "reasoning"], ["c1", "text"], ["c1", "toolCall"], ["c1", "usage"],
  ]);
  assert.deepEqual(answers().get(1), { finish: "toolCalls" });
  assert.deepEqual(answers().get(2), { finish: "length", usage: { inputTokens: 3, outputTokens: 4 } });
});

test("a model says why it broke off", async () => {
  const { server, answers } = await hosting({ models: [
    { name: "limited", stream: async function* () { throw new ModelError("rate_limited", "slow down", { retryAfterMs: 9 }); } },
    { name: "broken", stream: async function* () { yield "He"; throw new Error("socket hang up"); } },
  ] });
  server.last.send({ id: 1, method: "model/stream", params: call({ model: "limited" }) });
  server.last.send({ id: 2, method: "model/stream", params: call({ callId: "c2", model: "broken" }) });
  await settled();
  const { kind, retryable, retryAfterMs } = answers().get(1).data;
  assert.deepEqual({ kind, retryable, retryAfterMs }, { kind: "rate_limited", retryable: true, retryAfterMs: 9 });
  assert.deepEqual([answers().get(2).message, answers().get(2).data.kind], ["socket hang up", "unavailable"]);
});

// law 7
test("a model goes on only as fast as the pipe takes what it says", async () => {
  let said = 0;
  const { server } = await hosting({ models: [{
    name: "eager",
    stream: async function* () { for (; said < 100; said += 1) yield "word"; },
  }] });
  /** @type {() => void} */
  let drain = () => {};
  server.last.full = new Promise((resolve) => (drain = resolve));
  server.last.send({ id: 1, method: "model/stream", params: call({ model: "eager" }) });
  await settled();
  assert.equal(said, 0);
  server.last.full = undefined;
  drain();
  await settled();
  assert.equal(server.last.sent("model/delta").length, 100);
});

test("a call that the server cancels is aborted and answered at once, also when the code hangs", async () => {
  /** @type {AbortSignal[]} */
  const signals = [];
  let returned = 0;
  const { server, answers } = await hosting({
    tools: [{ name: "hang", run: (_, { signal }) => (signals.push(signal), new Promise(() => {})) }],
    models: [{ name: "hang", stream: (_, { signal }) => {
      signals.push(signal);
      const next = () => new Promise(() => {});
      const stop = async () => ((returned += 1), { done: true, value: undefined });
      return { [Symbol.asyncIterator]: () => /** @type {any} */ ({ next, return: stop }) };
    } }],
  });
  server.last.send({ id: 1, method: "tool/call", params: call({ name: "hang" }) });
  server.last.send({ id: "two", method: "model/stream", params: call({ callId: "c2", model: "hang" }) });
  await settled();
  for (const id of [1, "two", 99]) server.last.send({ method: "$/cancelRequest", params: { id } });
  await settled();
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true, true]);
  assert.deepEqual([answers().get(1).code, answers().get("two").code], [-32800, -32800]);
  assert.equal(returned, 1);
});

test("when the connection is lost, calls are aborted, and what was brought is brought again", async () => {
  /** @type {AbortSignal[]} */
  const signals = [];
  const { server, clock, diagnostics } = await hosting({
    tools: [{ name: "hang", run: (_, { signal }) => (signals.push(signal), new Promise(() => {})) }],
  });
  server.last.send({ id: 1, method: "tool/call", params: call({ name: "hang" }) });
  await settled();
  server.on("host/register", () => {
    throw refusal("name_taken", { retryable: true });
  });
  server.last.cut();
  assert.ok(signals[0]?.reason instanceof ConnectionLost);
  await clock.pass(150);
  assert.equal(diagnostics.filter(({ kind }) => kind === "host").length, 1);
  // The server before has noticed now that the connection has ended.
  server.on("host/register", () => ({}));
  await clock.pass(200);
  assert.equal(server.last.sent("host/register").length, 2);
  server.last.send({ id: 1, method: "tool/call", params: call({ name: "hang" }) });
  await settled();
  assert.equal(signals.length, 2);
  assert.equal(signals[1]?.aborted, false);
});

// law 7
test("calls that run at once are bounded", async () => {
  const { server, answers } = await hosting({ tools: [{ name: "hang", run: () => new Promise(() => {}) }] });
  for (let id = 0; id <= 1024; id += 1) {
    server.last.send({ id, method: "tool/call", params: call({ callId: `c${id}`, name: "hang" }) });
  }
  await settled();
  assert.deepEqual([...answers().keys()], [1024]);
  assert.deepEqual([answers().get(1024).data.code, answers().get(1024).data.retryable], ["overloaded", true]);
});

// A promise that resolves too early would let a tool run ahead of the pipe.
test("output that was waited for is written, at whatever moment it came", async () => {
  for (let moment = 0; moment < 16; moment += 1) {
    let before = "";
    const { server } = await hosting({ tools: [{
      name: "two",
      run: async (_, { output }) => {
        void output("a");
        for (let n = 0; n < moment; n += 1) await undefined;
        await output("b");
        await settled();
        before = server.last.sent("tool/output").map(({ text }) => text).join("");
        return "";
      },
    }] });
    server.last.send({ id: 1, method: "tool/call", params: call({ name: "two" }) });
    await settled();
    await settled();
    assert.equal(before, "ab", `after ${moment} moments`);
  }
});

// law 6
test("what has no form in JSON ends its own call and no other", async () => {
  const endless = /** @type {any} */ ({});
  endless.self = endless;
  const { server, connection, answers } = await hosting({
    models: [{ name: "own", stream: async function* () { yield endless; } }],
    tools: [
      { name: "answer", run: () => [endless] },
      { name: "progress", run: async (_, { progress }) => (void progress(1n), "done") },
      { name: "facts", run: () => { throw new PolychatError("busy", "no", { facts: { endless } }); } },
      echo,
    ],
  });
  for (const [id, name] of ["answer", "progress", "facts", "echo"].entries()) {
    server.last.send({ id, method: "tool/call", params: call({ callId: `c${id}`, name, arguments: { word: "hi" } }) });
  }
  server.last.send({ id: 4, method: "model/stream", params: call({ callId: "c4", model: "own" }) });
  await settled();
  for (const id of [0, 1, 2, 4]) assert.match(answers().get(id).message, /no form in JSON/);
  assert.deepEqual(answers().get(3), { parts: [{ type: "text", text: "you said hi" }] });
  assert.equal(connection.state, "open");
});
