import assert from "node:assert/strict";
import { test } from "node:test";
import { PolychatError, Rejected } from "../src/index.js";
import { settled } from "../testkit/clock.js";
import { collect, connected } from "../testkit/client.js";
import { SILENCE, recorded, refusal } from "../testkit/server.js";

/** @param {string} chatId @param {string} text */
function chunk(chatId, text) {
  return {
    cursor: "1-1-0-1",
    event: { chatId, turnId: 3, type: "message.chunk", messageId: 4, offset: 0, text },
  };
}

// REQ-3, REQ-10
test("each stream brings the events of its own subscription", async () => {
  const { server, world } = await connected();
  const [a, b] = [collect(world.chat("a").events()), collect(world.chat("b").events())];
  await settled();
  server.last.event("s2", chunk("b", "for b"));
  server.last.event("s1", chunk("a", "for a"));
  server.last.event("s1", recorded("a", 2));
  await settled();
  assert.deepEqual(a.items.map(({ event }) => event.type), ["message.chunk", "chat.closed"]);
  assert.deepEqual(b.items, [chunk("b", "for b")]);
});

test("a stream begins where it is told to", async () => {
  const { server, world } = await connected();
  server.on("log/read", () => ({ type: "log", events: [], head: 7 }));
  for (const options of [undefined, { start: /** @type {const} */ ("now") }, { after: "7-3-2-11" }]) {
    await world.chat("a").events(options).ready;
  }
  world.events();
  await settled();
  assert.deepEqual(server.last.sent("events/subscribe"), [
    { scope: "chat", chatId: "a", start: "start" },
    { scope: "chat", chatId: "a", start: "now" },
    { scope: "chat", chatId: "a", start: "after", cursor: "7-3-2-11" },
    { scope: "world", start: "now" },
  ]);
});

test("events that come right behind the answer are not lost", async () => {
  const { server, world } = await connected();
  server.on("events/subscribe", (_, connection) => {
    queueMicrotask(() => connection.event("s1", recorded("a", 1)));
    return { subscriptionId: "s1" };
  });
  const events = collect(world.chat("a").events());
  await settled();
  assert.equal(events.items.length, 1);
});

// REQ-13
test("an event with a missing, invalid or foreign chat id ends its own stream, is counted and surfaced", async () => {
  const event = { seq: 1, at: 1, type: "chat.closed" };
  const cursor = "1-0-0-0";
  for (const [reason, notice] of /** @type {[string, any][]} */ ([
    ["missing_chat_id", { cursor, event }],
    ["invalid_chat_id", { cursor, event: { ...event, chatId: 7 } }],
    ["invalid_chat_id", { cursor, event: { ...event, chatId: "" } }],
    ["invalid_chat_id", { cursor, event: { ...event, chatId: ".." } }],
    ["invalid_chat_id", { cursor, event: { ...event, chatId: "a\u0000" } }],
    ["invalid_chat_id", { cursor, event: { ...event, chatId: "ü".repeat(65) } }],
    ["foreign_chat", { cursor, event: { ...event, chatId: "b" } }],
    ["foreign_chat", { cursor, event: { ...event, chatId: "a " } }],
    ["foreign_chat", { event: { type: "ended", reason: "deleted", chatId: "b" } }],
    ["missing_chat_id", { event: { type: "ended", reason: "deleted" } }],
    ["unknown_type", { cursor, event: { ...event, chatId: "a", type: "chat.new" } }],
    ["foreign_world", { cursor, worldId: "other", event: { ...event, chatId: "a" } }],
    ["foreign_world", { cursor, worldId: undefined, event: { ...event, chatId: "a" } }],
    ["malformed", { event: { ...event, chatId: "a" } }],
    ["malformed", { cursor, event: { ...event, chatId: "a", seq: "1" } }],
    ["malformed", { cursor, event: { ...event, chatId: "a", seq: 2 ** 53 } }],
    ["malformed", { cursor, event: 7 }],
  ])) {
    const { server, world, connection, diagnostics } = await connected();
    const [bad, good] = [collect(world.chat("a").events()), collect(world.chat("c").events())];
    await settled();
    server.last.event("s1", recorded("a", 1));
    server.last.event("s1", notice);
    server.last.event("s1", recorded("a", 2));
    server.last.event("s2", recorded("c", 1));
    await settled();
    assert.deepEqual(bad.items, [recorded("a", 1)], reason);
    assert.ok(bad.error instanceof Rejected, reason);
    assert.equal(bad.error.facts["reason"], reason);
    assert.deepEqual(good.items, [recorded("c", 1)]);
    assert.ok(!good.done);
    assert.equal(connection.rejected, 1);
    assert.deepEqual(diagnostics.map(({ kind, reason }) => ({ kind, reason })), [{ kind: "rejected", reason }]);
    assert.deepEqual(server.last.sent("events/unsubscribe"), [{ subscriptionId: "s1" }]);
  }
});

