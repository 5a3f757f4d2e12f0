/**
 * The list of a store: what it says of chats whose events nobody reads.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { createStore } from "../src/store.js";
import { FakeWorld, frames, settled } from "../testkit/fake-world.js";

/** @param {import("../src/store.js").StoreOptions} [options] */
function stand(options) {
  const world = new FakeWorld();
  const screen = frames();
  const store = createStore(world, { schedule: screen.schedule, ...options });
  /** Reads what was pushed and shows it. @param {string} chatId */
  const shown = async (chatId) => {
    await settled();
    screen.next();
    return store.getSnapshot().chats.find((row) => row.chatId === chatId);
  };
  return { world, store, shown };
}

// NFR-3: the feed tells of chats in which something goes on, and only the list of all others
test("a chat of which only the list has told is as idle or closed as the list says", async () => {
  const { world, shown } = stand();
  const list = world.lists.at(-1);
  for (const [chatId, kind] of [["a", "idle"], ["b", "closed"], ["c", "running"]]) {
    list?.push({ chatId, kind, title: "", archived: false, updatedAt: 1, head: 3, queued: 0 });
  }
  list?.end();
  assert.equal((await shown("a"))?.busy.kind, "idle");
  assert.equal((await shown("b"))?.busy.kind, "closed");
  // Whether it runs indeed, or was left so by a process that ended, the feed will say.
  assert.equal((await shown("c"))?.busy.kind, "unknown");
  world.status("a", "running", { head: 4, turnId: 4 });
  assert.deepEqual([(await shown("a"))?.busy.kind, (await shown("a"))?.busy.turnId], ["running", 4]);
});

test("a list that was read further than the feed has told of a chat is believed, and no older one", async () => {
  const { world, shown } = stand();
  world.listed(["a", "b"], { kind: "idle", head: 1 });
  world.status("a", "closed", { head: 5 });
  world.status("b", "failed", { head: 5 });
  await shown("a");
  // The connection was away; meanwhile one was opened again and renamed.
  world.feed.push({ event: { type: "feed.resumed" } });
  await settled();
  const list = world.lists.at(-1);
  list?.push({ chatId: "a", kind: "idle", title: "new", archived: false, updatedAt: 2, head: 7 });
  list?.push({ chatId: "b", kind: "idle", title: "old", archived: false, updatedAt: 1, head: 5 });
  list?.end();
  const [a, b] = [await shown("a"), await shown("b")];
  assert.deepEqual([a?.busy.kind, a?.title], ["idle", "new"]);
  assert.deepEqual([b?.busy.kind, b?.title], ["failed", "said b"]);
});

// REQ-8, NFR-3: after a reload nothing but the list tells that a chat failed
test("how the last turn ended is known of chats whose events nobody reads", async () => {
  const { world, shown } = stand();
  const outcome = async () => (await shown("a"))?.outcome;
  world.listed(["a"], { kind: "idle", head: 9, lastOutcome: "failed" });
  assert.equal(await outcome(), "failed");
  // It waits for a place, runs, and waits for the person: its last turn is of no interest any more.
  world.status("a", "running", { head: 10, queued: 1, lastOutcome: "failed" });
  assert.equal(await outcome(), null);
  world.status("a", "running", { head: 12, turnId: 11, lastOutcome: "failed" });
  assert.equal(await outcome(), null);
  world.status("a", "idle", { head: 15, lastOutcome: "completed" });
  assert.equal(await outcome(), "completed");
  world.status("a", "idle", { head: 20, lastOutcome: "cancelled" });
  assert.equal(await outcome(), "cancelled");
  // A server of an earlier version does not tell.
  world.status("a", "idle", { head: 30 });
  assert.equal(await outcome(), null);
});

test("what a list that was read while a turn ran says of the turn before it is not shown", async () => {
  const { world, shown } = stand();
  world.listed(["a"], { kind: "awaiting", head: 9, lastOutcome: "failed" });
  const row = await shown("a");
  assert.deepEqual([row?.busy.kind, row?.outcome], ["unknown", null]);
});

