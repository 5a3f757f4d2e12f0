/**
 * The store: one state per chat, from that chat's events alone, whatever else happens.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { PolychatError, Rejected } from "../src/errors.js";
import { apply, emptyChat } from "../src/fold.js";
import { createStore } from "../src/store.js";
import { wishes } from "../testkit/life.js";
import { FakeWorld, Pushed, frames, settled } from "../testkit/fake-world.js";

/** @param {object} [options] */
function stand(options = {}) {
  const world = new FakeWorld();
  const screen = frames();
  /** @type {Rejected[]} */
  const rejected = [];
  let prompts = 0;
  const store = createStore(world, {
    schedule: screen.schedule,
    newPromptId: () => `mine-${(prompts += 1)}`,
    onRejected: (error) => rejected.push(error),
    ...options,
  });
  /** Reads what was pushed and shows it. */
  const shown = async () => {
    await settled();
    screen.next();
  };
  return { world, screen, store, rejected, shown };
}

/** @param {string} chatId @param {any[]} notices */
function alone(chatId, notices) {
  return notices.reduce(apply, emptyChat(chatId));
}

/** @param {string} what @param {number} [n] */
const wish = (what, n = 0) => ({ what, text: "tea ", n });

/** @param {import("../src/store.js").Store} store @param {string} chatId */
const rowOf = (store, chatId) => store.getSnapshot().chats.find((row) => row.chatId === chatId);

const IDS = ["a", "b", "c"];

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ release: fc.constantFrom(...IDS), count: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 3, arbitrary: fc.record({ select: fc.option(fc.constantFrom(...IDS)) }) },
  { weight: 1, arbitrary: fc.constant({ frame: true }) },
);

test("whatever is interleaved and selected, each chat shows what its own events alone say", async () => {
  // REQ-3, REQ-5, REQ-6, REQ-14, NFR-1
  const lists = fc.array(wishes, { minLength: IDS.length, maxLength: IDS.length });
  await fc.assert(
    fc.asyncProperty(lists, fc.array(step, { maxLength: 40, size: "max" }), async (lives, steps) => {
      const { world, screen, store, rejected, shown } = stand();
      IDS.forEach((id, at) => world.chat(id).life.play(lives[at] ?? []));
      const selected = new Set();
      for (const each of /** @type {any[]} */ (steps)) {
        if (each.release) world.chat(each.release).release(each.count);
        else if (each.frame) screen.next();
        else store.select(each.select);
        if (each.select) selected.add(each.select);
        if (each.frame) await settled();
      }
      for (const id of IDS) world.chat(id).release();
      await shown();
      for (const id of IDS) {
        const { notices } = world.chat(id).life;
        const expected = selected.has(id) ? alone(id, notices) : emptyChat(id);
        assert.deepEqual(store.chat(id).getSnapshot().chat, expected);
      }
      assert.deepEqual(rejected, []);
      store.close();
    }),
    { numRuns: 60 },
  );
});

test("however few chats may be followed, one that is looked at again shows what its own events say", async () => {
  // REQ-6, law 7
  const lists = fc.array(wishes, { minLength: IDS.length, maxLength: IDS.length });
  await fc.assert(
    fc.asyncProperty(lists, fc.array(step, { maxLength: 30, size: "max" }), async (lives, steps) => {
      const { world, store, rejected, shown } = stand({ chatsFollowedMax: 2 });
      IDS.forEach((id, at) => world.chat(id).life.play(lives[at] ?? []));
      for (const each of /** @type {any[]} */ (steps)) {
        if (each.release) world.chat(each.release).release(each.count);
        else if (!each.frame) store.select(each.select);
        await shown();
        const open = IDS.filter((id) => world.chat(id).streams.size > 0);
        assert.ok(open.length <= 2);
        for (const id of IDS) {
          const { chat, following } = store.chat(id).getSnapshot();
          const { life, released } = world.chat(id);
          const expected = open.includes(id) ? alone(id, life.notices.slice(0, released)) : emptyChat(id);
          assert.deepEqual(chat, expected);
          assert.equal(following === "live" || following === "loading", open.includes(id));
        }
      }
      assert.deepEqual(rejected, []);
      store.close();
    }),
    { numRuns: 40 },
  );
});

