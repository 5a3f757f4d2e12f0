import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { ConnectionLost, PolychatError } from "../src/index.js";
import { settled } from "../testkit/clock.js";
import { connected } from "../testkit/client.js";
import { FakeServer, SILENCE, refusal } from "../testkit/server.js";

test("answers find their questions in whatever order they come", async () => {
  const { server, connection } = await connected();
  /** @type {Map<string, (result: unknown) => void>} */
  const answers = new Map();
  server.on("echo", ({ word }) => new Promise((resolve) => answers.set(word, resolve)));
  const words = ["a", "b", "c"].map((word) => connection.request("echo", { word }));
  await settled();
  for (const word of ["c", "a", "b"]) answers.get(word)?.({ word });
  assert.deepEqual(await Promise.all(words), [{ word: "a" }, { word: "b" }, { word: "c" }]);
});

test("requests are sent in the order of the calls", async () => {
  const { server, world } = await connected();
  const chat = world.chat("a");
  server.on("prompt/send", ({ promptId }) => ({ type: "accepted", promptId, acceptedSeq: 1 }));
  await Promise.all(["1", "2", "3"].map((promptId) => chat.prompt("hello", { promptId })));
  assert.deepEqual(server.last.sent("prompt/send").map(({ promptId }) => promptId), ["1", "2", "3"]);
});

test("a refusal is an error with its code, whether to try again, and the facts", async () => {
  const { server, world } = await connected();
  server.on("prompt/send", () => {
    throw refusal("queue_full", { max: 8, retryable: true, retryAfterMs: 50 });
  });
  await assert.rejects(world.chat("a").prompt("hello"), (error) => {
    assert.ok(error instanceof PolychatError);
    const { code, retryable, retryAfterMs, facts } = error;
    assert.deepEqual({ code, retryable, retryAfterMs, facts }, {
      code: "queue_full", retryable: true, retryAfterMs: 50, facts: { max: 8 },
    });
    return true;
  });
});

test("faults of the protocol have codes as well", async () => {
  const { connection } = await connected();
  await assert.rejects(connection.request("no/such", {}), { code: "unknown_method", retryable: false });
});

test("an aborted call is cancelled at the server, and its late answer is no surprise", async () => {
  const { server, connection } = await connected();
  /** @type {(result: unknown) => void} */
  let answer = () => {};
  server.on("slow", () => new Promise((resolve) => (answer = resolve)));
  const abort = new AbortController();
  const call = connection.request("slow", {}, { signal: abort.signal });
  await settled();
  abort.abort(new Error("enough"));
  await assert.rejects(call, { message: "enough" });
  await settled();
  const { id } = server.last.received.find(({ method }) => method === "slow") ?? {};
  assert.deepEqual(server.last.sent("$/cancelRequest"), [{ id }]);
  answer({});
  await settled();
  assert.equal(connection.rejected, 0);
});

test("a call whose signal is aborted already is never sent", async () => {
  const { server, connection } = await connected();
  const call = connection.request("never", {}, { signal: AbortSignal.abort(new Error("no")) });
  await assert.rejects(call, { message: "no" });
  await settled();
  assert.equal(server.last.sent("never").length, 0);
});

// REQ-13, law 6
test("what belongs to nobody is counted and surfaced, and ends nothing", async () => {
  const { server, connection, diagnostics } = await connected();
  for (const text of [
    "no JSON",
    "[]",
    "null",
    '{"jsonrpc":"1.0","id":1,"result":{}}',
    '{"jsonrpc":"2.0","id":99,"result":{}}',
    '{"jsonrpc":"2.0","id":"1","result":{}}',
    '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}',
    '{"jsonrpc":"2.0","id":99}',
    '{"jsonrpc":"2.0","method":"event","params":{"subscriptionId":"s77"}}',
    '{"jsonrpc":"2.0","method":"event"}',
    '{"jsonrpc":"2.0","method":"event","id":{}}',
  ]) {
    server.last.raw(text);
  }
  await settled();
  assert.equal(connection.rejected, 11);
  assert.deepEqual(diagnostics.map(({ reason }) => reason), [
    ...["not_json", "not_a_message", "not_a_message", "not_a_message"],
    ...["answer_to_no_question", "answer_to_no_question", "answer_to_no_question", "answer_to_no_question"],
    ...["unknown_subscription", "malformed", "not_a_message"],
  ]);
  server.on("still", () => ({ there: true }));
  assert.deepEqual(await connection.request("still", {}), { there: true });
});

test("a notification that a newer server may send is no fault", async () => {
  const { server, connection } = await connected();
  server.last.send({ method: "$/new", params: {} });
  await settled();
  assert.equal(connection.rejected, 0);
});

test("a request of the server that nobody knows is answered so", async () => {
  const { server } = await connected();
  server.last.send({ id: 7, method: "no/such", params: {} });
  server.last.send({ id: 8, method: "ping", params: {} });
  await settled();
  const answers = server.last.received.filter(({ method }) => method === undefined);
  assert.equal(answers[0]?.error.code, -32601);
  assert.deepEqual(answers[1]?.result, {});
});

