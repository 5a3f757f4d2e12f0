/**
 * The bridge between Electron's main process and its windows, by Node's `MessageChannel`: there is no
 * Electron here. What is Electron's own is doubled as its declarations say, see `electron/README.md`.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";

import fc from "fast-check";

import * as channels from "../electron/channels.js";
import { connectToMain } from "../electron/renderer.js";
import { ConnectionLost, PolychatError } from "../src/errors.js";
import { apply, emptyChat } from "../src/fold.js";
import { createStore } from "../src/store.js";
import { wishes } from "../testkit/life.js";
import { bridged, quiet, until } from "../testkit/electron.js";
import { FakeWorld, settled } from "../testkit/fake-world.js";

/**
 * Main with a connection to a world in the test's hands, and any number of windows.
 *
 * @param {{ after: (end: () => Promise<void>) => void }} t
 * @param {object} [options]
 */
async function main(t, options = {}) {
  const world = new FakeWorld();
  /** What was asked of main's connection. @type {{ method: string, params: any, signal: AbortSignal, answer: (result: unknown) => void, fail: (error: unknown) => void }[]} */
  const asked = [];
  const connection = {
    world: /** @type {any} */ (world),
    server: /** @type {any} */ ({ protocolVersion: 1, server: { name: "test" }, worldId: "w", limits: {} }),
    request: (/** @type {string} */ method, /** @type {any} */ params, /** @type {any} */ { signal }) =>
      new Promise((answer, fail) => {
        signal.addEventListener("abort", () => fail(signal.reason));
        asked.push({ method, params, signal, answer, fail });
      }),
  };
  return { world, asked, connection, ...(await bridged(t, connection, options)) };
}

/** A page that speaks for itself, without the client. @param {import("../testkit/electron.js").Page} page @param {number} [room] */
async function raw(page, room = 2) {
  /** @type {any[]} */
  const heard = [];
  page.polychat.open();
  const port = /** @type {import("node:worker_threads").MessagePort} */ (page.ports.at(-1));
  port.on("message", (text) => heard.push(JSON.parse(text)));
  let id = 0;
  const tell = (/** @type {object} */ message) => port.postMessage(JSON.stringify({ jsonrpc: "2.0", ...message }));
  const ask = async (/** @type {string} */ method, /** @type {any} */ params = {}) => {
    const own = (id += 1);
    tell({ id: own, method, params });
    await until(() => heard.some((message) => message.id === own));
    const { result, error } = heard.find((message) => message.id === own);
    return error ? { refused: error.data?.code ?? error.code } : result;
  };
  const greeting = { protocolVersion: 1, client: { name: "raw" }, limits: { eventsUnderWayMax: room } };
  return { heard, port, tell, ask, greeting, events: () => heard.filter(({ method }) => method === "event") };
}

test("windows share a connection, and each gets what it subscribed to and nothing else", async (t) => {
  // REQ-5, REQ-10
  const { world, page, connect } = await main(t);
  const [one, two] = [await connect(page()), await connect(page())];
  const seen = /** @type {Record<string, any[]>} */ ({ a: [], b: [], both: [] });
  const read = async (/** @type {string} */ into, /** @type {AsyncIterable<any>} */ events) => {
    for await (const notice of events) seen[into]?.push(notice);
  };
  void read("a", one.world.chat("a").events());
  void read("b", two.world.chat("b").events());
  void read("both", two.world.chat("a").events());
  await until(() => world.chat("a").streams.size === 2 && world.chat("b").streams.size === 1);
  const play = ["send", "write", "end", "send", "write"].map((what) => ({ what, text: "tea ", n: 0 }));
  for (const id of ["a", "b"]) {
    world.chat(id).life.play(play);
    world.chat(id).release();
  }
  const count = world.chat("a").life.notices.length;
  await until(() => Object.values(seen).every((notices) => notices.length === count));
  assert.deepEqual(seen["a"], world.chat("a").life.notices);
  assert.deepEqual(seen["b"], world.chat("b").life.notices);
  assert.deepEqual(seen["both"], world.chat("a").life.notices);
});