// REQ-13
test("in the world's feed, too, what names no chat is refused", async () => {
  for (const [reason, event] of /** @type {[string, any][]} */ ([
    ["missing_chat_id", { type: "chat.created" }],
    ["invalid_chat_id", { type: "chat.status", chatId: "..", kind: "idle" }],
    ["unknown_type", { type: "message.chunk", chatId: "a", text: "x", offset: 0 }],
    ["foreign_chat", { type: "ended", chatId: "a", reason: "deleted" }],
  ])) {
    const { server, world, connection } = await connected();
    const feed = collect(world.events());
    await settled();
    server.last.event("s1", { event });
    await settled();
    assert.equal(feed.error?.facts.reason, reason);
    assert.equal(connection.rejected, 1);
  }
});

// REQ-13
test("an answer about another chat, another prompt or another question is refused", async () => {
  const { server, world, connection } = await connected();
  server
    .on("log/read", () => ({ type: "log", events: [recorded("a", 1).event, recorded("b", 2).event], head: 2 }))
    .on("chat/snapshot", () => ({ type: "snapshot", summary: { chatId: "a" }, status: { chatId: "b" } }))
    .on("prompt/send", () => ({ type: "accepted", promptId: "another", acceptedSeq: 1 }))
    .on("messages/list", () => ({ type: "done" }))
    .on("search", () => ({ type: "found", hits: [{ chatId: "b" }] }))
    .on("chat/fork", () => ({ type: "chat", chatId: "not this" }));
  const chat = world.chat("a");
  for (const [reason, call] of /** @type {[string, () => Promise<unknown>][]} */ ([
    ["foreign_chat", () => chat.log().next()],
    ["foreign_chat", () => chat.snapshot()],
    ["wrong_prompt", () => chat.prompt("hello")],
    ["wrong_kind", () => chat.messages().next()],
    ["foreign_chat", () => world.search("x", { chatId: "a" }).next()],
    ["foreign_chat", () => chat.fork(3, { chatId: "this" })],
  ])) {
    await assert.rejects(call, (error) => error instanceof Rejected && error.facts["reason"] === reason);
  }
  assert.equal(connection.rejected, 6);
});

// law 7, law 4
test("a stream that is not read holds as many events as there is room for, and then a cursor at the server", async () => {
  const { server, world } = await connected({ eventsWaitingMax: 4 });
  assert.deepEqual(server.last.sent("initialize")[0].limits, { eventsUnderWayMax: 4 });
  const events = world.chat("a").events();
  await events.ready;
  for (let seq = 1; seq <= 4; seq += 1) server.last.event("s1", recorded("a", seq));
  await settled();
  assert.deepEqual(server.last.sent("events/more"), []);
  await events.next();
  await settled();
  assert.deepEqual(server.last.sent("events/more"), []);
  await events.next();
  await settled();
  assert.deepEqual(server.last.sent("events/more"), [{ subscriptionId: "s1", events: 2 }]);
  for (let seq = 5; seq <= 6; seq += 1) server.last.event("s1", recorded("a", seq));
  await settled();
  const rest = collect(events);
  await settled();
  assert.deepEqual(rest.items.map(({ cursor }) => cursor), ["3-0-0-0", "4-0-0-0", "5-0-0-0", "6-0-0-0"]);
});

// law 7: what the server does not know of any more would be counted against this client
test("no room is made in a stream that has ended, was left or broke off, however much of it is still read", async () => {
  const { server, world } = await connected({ eventsWaitingMax: 4 });
  const ends = {
    ended: () => server.last.event("of ended", { event: { type: "ended", chatId: "ended", reason: "deleted" } }),
    broken: () => server.last.event("of broken", recorded("another", 4)),
    left: () => void streams.get("left")?.return(),
  };
  server.on("events/subscribe", ({ chatId }) => ({ subscriptionId: `of ${chatId}` }));
  const streams = new Map(Object.keys(ends).map((id) => [id, world.chat(id).events()]));
  for (const [chatId, stream] of streams) {
    await stream.ready;
    for (let seq = 1; seq <= 3; seq += 1) server.last.event(`of ${chatId}`, recorded(chatId, seq));
    await settled();
    ends[/** @type {keyof typeof ends} */ (chatId)]();
    await settled();
    const read = collect(stream);
    await settled();
    assert.equal(read.items.length, { ended: 4, broken: 3, left: 0 }[chatId]);
  }
  const awaited = collect(world.chat("awaited").events());
  await settled();
  server.last.event("of awaited", recorded("awaited", 1));
  await settled();
  server.last.event("of awaited", { event: { type: "ended", chatId: "awaited", reason: "deleted" } });
  await settled();
  assert.equal(awaited.items.length, 2);
  assert.deepEqual(server.last.sent("events/more"), []);
});

