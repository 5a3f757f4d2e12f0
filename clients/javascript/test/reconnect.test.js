import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ConnectionLost, connect } from "../src/index.js";
import { ManualClock, settled } from "../testkit/clock.js";
import { collect, connected } from "../testkit/client.js";
import { FakeServer, SILENCE, recorded, refusal } from "../testkit/server.js";

/** @typedef {import("../testkit/server.js").FakeConnection} FakeConnection */

test("a lost connection comes back after a pause that doubles up to a bound", async () => {
  const { server, clock, connection, states } = await connected({
    reconnect: { pauseMsMin: 100, pauseMsMax: 500 },
  });
  server.up = false;
  server.last.cut();
  for (const pause of [100, 200, 400, 500, 500]) await clock.pass(pause);
  assert.deepEqual(clock.pauses, [100, 200, 400, 500, 500, 500]);
  server.up = true;
  await clock.pass(500);
  assert.equal(connection.state, "open");
  await clock.pass(500);
  server.last.cut();
  await clock.pass(99);
  assert.equal(connection.state, "waiting");
  await clock.pass(1);
  assert.equal(connection.state, "open");
  assert.deepEqual(states.slice(-3), ["waiting", "connecting", "open"]);
});

test("half of each pause is chance", async () => {
  const { server, clock } = await connected({ random: () => 0, reconnect: { pauseMsMin: 100 } });
  server.last.cut();
  await settled();
  assert.deepEqual(clock.pauses, [50]);
});

test("after as many tries as it may, the connection is closed for good and says so to all", async () => {
  const { server, clock, connection, world } = await connected({ reconnect: { attemptsMax: 2 } });
  const events = collect(world.chat("a").events());
  await settled();
  server.up = false;
  server.last.cut();
  const call = connection.request("echo", {});
  const refused = assert.rejects(call, { code: "connection_lost" });
  await clock.pass(60_000);
  await refused;
  assert.equal(connection.state, "closed");
  assert.ok(events.error instanceof ConnectionLost);
  assert.equal(clock.waiting, 0);
});

test("the first attempt is told and not repeated", async () => {
  const server = new FakeServer();
  server.up = false;
  const clock = new ManualClock();
  await assert.rejects(connect({ transport: server.transport, clock }), { code: "connection_lost" });
  assert.equal(clock.waiting, 0);
});

test("another world, or another protocol, is not what was meant", async () => {
  for (const [change, expected] of /** @type {[(server: FakeServer) => void, object][]} */ ([
    [(server) => (server.worldId = "other"), { code: "rejected" }],
    [(server) => (server.protocolVersion = 2), { code: "unsupported" }],
  ])) {
    const server = new FakeServer();
    change(server);
    await assert.rejects(connect({ transport: server.transport, worldId: "home" }), expected);
    // Also when it is found there after the connection was lost: that is nothing that waiting mends.
    const { server: later, clock, connection } = await connected();
    change(later);
    later.last.cut();
    await clock.pass(60_000);
    assert.equal(connection.state, "closed");
    assert.equal(later.connections.length, 2);
    assert.ok(!later.last.isOpen);
  }
});

test("calls made while the connection is away wait for it, in order", async () => {
  const { server, clock, connection } = await connected();
  server.on("echo", (params) => params);
  server.last.cut();
  const calls = [1, 2, 3].map((n) => connection.request("echo", n));
  const abort = new AbortController();
  const given = connection.request("echo", 4, { signal: abort.signal });
  abort.abort(new Error("gave up"));
  await assert.rejects(given, { message: "gave up" });
  await clock.pass(1_000);
  assert.deepEqual(await Promise.all(calls), [1, 2, 3]);
  assert.deepEqual(server.last.sent("echo"), [1, 2, 3]);
});

test("what only reads is asked again; a command under way fails as safe to repeat", async () => {
  const { server, clock, world } = await connected();
  server.on("chat/list", () => SILENCE).on("chat/close", () => SILENCE);
  const list = world.list().next();
  const close = world.chat("a").close();
  await settled();
  server.last.cut();
  await assert.rejects(close, { code: "connection_lost", retryable: true });
  server.on("chat/list", () => ({ type: "chats", chats: [{ chatId: "a" }] }));
  await clock.pass(1_000);
  assert.deepEqual(await list, { done: false, value: { chatId: "a" } });
  assert.equal(server.last.sent("chat/close").length, 0);
});