test("whatever is interleaved, stores in any windows show what their chats' own events say", async () => {
  // REQ-5, REQ-6, NFR-1
  const IDS = ["a", "b", "c"];
  const lists = fc.array(wishes, { minLength: 3, maxLength: 3 });
  const steps = fc.array(
    fc.record({ id: fc.constantFrom(...IDS), window: fc.nat(1), count: fc.nat(5), what: fc.constantFrom("select", "release") }),
    { maxLength: 20, size: "max" },
  );
  await fc.assert(
    fc.asyncProperty(lists, steps, async (lives, list) => {
      const { world, page, connect, end } = await main({ after: () => {} });
      try {
        const worlds = [(await connect(page())).world, (await connect(page())).world];
        const stores = worlds.map((world) => createStore(world, { schedule: (flush) => (flush(), () => {}) }));
        IDS.forEach((id, at) => world.chat(id).life.play(lives[at] ?? []));
        const selected = stores.map(() => new Set());
        for (const { id, window, count, what } of list) {
          if (what === "release") world.chat(id).release(count);
          else stores[window]?.select(id);
          if (what === "select") selected[window]?.add(id);
          if (count === 0) await settled();
        }
        for (const id of IDS) world.chat(id).release();
        for (const [at, store] of stores.entries()) {
          for (const id of IDS) {
            const { notices } = world.chat(id).life;
            const followed = selected[at]?.has(id) === true;
            const cursor = followed ? notices.at(-1).cursor : null;
            await until(() => store.chat(id).getSnapshot().chat.cursor === cursor);
            const expected = followed ? notices.reduce(apply, emptyChat(id)) : emptyChat(id);
            assert.deepEqual(store.chat(id).getSnapshot().chat, expected);
          }
          store.close();
        }
      } finally {
        await end();
      }
    }),
    { numRuns: 15 },
  );
});

test("a window that does not read costs main what it gave room for, and holds up nobody", async (t) => {
  // law 4, law 7
  const { world, page, connect } = await main(t);
  const slow = await raw(page(), 2);
  await slow.ask("initialize", slow.greeting);
  const { subscriptionId } = await slow.ask("events/subscribe", { scope: "chat", chatId: "a", start: "start" });
  const quick = await connect(page());
  const read = quick.world.chat("a").events();
  await until(() => world.chat("a").streams.size === 2);
  const [stream] = world.chat("a").streams;
  for (let n = 0; n < 500; n += 1) world.chat("a").life.record("chat.updated", { title: `${n}` });
  world.chat("a").release();
  for (let n = 0; n < 501; n += 1) assert.equal((await read.next()).value?.cursor, `${n + 1}-1-0-0`);
  assert.equal(slow.events().length, 2);
  assert.equal(stream?.taken, 2);

  slow.tell({ method: "events/more", params: { subscriptionId, events: 1 } });
  await until(() => slow.events().length === 3);
  // Room that is given twice is no more room than there is.
  slow.tell({ method: "events/more", params: { subscriptionId, events: 1_000_000 } });
  await until(() => slow.events().length === 5);
  await quiet();
  assert.equal(slow.events().length, 5);
  assert.equal(stream?.taken, 5);
  assert.deepEqual(slow.events().map(({ params }) => params.event.seq), [1, 2, 3, 4, 5]);
});

test("the answer to a subscription comes before its first event", async (t) => {
  const { world, page } = await main(t);
  const window = await raw(page(), 100);
  await window.ask("initialize", window.greeting);
  world.chat("a").release();
  const { subscriptionId } = await window.ask("events/subscribe", { scope: "chat", chatId: "a", start: "start" });
  await until(() => window.events().length === 1);
  const [answer, event] = window.heard.slice(-2);
  assert.deepEqual([answer.result?.subscriptionId, event.params?.subscriptionId], [subscriptionId, subscriptionId]);
});