test("selecting sends nothing but the subscription, and switching away ends none", async () => {
  // REQ-6, REQ-14
  const { world, store, shown } = stand();
  for (const id of ["a", "b", "a", "b", null, "a"]) store.select(id);
  await shown();
  for (const id of ["a", "b"]) {
    assert.deepEqual(world.chat(id).asked, [["events", "start"]]);
    assert.equal(world.chat(id).streams.size, 1);
  }
  assert.equal(store.getSnapshot().selected, "a");
});

test("an event of another chat is refused, harms only its own subscription, and is told of", async () => {
  // REQ-13
  const { world, store, rejected, shown } = stand();
  for (const id of IDS) {
    world.chat(id).life.play([wish("send"), wish("write")]);
    store.select(id);
    world.chat(id).release();
  }
  await shown();
  const before = store.chat("b").getSnapshot().chat;
  const { chats } = store.getSnapshot();
  world.chat("a").say(world.chat("b").life.notices.at(-1));
  for (const id of IDS) world.chat(id).life.play([wish("write"), wish("end")]);
  for (const id of IDS) world.chat(id).release();
  await shown();
  assert.deepEqual(rejected.map(({ facts }) => facts["reason"]), ["foreign_chat"]);
  assert.equal(store.getSnapshot().rejected, 1);
  assert.equal(store.getSnapshot().chats, chats);
  const a = store.chat("a").getSnapshot();
  assert.deepEqual([a.following, a.error?.code], ["broken", "rejected"]);
  assert.equal(world.chat("a").streams.size, 0);
  assert.notEqual(store.chat("b").getSnapshot().chat, before);
  for (const id of ["b", "c"]) {
    assert.deepEqual(store.chat(id).getSnapshot().chat, alone(id, world.chat(id).life.notices));
  }
  // Whoever follows it again reads it from the beginning.
  store.chat("a").follow();
  await shown();
  assert.deepEqual(store.chat("a").getSnapshot().chat, alone("a", world.chat("a").life.notices));
  assert.deepEqual(world.chat("a").asked, [["events", "start"], ["events", "start"]]);
});

test("snapshots are the same object until something changed, and change once per frame", async () => {
  const { world, screen, store, shown } = stand();
  const a = store.chat("a");
  assert.equal(a, store.chat("a"));
  const heard = { a: 0, b: 0, store: 0 };
  a.subscribe(() => (heard.a += 1));
  store.chat("b").subscribe(() => (heard.b += 1));
  store.subscribe(() => (heard.store += 1));
  world.listed(["a", "b"]);
  world.chat("a").release();
  world.chat("b").release();
  await shown();
  Object.assign(heard, { a: 0, b: 0, store: 0 });
  const before = [a.getSnapshot(), store.chat("b").getSnapshot(), store.getSnapshot()];
  screen.next();
  await shown();
  assert.deepEqual([a.getSnapshot(), store.chat("b").getSnapshot(), store.getSnapshot()], before);
  assert.deepEqual(heard, { a: 0, b: 0, store: 0 });

  world.chat("a").life.play([wish("send"), ...Array.from({ length: 50 }, () => wish("write"))]);
  world.chat("a").release();
  await settled();
  assert.equal(a.getSnapshot(), before[0]);
  assert.equal(screen.waiting(), 1);
  screen.next();
  assert.deepEqual(heard, { a: 1, b: 0, store: 1 });
  assert.notEqual(a.getSnapshot(), before[0]);
  assert.equal(store.chat("b").getSnapshot(), before[1]);

  // More of the same answer changes this chat, and no line of the list.
  const rows = store.getSnapshot();
  world.chat("a").life.play([wish("write")]);
  world.chat("a").release();
  await shown();
  assert.deepEqual(heard, { a: 2, b: 0, store: 1 });
  assert.equal(store.getSnapshot(), rows);
  assert.equal(a.getSnapshot().busy, rows.chats[0]?.busy);

  // Nor does it change anything when the world says again what it said.
  const said = /** @type {const} */ ([a.getSnapshot(), store.getSnapshot()]);
  world.status("a", "running");
  await shown();
  store.select(null);
  assert.equal(a.getSnapshot(), said[0]);
  assert.equal(store.getSnapshot().chats[1], said[1].chats[1]);
});