test("opening a chat is asked again, because it does no harm twice", async () => {
  const { server, clock, world } = await connected();
  server.on("chat/create", () => SILENCE);
  const opening = world.openChat("a");
  await settled();
  server.last.cut();
  server.on("chat/create", () => {
    throw refusal("chat_exists", { chatId: "a" });
  });
  await clock.pass(1_000);
  assert.equal((await opening).id, "a");
});

test("a prompt that was under way is looked up: acknowledged if it was accepted", async () => {
  const { server, clock, world } = await connected();
  server.on("prompt/send", () => SILENCE);
  const sent = world.chat("a").prompt("hello", { promptId: "p" });
  await settled();
  server.last.cut();
  server.on("prompt/outcome", () => ({ type: "prompt", state: "running", acceptedSeq: 5, turnId: 6 }));
  await clock.pass(1_000);
  const { promptId, acceptedSeq, chatId } = await sent;
  assert.deepEqual({ promptId, acceptedSeq, chatId }, { promptId: "p", acceptedSeq: 5, chatId: "a" });
  assert.deepEqual(server.last.sent("prompt/outcome"), [{ chatId: "a", promptId: "p" }]);
  assert.equal(server.last.sent("prompt/send").length, 0);
});

test("a prompt that was under way and not accepted fails as safe to send again", async () => {
  for (const code of ["unknown_prompt", "unknown_chat"]) {
    const { server, clock, world } = await connected();
    server.on("prompt/send", () => SILENCE);
    const sent = world.chat("a").prompt("hello");
    const lost = assert.rejects(sent, (error) => error instanceof ConnectionLost && error.retryable);
    await settled();
    server.last.cut();
    server.on("prompt/outcome", () => {
      throw refusal(code);
    });
    await clock.pass(1_000);
    await lost;
  }
});

test("a prompt that was under way when the connection was lost for good is not looked up for ever", async () => {
  const { server, world } = await connected({ reconnect: false });
  server.on("prompt/send", () => SILENCE);
  const sent = world.chat("a").prompt("hello");
  await settled();
  server.last.cut();
  await assert.rejects(sent, ConnectionLost);
});

// law 4
test("a stream goes on after the last event that was handed out, once what waits has been read", async () => {
  const { server, clock, world } = await connected();
  const events = world.chat("a").events();
  await events.ready;
  for (let seq = 1; seq <= 3; seq += 1) server.last.event("s1", recorded("a", seq));
  await settled();
  await events.next();
  server.last.cut();
  await clock.pass(1_000);
  assert.deepEqual(server.last.sent("events/subscribe"), []);
  await events.next();
  await events.next();
  await settled();
  assert.deepEqual(server.last.sent("events/subscribe"), [
    { scope: "chat", chatId: "a", start: "after", cursor: "3-0-0-0" },
  ]);
  server.last.event("s2", recorded("a", 4));
  assert.deepEqual((await events.next()).value?.cursor, "4-0-0-0");
});

// law 4
test("a stream from now on misses nothing, though the connection is lost before its first event", async () => {
  const { server, clock, world } = await connected();
  server.on("log/read", () => ({ type: "log", events: [], head: 7 }));
  const events = world.chat("a").events({ start: "now" });
  await events.ready;
  server.last.cut();
  await clock.pass(1_000);
  assert.deepEqual(server.last.sent("events/subscribe"), [
    { scope: "chat", chatId: "a", start: "after", cursor: "7-0-0-0" },
  ]);
});

test("a subscription that is refused for now is tried again; for good, it ends the stream", async () => {
  const { server, clock, world } = await connected();
  const stays = collect(world.chat("a").events());
  await settled();
  server.on("events/subscribe", () => {
    throw refusal("overloaded", { retryable: true, retryAfterMs: 50 });
  });
  server.last.cut();
  await clock.pass(1_000);
  assert.ok(!stays.done);
  server.on("events/subscribe", () => ({ subscriptionId: "s9" }));
  await clock.pass(50);
  server.last.event("s9", recorded("a", 1));
  await settled();
  assert.equal(stays.items.length, 1);
  server.on("events/subscribe", () => {
    throw refusal("cursor_invalid");
  });
  server.last.cut();
  await clock.pass(1_000);
  assert.equal(stays.error.code, "cursor_invalid");
});