test("a window may ask what is allowed: no host, no shutdown, nothing of the world's settings", async (t) => {
  const { page, asked } = await main(t, {
    methods: ["chat/close", "shutdown", "host/register", "prompt/send", "events/subscribe"],
    may: (/** @type {any} */ { params }) => params.chatId !== "private",
  });
  const window = await raw(page());
  assert.deepEqual(await window.ask("chat/close", { chatId: "a" }), { refused: "not_initialized" });
  assert.deepEqual(await window.ask("initialize", { ...window.greeting, protocolVersion: 2 }), { refused: "invalid_params" });
  for (const eventsUnderWayMax of [undefined, 0, 257, 1.5, "many"]) {
    const greeting = { ...window.greeting, limits: { eventsUnderWayMax } };
    assert.deepEqual(await window.ask("initialize", greeting), { refused: "invalid_params" });
  }
  assert.equal((await window.ask("initialize", window.greeting)).worldId, "w");
  assert.deepEqual(await window.ask("ping"), {});
  for (const method of ["host/register", "shutdown", "world/update", "agent/put", "tool/output", "model/delta", "chat/delete", "made/up"]) {
    assert.deepEqual(await window.ask(method, { chatId: "a" }), { refused: "forbidden" });
  }
  const events = { scope: "chat", chatId: "private", start: "start" };
  assert.deepEqual(await window.ask("events/subscribe", events), { refused: "forbidden" });
  assert.deepEqual(await window.ask("prompt/send", { chatId: "private" }), { refused: "forbidden" });
  for (const [params, code] of /** @type {[any, string][]} */ ([
    [{ scope: "chat", start: "start" }, "invalid_params"],
    [{ scope: "chat", chatId: "..", start: "start" }, "invalid_params"],
    [{ scope: "world", chatId: "a", start: "now" }, "invalid_params"],
    [{ scope: "chat", chatId: "a", start: "after" }, "invalid_params"],
    [{ scope: "chat", chatId: "a", start: "now", cursor: "1-0-0-0" }, "invalid_params"],
  ])) {
    assert.deepEqual(await window.ask("events/subscribe", params), { refused: code });
  }
  assert.deepEqual(asked, []);
});

test("a window cannot touch what another one asked for or watches", async (t) => {
  // REQ-10
  const { world, page, asked } = await main(t);
  const [own, other] = [await raw(page(), 4), await raw(page(), 4)];
  for (const window of [own, other]) await window.ask("initialize", window.greeting);
  const { subscriptionId } = await own.ask("events/subscribe", { scope: "chat", chatId: "a", start: "start" });
  own.tell({ id: 77, method: "chat/close", params: { chatId: "a" } });
  await until(() => asked.length === 1);

  other.tell({ method: "$/cancelRequest", params: { id: 77 } });
  assert.deepEqual(await other.ask("events/unsubscribe", { subscriptionId }), {});
  other.tell({ method: "events/more", params: { subscriptionId, events: 100 } });
  for (let n = 0; n < 9; n += 1) world.chat("a").life.record("chat.updated", { title: `${n}` });
  world.chat("a").release();
  await until(() => own.events().length === 4);
  await quiet();
  assert.equal(own.events().length, 4);
  assert.deepEqual(other.events(), []);
  assert.equal(asked[0]?.signal.aborted, false);

  own.tell({ method: "$/cancelRequest", params: { id: 77 } });
  await until(() => own.heard.some(({ id, error }) => id === 77 && error.code === -32800));
  assert.equal(asked[0]?.signal.aborted, true);
});

test("a window that closes unsubscribes and cancels nothing", async (t) => {
  // REQ-6, REQ-12
  const { world, page, connect, asked, served } = await main(t);
  const gone = page();
  const [closing, staying] = [await connect(gone, { reconnect: false }), await connect(page())];
  const events = [closing.world.chat("a").events(), staying.world.chat("a").events()];
  await Promise.all(events.map((each) => each.ready));
  void closing.world.chat("a").prompt("go on without me").catch(() => {});
  await until(() => asked.length === 1);
  assert.deepEqual([served.bridge.windows, served.bridge.subscriptions], [2, 2]);
  gone.leave();
  await until(() => served.bridge.windows === 1);
  assert.equal(world.chat("a").streams.size, 1);
  assert.equal(asked[0]?.signal.aborted, false);
  assert.deepEqual(asked.map(({ method }) => method), ["prompt/send"]);
  world.chat("a").release();
  assert.equal((await events[1]?.next())?.value?.cursor, "1-1-0-0");
});