test("who schedules may publish at once, and publishes each change", async () => {
  const { world, store } = stand({ schedule: (/** @type {() => void} */ flush) => (flush(), () => {}) });
  store.select("a");
  for (const _ of "ab") {
    world.chat("a").life.play([wish("send")]);
    world.chat("a").release();
    await settled();
    assert.equal(store.chat("a").getSnapshot().chat.head, world.chat("a").life.notices.length);
  }
});

test("a listener that fails keeps no other from hearing", (t) => {
  const { store } = stand();
  const failures = t.mock.method(globalThis, "queueMicrotask", () => {});
  let heard = 0;
  store.subscribe(() => {
    throw new Error("a bug of its own");
  });
  const end = store.subscribe(() => (heard += 1));
  store.select("a");
  assert.equal(heard, 1);
  assert.equal(failures.mock.callCount(), 1);
  end();
  store.select("b");
  assert.equal(heard, 1);
});

test("a prompt on its way is shown at once, in its own chat, and gives way to what the chat says", async () => {
  // REQ-7
  const { world, store, shown } = stand();
  const [a, b] = [store.chat("a"), store.chat("b")];
  a.setDraft("hello");
  assert.equal(a.getSnapshot().draft, "hello");
  const [first, second] = [a.send(), b.send("also hello")];
  assert.equal(a.getSnapshot().draft, "");
  assert.deepEqual(a.getSnapshot().sends.map(({ state, content }) => [state, content]), [["sending", "hello"]]);

  // In b it is accepted while a still waits.
  world.chat("b").sent[0]?.accept();
  world.chat("b").release();
  assert.equal((await second)?.promptId, "mine-2");
  await shown();
  assert.deepEqual(b.getSnapshot().sends, []);
  assert.deepEqual(b.getSnapshot().chat.queue.map(({ promptId }) => promptId), ["mine-2"]);
  assert.equal(a.getSnapshot().sends[0]?.state, "sending");

  // The answer may come before the event does.
  world.chat("a").sent[0]?.accept();
  await first;
  assert.equal(a.getSnapshot().sends[0]?.state, "accepted");
  world.chat("a").release();
  await shown();
  assert.deepEqual(a.getSnapshot().sends, []);
});

test("what was refused stays, with why, and is sent again under its own id", async () => {
  // REQ-7
  const { world, store } = stand();
  const a = store.chat("a");
  const sending = a.send("hello", { mode: "reject" });
  const busy = new PolychatError("chat_busy", "the chat is busy", { retryable: true });
  world.chat("a").sent[0]?.refuse(busy);
  assert.equal(await sending, null);
  const [send] = a.getSnapshot().sends;
  assert.deepEqual([send?.state, send?.content, send?.error], ["refused", "hello", busy]);

  const again = a.resend("mine-1");
  assert.equal(a.getSnapshot().sends[0]?.state, "sending");
  assert.equal(await a.resend("mine-1"), null);
  world.chat("a").sent[1]?.refuse(busy);
  await again;
  const prompts = world.chat("a").asked.filter(([what]) => what === "prompt");
  const expected = ["prompt", "hello", { mode: "reject", promptId: "mine-1" }];
  assert.deepEqual(prompts, [expected, expected]);
  a.dismiss("mine-1");
  assert.deepEqual(a.getSnapshot().sends, []);

  for (let n = 0; n < 64; n += 1) void a.send(`${n}`);
  a.setDraft("one too many");
  await assert.rejects(a.send(), { code: "overloaded" });
  assert.equal(a.getSnapshot().draft, "one too many");
});