test("a chat that was deleted while the connection was away ends like one that is deleted now", async () => {
  const { server, clock, world } = await connected();
  const events = collect(world.chat("a").events());
  await settled();
  server.on("events/subscribe", () => {
    throw refusal("chat_deleted", { chatId: "a" });
  });
  server.last.cut();
  await clock.pass(1_000);
  assert.deepEqual(events.items, [{ event: { type: "ended", chatId: "a", reason: "deleted" } }]);
  assert.ok(events.done && events.error === undefined);
});

test("a server that goes down in order ends no stream of who comes back, and those of who does not", async () => {
  const ended = { event: { type: "ended", chatId: "a", reason: "world_closed" } };
  for (const reconnect of [true, false]) {
    const { server, clock, world } = await connected({ reconnect });
    const events = collect(world.chat("a").events());
    await settled();
    server.last.event("s1", recorded("a", 1));
    server.last.event("s1", ended);
    await settled();
    server.last.cut();
    await clock.pass(1_000);
    if (reconnect) server.last.event("s2", recorded("a", 2));
    await settled();
    assert.equal(events.done, !reconnect);
    assert.deepEqual(events.items, [recorded("a", 1), reconnect ? recorded("a", 2) : ended]);
  }
});

test("closing ends streams without an error, fails what waits, and leaves nothing behind", async () => {
  const { server, clock, connection, world } = await connected();
  const events = collect(world.chat("a").events());
  server.on("slow", () => SILENCE);
  const call = connection.request("slow", {});
  await settled();
  await Promise.all([connection.close(), assert.rejects(call, ConnectionLost)]);
  await settled();
  assert.ok(events.done && events.error === undefined);
  assert.ok(!server.last.isOpen);
  assert.equal(clock.waiting, 0);
  await assert.rejects(connection.request("slow", {}), { code: "closed" });
  await connection.close();
});

test("closing while the connection is away tries no more", async () => {
  const { server, clock, connection } = await connected();
  server.last.cut();
  await connection.close();
  await clock.pass(60_000);
  assert.equal(server.connections.length, 1);
});

test("what is closed stays closed, though the server answers its greeting after that", async () => {
  const server = new FakeServer();
  // A pipe that cannot be closed from this side.
  const transport = () => ({ ...server.transport(), close() {} });
  const { clock, connection, states } = await connected({ transport }, server);
  /** @type {(server: unknown) => void} */
  let greet = () => {};
  server.on("initialize", () => new Promise((resolve) => (greet = resolve)));
  server.last.cut();
  await clock.pass(1_000);
  await connection.close();
  greet({ protocolVersion: 1, worldId: "home" });
  await settled();
  assert.equal(connection.state, "closed");
  assert.equal(states.at(-1), "closed");
});

/** A server whose chats have logs, and which sends each subscription as many events as it may. */
class LogServer extends FakeServer {
  /** @type {Map<string, any[]>} */
  logs = new Map();
  /** @type {Map<string, { connection: FakeConnection, chatId: string, at: number, room: number }>} */
  #readers = new Map();
  #ids = 0;

  /** @param {number} room */
  constructor(room) {
    super();
    this.on("events/subscribe", ({ chatId, cursor }, connection) => {
      const subscriptionId = `s${(this.#ids += 1)}`;
      const at = cursor === undefined ? 0 : Number.parseInt(cursor, 10);
      this.#readers.set(subscriptionId, { connection, chatId, at, room });
      return { subscriptionId };
    });
  }

  /** @param {string} chatId */
  append(chatId) {
    const log = this.logs.get(chatId) ?? [];
    this.logs.set(chatId, [...log, recorded(chatId, log.length + 1)]);
  }

  /** Sends what can be sent. */
  pump() {
    for (const [id, reader] of this.#readers) {
      const granted = reader.connection.sent("events/more").filter(({ subscriptionId }) => subscriptionId === id);
      const room = reader.room + granted.reduce((sum, { events }) => sum + events, 0);
      const log = this.logs.get(reader.chatId) ?? [];
      for (let left = room; reader.at < log.length && left > 0; left -= 1) {
        reader.connection.event(id, log[reader.at]);
        reader.at += 1;
        reader.room -= 1;
      }
    }
  }
}