test("how the last turn ended stays known while a chat is read, and once it is read no further", async () => {
  const { world, store, shown } = stand({ chatsFollowedMax: 2 });
  const { life } = world.chat("a");
  life.play([wish("send"), wish("write"), wish("fail"), wish("end")]).settle();
  const head = life.notices.at(-1)?.event.seq;
  const outcome = async () => (await shown("a"))?.outcome;
  world.listed(["a", "b", "c"], { kind: "idle", head, lastOutcome: "failed" });
  store.select("a");
  world.chat("a").release(2);
  assert.equal(store.chat("a").getSnapshot().following, "loading");
  assert.equal(await outcome(), "failed");
  // Its own events are believed before what was said of it.
  world.chat("a").release();
  assert.equal(await outcome(), "completed");
  life.play([wish("hold"), wish("send")]);
  world.chat("a").release();
  assert.equal(await outcome(), null, "a prompt waits for a place");
  life.play([wish("go"), wish("end")]).settle();
  world.chat("a").release();
  assert.equal(await outcome(), "completed");
  store.select("b");
  store.select("c");
  assert.equal(await outcome(), "completed");
  assert.equal(store.chat("a").getSnapshot().following, "parked");
});

/** @param {string} what */
const wish = (what) => ({ what, text: "tea ", n: 0 });

// REQ-8, NFR-3: the running step of a chat stands in its own events alone
test("a chat that the world says is busy or new is read unasked, and no other", async () => {
  const { world, shown } = stand({ followBusy: true });
  world.chat("busy").life.play([wish("send"), wish("write")]);
  for (const id of ["busy", "new", "idle"]) world.chat(id).release();
  world.listed(["busy", "idle"], { kind: "idle" });
  world.status("busy", "running", { head: 3, turnId: 3 });
  world.status("idle", "idle");
  world.feed.push({ event: { type: "chat.created", chatId: "new" } });
  assert.deepEqual([(await shown("busy"))?.busy.step, (await shown("busy"))?.unread], ["writing", 0]);
  assert.equal((await shown("new"))?.title, "chat new");
  assert.deepEqual(world.chat("idle").asked, []);
  world.chat("busy").life.play([wish("end")]).settle();
  world.chat("busy").release();
  assert.deepEqual([(await shown("busy"))?.unread, (await shown("busy"))?.outcome], [1, "completed"]);
});

// Law 7
test("reading busy chats takes no place from one that is looked at, or from another busy one", async () => {
  const { world, store, shown } = stand({ followBusy: true, chatsFollowedMax: 3 });
  const ids = ["a", "b", "c", "d"];
  for (const id of ids) {
    world.chat(id).life.play([wish("send")]);
    world.chat(id).release();
  }
  world.listed(ids, { kind: "idle" });
  store.select("a");
  for (const id of ["b", "c", "d"]) world.status(id, "running", { head: 3, turnId: 3 });
  await shown("a");
  const read = () => ids.filter((id) => world.chat(id).streams.size > 0);
  assert.deepEqual(read(), ["a", "b", "c"]);
  store.select("d");
  await shown("d");
  assert.deepEqual(read(), ["a", "c", "d"]);
  // Two came to rest, and one of them is looked at.
  for (const id of ["c", "d"]) {
    world.chat(id).life.settle();
    world.chat(id).release();
    world.status(id, "idle");
  }
  await shown("c");
  world.status("b", "running", { head: 3, turnId: 3 });
  await shown("b");
  assert.deepEqual(read(), ["a", "b", "d"]);
});

test("a list in the order of activity stands still while an answer is being written", async () => {
  const { world, store, shown } = stand();
  const { life } = world.chat("a");
  life.play([wish("send")]);
  world.chat("a").release();
  world.listed(["a"], { updatedAt: 1000 });
  store.select("a");
  const began = (await shown("a"))?.activeAt;
  life.play([wish("write"), wish("checkpoint"), wish("write"), wish("checkpoint")]);
  world.chat("a").release();
  const row = await shown("a");
  assert.equal(row?.activeAt, began);
  assert.ok(row && row.updatedAt > row.activeAt);
  life.settle();
  world.chat("a").release();
  const rested = await shown("a");
  assert.equal(rested?.activeAt, rested?.updatedAt);
});
