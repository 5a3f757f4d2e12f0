/**
 * The list of a store: what it says of chats whose events nobody reads.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { createStore } from "../src/store.js";
import { FakeWorld, frames, settled } from "../testkit/fake-world.js";

function stand() {
  const world = new FakeWorld();
  const screen = frames();
  const store = createStore(world, { schedule: screen.schedule });
  /** Reads what was pushed and shows it. @param {string} chatId */
  const shown = async (chatId) => {
    await settled();
    screen.next();
    return store.getSnapshot().chats.find((row) => row.chatId === chatId);
  };
  return { world, shown };
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
