/**
 * The list of all chats and the world's feed: what is there, what comes, and what goes.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { PolychatError } from "../src/errors.js";
import { Pushed } from "../testkit/fake-world.js";
import { alone, rowOf, stand, step, wish } from "../testkit/store.js";

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