test("a page that loads anew has a new port, and what the old one watched is let go", async (t) => {
  const { world, page, connect, served } = await main(t);
  const window = page();
  const before = await connect(window, { reconnect: false });
  await before.world.chat("a").events().ready;
  await assert.rejects(connect(window), { code: "conflict" });
  assert.equal(before.state, "open");
  const after = await connect(page("app://desk/index.html", window.sender));
  await until(() => before.state === "closed");
  assert.deepEqual([served.bridge.windows, world.chat("a").streams.size], [1, 0]);
  assert.equal(after.state, "open");
  // What is closed is in nobody's way.
  assert.equal((await connect(window)).state, "open");
});

test("a window has so many subscriptions and requests, and is refused more", async (t) => {
  // law 7
  const { world, page, asked } = await main(t, { subscriptionsMax: 2, requestsInFlightMax: 1, textMax: 500 });
  const window = await raw(page());
  await window.ask("initialize", window.greeting);
  const watch = (/** @type {string} */ chatId) => window.ask("events/subscribe", { scope: "chat", chatId, start: "now" });
  const { subscriptionId } = await watch("a");
  await watch("b");
  assert.deepEqual(await watch("c"), { refused: "subscribers_full" });
  await window.ask("events/unsubscribe", { subscriptionId });
  assert.equal(world.chat("a").streams.size, 0);
  assert.match((await watch("c")).subscriptionId, /^w\d+$/);
  window.tell({ id: 77, method: "world/get", params: {} });
  await until(() => asked.length === 1);
  assert.deepEqual(await window.ask("world/get"), { refused: "overloaded" });
  window.tell({ id: 78, method: "world/get", params: { text: "x".repeat(500) } });
  window.port.postMessage(/** @type {any} */ ({ no: "text" }));
  window.port.postMessage("no json");
  assert.deepEqual(await window.ask("ping"), {});
  // Whoever asked what is too long would wait for ever without an answer.
  assert.equal(window.heard.find(({ id }) => id === 78)?.error.data.code, "too_large");
  assert.equal(asked.length, 1);
});

test("what is refused keeps its code and its facts across the bridge", async (t) => {
  const { page, connect, asked } = await main(t);
  const window = await connect(page());
  const sending = window.world.chat("a").prompt("hello", { mode: "reject" });
  await until(() => asked.length === 1);
  const facts = { turnId: 4, queued: 2 };
  asked[0]?.fail(new PolychatError("chat_busy", "the chat is busy", { retryable: true, retryAfterMs: 5, facts }));
  await assert.rejects(sending, (/** @type {any} */ error) => {
    assert.deepEqual([error.code, error.retryable, error.retryAfterMs], ["chat_busy", true, 5]);
    assert.deepEqual([error.facts.turnId, error.facts.queued], [4, 2]);
    return true;
  });
});

test("when main loses its connection, a window finds out what became of its prompt and reads on", async (t) => {
  const { world, page, connect, asked } = await main(t);
  const window = await connect(page());
  const events = window.world.chat("a").events();
  world.chat("a").release();
  assert.equal((await events.next()).value?.cursor, "1-1-0-0");
  const sending = window.world.chat("a").prompt("hello", { promptId: "p" });
  await until(() => asked.length === 1);
  asked[0]?.fail(new ConnectionLost("the pipe broke"));
  await until(() => asked.length === 2);
  assert.deepEqual([asked[1]?.method, asked[1]?.params], ["prompt/outcome", { chatId: "a", promptId: "p" }]);
  asked[1]?.answer({ type: "prompt", state: "queued", acceptedSeq: 2 });
  assert.equal((await sending).acceptedSeq, 2);
  world.chat("a").life.record("chat.updated", { title: "after" });
  world.chat("a").release();
  assert.equal((await events.next()).value?.cursor, "2-1-0-0");
  assert.equal(world.chat("a").asked.at(-1)?.[1], "1-1-0-0");
});

