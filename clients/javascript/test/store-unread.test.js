/**
 * Unread: the answers that ended in a chat since it was last selected.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { rowOf, stand, wish } from "../testkit/store.js";

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