// law 7
test("a server that sends more than there is room for loses that stream", async () => {
  const { server, world, connection } = await connected({ eventsWaitingMax: 2 });
  const events = world.chat("a").events();
  await events.ready;
  for (let seq = 1; seq <= 3; seq += 1) server.last.event("s1", recorded("a", seq));
  await settled();
  const read = collect(events);
  await settled();
  assert.equal(read.items.length, 2);
  assert.equal(read.error.facts.reason, "more_events_than_room");
  assert.equal(connection.rejected, 1);
});

// REQ-6, REQ-10
test("leaving a stream unsubscribes once, and what is still under way of it is no fault", async () => {
  const { server, world, connection } = await connected();
  const [left, kept] = [world.chat("a").events(), collect(world.chat("b").events())];
  await left.ready;
  for await (const _ of (server.last.event("s1", recorded("a", 1)), left)) break;
  server.last.event("s1", recorded("a", 2));
  server.last.event("s2", recorded("b", 1));
  await left.return();
  await settled();
  assert.deepEqual(server.last.sent("events/unsubscribe"), [{ subscriptionId: "s1" }]);
  assert.deepEqual(await left.next(), { done: true, value: undefined });
  assert.equal(connection.rejected, 0);
  assert.equal(kept.items.length, 1);
  assert.equal(server.last.sent("turn/cancel").length, 0);
});

test("leaving before the subscription is answered unsubscribes when it is", async () => {
  const { server, world } = await connected();
  const abort = new AbortController();
  const events = collect(world.chat("a").events({ signal: abort.signal }));
  abort.abort();
  await settled();
  assert.ok(events.done && events.error === undefined);
  assert.deepEqual(server.last.sent("events/unsubscribe"), [{ subscriptionId: "s1" }]);
});

test("a stream that has ended holds on to no signal", async () => {
  const { world } = await connected();
  const abort = new AbortController();
  /** @type {string[]} */
  const listening = [];
  const { signal } = abort;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (/** @type {any[]} */ ...args) => (listening.push("+"), add.apply(signal, /** @type {any} */ (args)));
  signal.removeEventListener = (/** @type {any[]} */ ...args) => (listening.push("-"), remove.apply(signal, /** @type {any} */ (args)));
  const events = world.chat("a").events({ signal });
  await events.ready;
  await events.return();
  assert.deepEqual(listening, ["+", "-"]);
});

test("a refused subscription is told to who waits and to who reads", async () => {
  const { server, world } = await connected();
  server.on("events/subscribe", () => {
    throw refusal("unknown_chat", { chatId: "a" });
  });
  const events = world.chat("a").events();
  await assert.rejects(events.ready, { code: "unknown_chat" });
  await assert.rejects(events.next(), { code: "unknown_chat" });
  assert.deepEqual(await events.next(), { done: true, value: undefined });
});

// law 7: a server takes 1,024 requests of a connection at the same time
test("however many streams begin at once over a slow server, each is subscribed, and no other call waits for that", async () => {
  const { server, world } = await connected();
  /** @type {(() => void)[]} */
  let open = [];
  const counts = { asked: 0, ready: 0, atOnce: 0 };
  server.on("events/subscribe", () => {
    if (open.length === 1024) throw refusal("overloaded", { retryable: true, retryAfterMs: 50 });
    const subscriptionId = `s${(counts.asked += 1)}`;
    return new Promise((resolve) => void open.push(() => resolve({ subscriptionId })));
  });
  server.on("prompt/send", ({ promptId }) => ({ type: "accepted", promptId, acceptedSeq: 1 }));
  const streams = Array.from({ length: 1_200 }, (_, n) => world.chat(`chat ${n}`).events());
  for (const { ready } of streams) void ready.then(() => (counts.ready += 1), () => {});
  await settled();
  await world.chat("a").prompt("hello");
  while (open.length > 0) {
    counts.atOnce = Math.max(counts.atOnce, open.length);
    const answered = open;
    open = [];
    for (const answer of answered) answer();
    await settled();
  }
  assert.deepEqual(counts, { asked: 1_200, ready: 1_200, atOnce: 256 });
});