test("each function acts on its own chat, whatever is selected", async () => {
  // REQ-14
  const { world, store, shown } = stand();
  store.select("b");
  const a = store.chat("a");
  assert.equal(await a.stop(), false);
  world.status("a", "running", { turnId: 7 });
  await shown();
  assert.equal(await a.stop(), true);
  await a.decide("4.0", { kind: "allowOnce" });
  await a.edit("p1", { content: "else" });
  await a.withdraw("p1");
  await a.revise({ turnId: 3 });
  assert.deepEqual(world.chat("a").asked, [
    ["cancel", 7],
    ["decide", "4.0", { kind: "allowOnce" }],
    ["edit", "p1", { content: "else" }],
    ["withdraw", "p1"],
    ["revise", { turnId: 3 }],
  ]);
  assert.deepEqual(world.chat("b").asked, [["events", "start"]]);
});

test("stop means the turn that is shown", async () => {
  const { world, store, shown } = stand();
  world.listed(["a"]);
  store.select("a");
  world.chat("a").life.play([wish("send"), wish("write")]);
  world.chat("a").release();
  await shown();
  const { turn } = store.chat("a").getSnapshot().chat;
  await store.chat("a").stop();
  assert.deepEqual(world.chat("a").asked.at(-1), ["cancel", turn?.id]);
});

test("answers that end elsewhere are unread until their chat is selected", async () => {
  // NFR-3
  const { world, store, shown } = stand();
  const answer = [wish("send"), wish("write"), wish("end")];
  world.listed(["a", "b"], { head: 8 });
  world.chat("a").life.play(answer);
  world.chat("a").release();
  await shown();
  // What was there when the store began is no news.
  store.chat("a").follow();
  await shown();
  assert.deepEqual([rowOf(store, "a")?.unread, rowOf(store, "a")?.news], [0, false]);

  world.chat("a").life.play([...answer, ...answer]);
  world.chat("a").release();
  world.status("b", "idle", { head: 9 });
  await shown();
  assert.deepEqual([rowOf(store, "a")?.unread, rowOf(store, "a")?.news], [2, true]);
  assert.deepEqual([rowOf(store, "b")?.unread, rowOf(store, "b")?.news], [0, true]);

  store.select("a");
  assert.deepEqual([rowOf(store, "a")?.unread, rowOf(store, "a")?.news], [0, false]);
  world.chat("a").life.play(answer);
  world.chat("a").release();
  await shown();
  assert.equal(rowOf(store, "a")?.unread, 0);
  store.select(null);
  assert.deepEqual([rowOf(store, "a")?.unread, rowOf(store, "a")?.news], [0, false]);
  world.chat("a").life.play(answer);
  world.chat("a").release();
  await shown();
  assert.equal(store.chat("a").getSnapshot().unread, 1);
});

test("what had been recorded but not shown when a chat was left is unread", async () => {
  const { world, store, shown } = stand();
  const answer = [wish("send"), wish("write"), wish("end")];
  world.listed(["a"]);
  world.chat("a").life.play(answer);
  store.select("a");
  world.chat("a").release();
  await shown();
  world.chat("a").life.play(answer);
  // The world's feed may be ahead of the chat's.
  world.status("a", "idle", { head: world.chat("a").life.notices.at(-1)?.event.seq });
  await shown();
  store.select("b");
  assert.deepEqual([rowOf(store, "a")?.unread, rowOf(store, "a")?.news], [0, true]);
  world.chat("a").release();
  await shown();
  assert.equal(rowOf(store, "a")?.unread, 1);
});

test("answers are counted in a chat that no list has named, and still when it has to give way", async () => {
  // NFR-3
  const { world, store, shown } = stand({ chatsFollowedMax: 2 });
  const answer = [wish("send"), wish("write"), wish("end")];
  world.chat("a").life.play(answer);
  world.chat("a").release();
  store.chat("a").follow();
  await shown();
  // As long as nobody knows how long its log is, it is not known what is new in it.
  assert.equal(store.chat("a").getSnapshot().following, "loading");
  world.listed([]);
  await shown();
  assert.deepEqual([store.chat("a").getSnapshot().following, store.chat("a").getSnapshot().unread], ["live", 0]);
  world.chat("a").life.play(answer);
  world.chat("a").release();
  await shown();
  assert.equal(store.chat("a").getSnapshot().unread, 1);
  store.select("b");
  store.select("c");
  await shown();
  const parked = store.chat("a").getSnapshot();
  assert.deepEqual([parked.following, parked.unread, parked.chat.head], ["parked", 1, 0]);
  store.chat("a").follow();
  await shown();
  assert.equal(store.chat("a").getSnapshot().unread, 1);
});

