/**
 * The store: one state per chat, from that chat's events alone, whatever else happens.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { emptyChat } from "../src/fold.js";
import { settled } from "../testkit/fake-world.js";
import { wishes } from "../testkit/life.js";
import { IDS, alone, stand, step, wish } from "../testkit/store.js";

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