// law 7
test("streams that wait for their turn to subscribe are bounded, and one that is left waits no more", async () => {
  const { server, clock, world } = await connected({ requestsInFlightMax: 1, requestsWaitingMax: 1 });
  server.on("events/subscribe", () => SILENCE);
  const [first, left] = [collect(world.chat("first").events()), world.chat("left").events()];
  await assert.rejects(world.chat("too many").events().ready, { code: "overloaded", retryable: true });
  await left.return();
  const second = collect(world.chat("second").events());
  await settled();
  assert.deepEqual(server.last.sent("events/subscribe").map(({ chatId }) => chatId), ["first"]);
  // Who waited when the connection was lost waits in the next one, once.
  server.on("events/subscribe", ({ chatId }) => ({ subscriptionId: `of ${chatId}` }));
  server.last.cut();
  await clock.pass(1_000);
  assert.deepEqual(server.last.sent("events/subscribe").map(({ chatId }) => chatId), ["first", "second"]);
  for (const chatId of ["first", "second"]) server.last.event(`of ${chatId}`, recorded(chatId, 1));
  await settled();
  assert.deepEqual([first.items.length, second.items.length], [1, 1]);
});

test("a stream that is refused when it begins tries again as often as makes sense, where the server says when", async () => {
  const { server, clock, world } = await connected();
  /** @type {Record<string, number>} */
  const tries = { soon: 0, never: 0, full: 0 };
  server.on("events/subscribe", ({ chatId }) => {
    const tried = (tries[chatId] = (tries[chatId] ?? 0) + 1);
    if (chatId === "full") throw refusal("subscribers_full", { retryable: true });
    if (chatId === "never" || tried < 3) throw refusal("overloaded", { retryable: true, retryAfterMs: 50 });
    return { subscriptionId: "s1" };
  });
  const [soon, never, full] = ["soon", "never", "full"].map((id) => world.chat(id).events().ready);
  await assert.rejects(async () => full, { code: "subscribers_full" });
  await clock.pass(99);
  assert.deepEqual(tries, { soon: 2, never: 2, full: 1 });
  await clock.pass(1);
  await soon;
  await clock.pass(60_000);
  await assert.rejects(async () => never, { code: "overloaded" });
  assert.deepEqual(tries, { soon: 3, never: 100, full: 1 });
  assert.equal(clock.waiting, 0);
});

test("the last event says why nothing follows, and nothing is unsubscribed", async () => {
  const { server, world } = await connected();
  const events = collect(world.chat("a").events());
  await settled();
  const ended = { event: { type: "ended", chatId: "a", reason: "deleted" } };
  server.last.event("s1", ended);
  await settled();
  assert.deepEqual(events.items, [ended]);
  assert.ok(events.done && events.error === undefined);
  assert.deepEqual(server.last.sent("events/unsubscribe"), []);
});

test("a subscription whose id was used before is refused", async () => {
  const { server, world, connection } = await connected();
  server.on("events/subscribe", () => ({ subscriptionId: "s1" }));
  const [first, second] = [world.chat("a").events(), world.chat("b").events()];
  await first.ready;
  await assert.rejects(second.ready, Rejected);
  assert.equal(connection.rejected, 1);
});

// law 6
test("an event that is too long ends its own stream", async () => {
  const { server, world } = await connected();
  const [bad, good] = [collect(world.chat("a").events()), collect(world.chat("b").events())];
  await settled();
  const begin = '{"jsonrpc":"2.0","method":"event","params":{"subscriptionId":"s1","worldId":"home","eve';
  server.last.unreadable("too_long", begin);
  server.last.event("s2", recorded("b", 1));
  await settled();
  assert.ok(bad.error instanceof PolychatError);
  assert.equal(good.items.length, 1);
});

test("no option of a chat's functions names another chat, and none that is misspelt is passed over", async () => {
  const { world, server } = await connected();
  const ada = world.chat("ada");
  const other = /** @type {any} */ ({ chatId: "bob", title: "t" });
  const misspelt = /** @type {any} */ ({ since: "now" });
  await assert.rejects(ada.prompt("hello", other), { code: "invalid_input", message: /this is chat ada/ });
  await assert.rejects(ada.update(other), { code: "invalid_input", message: /this is chat ada/ });
  assert.throws(() => ada.events(misspelt), { code: "invalid_input", message: /there is no since/ });
  assert.throws(() => ada.messages(misspelt), { code: "invalid_input" });
  assert.throws(() => ada.log(misspelt), { code: "invalid_input" });
  assert.deepEqual(server.last.received.map(({ method }) => method), ["initialize"]);
});

test("an id that no chat can have is refused before anything is sent", async () => {
  const { world } = await connected();
  for (const id of ["", ".", "..", "a\n", "x".repeat(129)]) {
    assert.throws(() => world.chat(id), { code: "invalid_input" });
  }
  assert.equal(world.chat("ü 🌍").id, "ü 🌍");
});