// law 4, NFR-1
test("whenever the connection is lost, every recorded event comes exactly once, in order, in its own chat", async () => {
  const chats = ["a", "b", "c"];
  const step = fc.oneof(
    fc.record({ kind: fc.constant("append"), chatId: fc.constantFrom(...chats) }),
    fc.record({ kind: fc.constant("read"), chatId: fc.constantFrom(...chats) }),
    fc.constant({ kind: "pump", chatId: "" }),
    fc.constant({ kind: "settle", chatId: "" }),
    fc.constant({ kind: "cut", chatId: "" }),
    fc.constant({ kind: "back", chatId: "" }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), fc.integer({ min: 1, max: 4 }), async (steps, room) => {
      const server = new LogServer(room);
      const { clock, world, connection } = await connected({ eventsWaitingMax: room }, server);
      const streams = new Map(chats.map((chatId) => [chatId, world.chat(chatId).events()]));
      /** @type {Map<string, Promise<any>[]>} */
      const read = new Map(chats.map((chatId) => [chatId, []]));
      const readOne = (/** @type {string} */ chatId) => {
        const next = streams.get(chatId)?.next();
        if (next) read.get(chatId)?.push(next);
      };
      const back = async () => {
        await settled();
        await clock.pass(60_000);
        server.pump();
        await settled();
      };
      for (const { kind, chatId } of steps) {
        if (kind === "append") server.append(chatId);
        else if (kind === "read") readOne(chatId);
        else if (kind === "pump") server.pump();
        else if (kind === "settle") await settled();
        else if (kind === "cut") server.last.cut();
        else await back();
      }
      for (const chatId of chats) {
        const [log, reads] = [server.logs.get(chatId) ?? [], read.get(chatId) ?? []];
        while (reads.length < log.length) readOne(chatId);
      }
      for (let n = 0; n < 80; n += 1) await back();
      for (const chatId of chats) {
        const log = server.logs.get(chatId) ?? [];
        const found = await Promise.all((read.get(chatId) ?? []).slice(0, log.length));
        assert.deepEqual(found.map(({ value }) => value), log);
      }
      assert.equal(connection.rejected, 0);
      await connection.close();
    }),
    { numRuns: 60 },
  );
});

// Otherwise what is asked again would be asked of the dead connection, for ever and without a pause.
test("a connection that is lost together with its greeting is made again", async () => {
  const server = new FakeServer();
  let greeted = 0;
  /** @type {() => import("../src/peer.js").Transport} */
  const transport = () => {
    greeted += 1;
    const inner = server.transport();
    if (greeted === 2) return leaving(inner);
    return inner;
  };
  const { clock, connection, states } = await connected({ transport }, server);
  server.last.cut();
  await clock.pass(1_000);
  await settled();
  await clock.pass(1_000);
  assert.equal(greeted, 3);
  assert.deepEqual([connection.state, states.filter((state) => state === "open").length], ["open", 2]);
});

/** Closes in the very moment in which it has answered. @param {import("../src/peer.js").Transport} inner @returns {import("../src/peer.js").Transport} */
function leaving(inner) {
  return {
    ...inner,
    start: (handlers) => inner.start({
      ...handlers,
      message: (text) => {
        handlers.message(text);
        handlers.closed();
      },
    }),
  };
}

// law 7: a server that falls over as soon as it is spoken to is not asked ten times a second for ever
test("only a connection that held begins the pauses again", async () => {
  const { server, clock, connection } = await connected({
    reconnect: { pauseMsMin: 100, pauseMsMax: 1_000, attemptsMax: 3 },
  });
  for (const pause of [100, 200]) {
    server.last.cut();
    await clock.pass(pause);
    assert.equal(connection.state, "open");
  }
  await clock.pass(1_000);
  for (const pause of [100, 200, 400]) {
    server.last.cut();
    await clock.pass(pause - 1);
    assert.equal(connection.state, "waiting");
    await clock.pass(1);
  }
  assert.equal(connection.state, "open");
  server.last.cut();
  assert.equal(connection.state, "closed");
});