test("the list has what the world lists, and follows chats that come, change and go", async () => {
  // NFR-3, REQ-8
  const { world, store, shown } = stand();
  world.feed.push({ event: { type: "chat.deleted", chatId: "gone" } });
  world.status("b", "awaiting", { queued: 2, turnId: 4, head: 12 });
  await shown();
  world.listed(["a", "b", "gone"]);
  world.feed.push({ event: { type: "chat.created", chatId: "c" } });
  await shown();
  assert.equal(store.getSnapshot().list, "complete");
  assert.deepEqual(store.getSnapshot().chats.map(({ chatId, title, busy, news }) => [chatId, title, busy.kind, news]), [
    ["b", "said b", "awaiting", false],
    ["a", "listed a", "unknown", false],
    ["c", "", "unknown", false],
  ]);
  assert.deepEqual(rowOf(store, "b")?.busy, { kind: "awaiting", step: null, tools: [], queued: 2, turnId: 4 });
  world.status("c", "running", { head: 3 });
  world.feed.push({ event: { type: "chat.deleted", chatId: "b" } });
  await shown();
  assert.deepEqual(store.getSnapshot().chats.map(({ chatId, news }) => [chatId, news]), [["a", false], ["c", true]]);
});

test("after the connection was away the list is read again, and what went meanwhile goes", async () => {
  const { world, store, shown } = stand();
  world.listed(["a", "b"]);
  await shown();
  world.feed.push({ event: { type: "feed.resumed" } });
  await shown();
  assert.equal(store.getSnapshot().list, "loading");
  world.feed.push({ event: { type: "chat.created", chatId: "d" } });
  await shown();
  world.listed(["b", "c"]);
  await shown();
  assert.deepEqual(store.getSnapshot().chats.map(({ chatId }) => chatId), ["b", "d", "c"]);
  assert.equal(world.lists.length, 2);
});

test("a list that is overtaken by a newer one says nothing more", async () => {
  const { world, store, shown } = stand();
  await shown();
  world.feed.push({ event: { type: "feed.resumed" } });
  await shown();
  const [overtaken] = world.lists;
  world.listed(["a"]);
  overtaken?.push({ chatId: "old", title: "old", archived: false, updatedAt: 1, head: 1 });
  overtaken?.end();
  await shown();
  assert.deepEqual(store.getSnapshot().chats.map(({ chatId }) => chatId), ["a"]);
  assert.equal(store.getSnapshot().list, "complete");
});

test("a feed that ends for good is told, and chats are read on", async () => {
  const { world, store, shown } = stand();
  store.select("a");
  world.feed.end(new PolychatError("connection_lost", "gone"));
  world.chat("a").release();
  await shown();
  assert.deepEqual([store.getSnapshot().list, store.getSnapshot().error?.code], ["broken", "connection_lost"]);
  assert.equal(store.chat("a").getSnapshot().following, "live");

  // A list that comes to its end hides nothing, and a person may try again.
  world.listed(["a"]);
  await shown();
  assert.equal(store.getSnapshot().list, "broken");
  world.feed = new Pushed();
  store.retry();
  world.listed(["a", "b"]);
  world.status("b", "running");
  await shown();
  assert.deepEqual([store.getSnapshot().list, store.getSnapshot().error], ["complete", null]);
  assert.equal(rowOf(store, "b")?.busy.kind, "running");
  store.retry();
  assert.deepEqual([world.lists.length, world.watched], [3, 2]);
});