test("when main was away, a window's feed of the world begins anew and says so", async (t) => {
  const { world, page, connect } = await main(t);
  const window = await connect(page());
  const feed = window.world.events();
  await feed.ready;
  world.status("a", "idle");
  assert.equal((await feed.next()).value?.event.type, "chat.status");
  world.feed.push({ event: { type: "feed.resumed" } });
  assert.equal((await feed.next()).value?.event.type, "feed.resumed");
});

test("a stream that breaks off in main ends in the window, and only there", async (t) => {
  // REQ-13
  const { world, page, connect } = await main(t);
  const window = await connect(page());
  const [a, b] = [window.world.chat("a").events(), window.world.chat("b").events()];
  await Promise.all([a.ready, b.ready]);
  for (const stream of world.chat("a").streams) stream.end(new PolychatError("rejected", "an event of another chat"));
  assert.deepEqual((await a.next()).value, { event: { type: "ended", chatId: "a", reason: "unreadable" } });
  assert.equal((await a.next()).done, true);
  world.chat("b").release();
  assert.equal((await b.next()).value?.cursor, "1-1-0-0");
});

// law 7
test("a stream that has ended gives its place back, also when its last event took the last room", async (t) => {
  const { world, page, connect, served } = await main(t);
  const window = await connect(page(), { eventsWaitingMax: 1 });
  const events = window.world.chat("a").events();
  await events.ready;
  world.chat("a").say({ event: { type: "ended", chatId: "a", reason: "deleted" } });
  assert.equal((await events.next()).value?.event.type, "ended");
  await until(() => served.bridge.subscriptions === 0);
});

test("a stream that main reads no further is not left waiting in the window", async (t) => {
  const { world, page, connect } = await main(t);
  const window = await connect(page());
  const events = window.world.chat("a").events();
  await events.ready;
  for (const stream of world.chat("a").streams) stream.end();
  await until(() => world.chat("a").asked.length === 2);
  world.chat("a").release();
  assert.equal((await events.next()).value?.cursor, "1-1-0-0");
});

test("a page that is not ours gets no port, nor does a frame within a page", async (t) => {
  const { page, connect, ipcMain, served } = await main(t);
  await assert.rejects(connect(page("https://example.org/")), { code: "forbidden" });
  await assert.rejects(connectToMain({ window: /** @type {any} */ (new EventTarget()) }), { code: "unsupported" });
  let answered = 0;
  const frame = { url: "app://desk/frame.html", postMessage: () => (answered += 1) };
  ipcMain.emit(channels.OPEN, { sender: {}, senderFrame: { ...frame, parent: frame } });
  ipcMain.emit(channels.OPEN, { sender: {}, senderFrame: null });
  assert.deepEqual([answered, served.bridge.windows], [0, 0]);

  // Another frame may post to the page what it likes.
  const window = page();
  const { port1 } = new MessageChannel();
  const forged = Object.assign(new Event("message"), { data: channels.PORT, ports: [port1], source: {} });
  window.polychat.open = new Proxy(window.polychat.open, {
    apply: (open) => (window.dispatchEvent(forged), open()),
  });
  assert.equal((await connect(window)).state, "open");
  port1.close();
});

test("the preload script requires only electron, and has the words of the others", async () => {
  const preload = await readFile(new URL("../electron/preload.cjs", import.meta.url), "utf8");
  for (const [name, word] of Object.entries(channels)) {
    assert.ok(preload.includes(`const ${name} = "${word}";`), name);
  }
  assert.deepEqual(preload.match(/require\(.*?\)|\bimport\b\s*\(/g), ['require("electron")']);
});