// law 6
test("an answer that is too long harms only who waits for it", async () => {
  const { server, connection } = await connected();
  server.on("huge", () => SILENCE).on("small", () => SILENCE);
  const [huge, small] = [connection.request("huge", {}), connection.request("small", {})];
  await settled();
  const id = (/** @type {string} */ name) => server.last.received.find(({ method }) => method === name)?.id ?? 0;
  server.last.unreadable("too_long", `{"jsonrpc":"2.0","id":${id("huge")},"result":{"ty`);
  await assert.rejects(huge, { code: "too_large" });
  server.last.send({ id: id("small"), result: { fine: true } });
  assert.deepEqual(await small, { fine: true });
  assert.equal(connection.rejected, 1);
});

test("when the connection is lost, who waits hears that it is", async () => {
  const { server, connection, states } = await connected({ reconnect: false });
  server.on("slow", () => SILENCE);
  const call = connection.request("slow", {});
  await settled();
  server.last.cut();
  await assert.rejects(call, (error) => error instanceof ConnectionLost && error.retryable);
  await assert.rejects(connection.request("slow", {}), { code: "connection_lost" });
  assert.equal(connection.state, "closed");
  assert.deepEqual(states, ["open", "closed"]);
});

// law 7
test("calls in flight are bounded, further ones wait in order, and beyond a bound they are refused", async () => {
  const { server, connection } = await connected({ requestsInFlightMax: 2, requestsWaitingMax: 2 });
  /** @type {(() => void)[]} */
  const answers = [];
  server.on("slow", () => new Promise((resolve) => void answers.push(() => resolve({}))));
  const calls = [1, 2, 3, 4].map((n) => connection.request("slow", { n }));
  const abort = new AbortController();
  await settled();
  assert.deepEqual(server.last.sent("slow"), [{ n: 1 }, { n: 2 }]);
  await assert.rejects(connection.request("slow", { n: 5 }), { code: "overloaded", retryable: true });
  answers[0]?.();
  await calls[0];
  const sixth = connection.request("slow", { n: 6 }, { signal: abort.signal });
  abort.abort(new Error("left the queue"));
  await assert.rejects(sixth, { message: "left the queue" });
  await settled();
  assert.deepEqual(server.last.sent("slow"), [{ n: 1 }, { n: 2 }, { n: 3 }]);
  answers[1]?.();
  await settled();
  for (const answer of answers) answer();
  await settled();
  for (const answer of answers) answer();
  await Promise.all(calls);
  assert.deepEqual(server.last.sent("slow"), [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
});

// law 6
test("a call with what has no form in JSON fails, and the connection stays", async () => {
  const { server, connection, world } = await connected();
  server.on("echo", (params) => params);
  const metadata = /** @type {any} */ ({ big: 1n });
  await assert.rejects(world.chat("a").prompt("hello", { metadata }), { code: "invalid_input", retryable: false });
  assert.deepEqual(await connection.request("echo", { word: "still here" }), { word: "still here" });
  assert.equal(connection.state, "open");
});

test("what the server would not take is refused here, by its bytes, and the connection stays", async () => {
  const server = new FakeServer();
  const worldId = "home";
  server.on("initialize", () => ({ protocolVersion: 1, worldId, limits: { frameBytesMax: 400 } }));
  server.on("prompt/send", ({ promptId }) => ({ type: "accepted", promptId, acceptedSeq: 1 }));
  server.on("host/register", () => ({}));
  const { world } = await connected({}, server);
  const chat = world.chat("a");
  for (const content of ["x".repeat(400), "\u20ac".repeat(133)]) {
    await assert.rejects(chat.prompt(content), (/** @type {any} */ { code, facts }) => code === "too_large" && facts.max === 400);
  }
  await chat.prompt("\u20ac".repeat(50));
  assert.equal(server.last.sent("prompt/send").length, 1);
  await world.host({ tools: [{ name: "long", run: () => "x".repeat(500) }] });
  server.last.send({ id: 1, method: "tool/call", params: { callId: "c", name: "long", arguments: {} } });
  await settled();
  assert.equal(server.last.received.at(-1)?.error.data.code, "too_large");
});

test("a question that is too long is answered, and taken for no answer", async () => {
  const { server, connection } = await connected();
  server.on("slow", () => SILENCE);
  let ended = false;
  void connection.request("slow", {}).finally(() => (ended = true)).catch(() => {});
  await settled();
  const { id } = server.last.received.find(({ method }) => method === "slow") ?? {};
  server.last.unreadable("too_long", `{"jsonrpc":"2.0","id":${id},"method":"model/stream","params":{"callId":"c`);
  await settled();
  assert.equal(ended, false);
  const answer = server.last.received.find((message) => message.method === undefined);
  assert.deepEqual([answer?.id, answer?.error?.data.code], [id, "too_large"]);
});

// law 7: an app may well have one signal for as long as it runs
test("a signal that outlives its calls keeps nothing of them", async () => {
  const { server, connection } = await connected({ requestsInFlightMax: 1 });
  server.on("echo", (params) => params);
  const { signal } = new AbortController();
  await Promise.all(["a", "b", "c"].map((word) => connection.request("echo", { word }, { signal })));
  assert.equal(getEventListeners(signal, "abort").length, 0);
});