test("diagnostics are handed on, and a chat that failed or stalled says so", async () => {
  // REQ-8
  /** @type {any[]} */
  const told = [];
  const { world, store, shown } = stand({ onWorldEvent: (/** @type {any} */ event) => told.push(event) });
  world.feed.push({ event: { type: "diagnostic", repeats: 1, diagnostic: { at: 1, kind: "recovered" } } });
  store.select("a");
  world.chat("a").release();
  world.status("a", "stalled");
  await shown();
  assert.deepEqual(told.map(({ type }) => type), ["diagnostic"]);
  assert.equal(store.chat("a").getSnapshot().busy.kind, "stalled");

  // A chat that failed ends its feed; once something happens in it again, it is read on.
  world.chat("a").say({ event: { type: "ended", chatId: "a", reason: "failed" } });
  world.status("a", "failed");
  for (const stream of world.chat("a").streams) stream.end();
  await shown();
  const failed = store.chat("a").getSnapshot();
  assert.deepEqual([failed.following, failed.busy.kind], ["ended", "failed"]);
  world.status("a", "failed");
  await shown();
  assert.equal(store.chat("a").getSnapshot().following, "ended");
  world.chat("a").life.play([wish("send")]);
  world.chat("a").release();
  world.status("a", "running");
  await shown();
  const back = store.chat("a").getSnapshot();
  assert.deepEqual([back.following, back.busy.kind], ["live", "running"]);
  assert.deepEqual(back.chat, alone("a", world.chat("a").life.notices));
  assert.deepEqual(world.chat("a").asked, [["events", "start"], ["events", "1-1-0-0"]]);
});

test("while its log is being read a chat shows what the world says it does", async () => {
  // REQ-8
  const { world, store, shown } = stand();
  const { life } = world.chat("a");
  life.play([wish("send"), wish("write"), wish("end"), wish("send"), wish("write")]);
  world.status("a", "running", { head: life.notices.at(-2)?.event.seq });
  await shown();
  store.select("a");
  world.chat("a").release(9);
  await shown();
  const loading = store.chat("a").getSnapshot();
  assert.deepEqual([loading.following, loading.busy.kind, loading.busy.step], ["loading", "running", null]);
  world.chat("a").release();
  await shown();
  const live = store.chat("a").getSnapshot();
  assert.deepEqual([live.following, live.busy.step], ["live", "writing"]);
});

test("a chat that nobody looks at gives way first, and what was typed in it stays", async () => {
  // law 7
  const { world, store, shown } = stand({ chatsFollowedMax: 2 });
  const end = store.chat("a").subscribe(() => {});
  store.select("b");
  store.chat("b").setDraft("not sent yet");
  store.select("c");
  await shown();
  assert.deepEqual(IDS.map((id) => store.chat(id).getSnapshot().following), ["loading", "parked", "loading"]);
  assert.equal(store.chat("b").getSnapshot().draft, "not sent yet");
  // Where all are looked at, the one longest not looked at.
  store.select("b");
  await shown();
  assert.deepEqual(IDS.map((id) => world.chat(id).streams.size), [1, 1, 0]);
  end();

  // The selected one never, and of the others the one longest not looked at.
  const more = stand({ chatsFollowedMax: 3 });
  more.store.select("a");
  for (const id of ["b", "c", "b", "d"]) more.store.chat(id).follow();
  await more.shown();
  const open = ["a", "b", "c", "d"].map((id) => more.world.chat(id).streams.size);
  assert.deepEqual(open, [1, 1, 0, 1]);
});

test("chats beyond those that may be known are refused or left out, and it is said", async () => {
  // law 7
  const { world, store, shown } = stand({ chatsKnownMax: 2 });
  world.listed(["a", "b", "c"]);
  await shown();
  assert.deepEqual(store.getSnapshot().chats.map(({ chatId }) => chatId), ["a", "b"]);
  assert.equal(store.getSnapshot().truncated, true);
  assert.throws(() => store.chat("d"), { code: "too_large" });
  world.feed.push({ event: { type: "chat.deleted", chatId: "a" } });
  await shown();
  // What nobody would miss makes room.
  assert.equal(store.chat("d").id, "d");
});

test("a store that is closed reads nothing and publishes nothing", async () => {
  const { world, screen, store, shown } = stand();
  store.select("a");
  world.chat("a").release();
  await settled();
  store.close();
  assert.equal(screen.waiting(), 0);
  await shown();
  assert.equal(world.chat("a").streams.size, 0);
});
