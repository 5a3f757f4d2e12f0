import assert from "node:assert/strict";
import { test } from "node:test";
import { settled } from "../testkit/clock.js";
import { collect, connected } from "../testkit/client.js";
import { SILENCE, refusal } from "../testkit/server.js";

/** @param {string} chatId @param {string} kind @param {object} [more] */
function status(chatId, kind, more = {}) {
  return { event: { type: "chat.status", chatId, kind, queued: 0, head: 3, title: "", ...more } };
}

/** @param {string} chatId @param {string} kind */
function snapshot(chatId, kind) {
  const { event } = status(chatId, kind, { head: 9 });
  const { type: _, ...rest } = event;
  return { type: "snapshot", summary: { chatId }, status: rest, messages: [], prompts: [], cursor: "9-0-0-0" };
}

const RESUMED = { event: { type: "feed.resumed" } };

// REQ-8, NFR-3
test("a chat that became idle while the connection was away does not stay busy", async () => {
  const { server, clock, world } = await connected();
  server.on("chat/snapshot", ({ chatId }) => {
    if (chatId === "deleted") throw refusal("chat_deleted");
    return snapshot(chatId, chatId === "done" ? "idle" : "running");
  });
  const feed = collect(world.events());
  await settled();
  server.last.event("s1", status("done", "running"));
  server.last.event("s1", status("idle", "running"));
  server.last.event("s1", status("idle", "idle"));
  server.last.event("s1", status("deleted", "awaiting"));
  server.last.event("s1", status("told", "running"));
  await settled();
  feed.items.length = 0;
  server.last.cut();
  server.on("events/subscribe", (_, connection) => {
    // What still goes on is told by the new subscription itself.
    queueMicrotask(() => connection.event("s2", status("told", "running", { turnId: 7 })));
    return { subscriptionId: "s2" };
  });
  await clock.pass(1_000);
  const asked = server.last.sent("chat/snapshot").map(({ chatId }) => chatId);
  assert.deepEqual(asked.sort(), ["deleted", "done", "told"]);
  assert.deepEqual(feed.items[0], RESUMED);
  assert.equal(feed.items.length, 4);
  const told = new Map(feed.items.slice(1).map(({ event }) => [/** @type {any} */ (event).chatId, event]));
  assert.deepEqual(told.get("done"), status("done", "idle", { head: 9 }).event);
  assert.deepEqual(told.get("deleted"), { type: "chat.deleted", chatId: "deleted" });
  assert.deepEqual(told.get("told"), status("told", "running", { turnId: 7 }).event);
  // What became idle is not asked for once more.
  server.last.cut();
  await clock.pass(1_000);
  assert.deepEqual(server.last.sent("chat/snapshot").map(({ chatId }) => chatId), ["told"]);
});

test("what the feed itself tells after the connection is back is newer than what was asked for", async () => {
  const { server, clock, world } = await connected();
  /** @type {(reply: unknown) => void} */
  let answer = () => {};
  server.on("chat/snapshot", () => new Promise((resolve) => (answer = resolve)));
  const feed = collect(world.events());
  await settled();
  server.last.event("s1", status("a", "running", { turnId: 3 }));
  await settled();
  server.last.cut();
  await clock.pass(1_000);
  server.last.event("s2", status("a", "running", { turnId: 8 }));
  await settled();
  answer(snapshot("a", "idle"));
  await settled();
  const [before, after] = [3, 8].map((turnId) => status("a", "running", { turnId }));
  assert.deepEqual(feed.items, [before, RESUMED, after]);
});

test("a status that cannot be read now is asked for again after the next loss", async () => {
  const { server, clock, world, diagnostics } = await connected();
  server.on("chat/snapshot", () => SILENCE);
  const feed = collect(world.events());
  await settled();
  server.last.event("s1", status("a", "running"));
  await settled();
  server.last.cut();
  await clock.pass(1_000);
  assert.equal(server.last.sent("chat/snapshot").length, 1);
  server.last.cut();
  server.on("chat/snapshot", () => {
    throw refusal("chat_failed");
  });
  await clock.pass(1_000);
  const told = diagnostics.filter(({ chatId }) => chatId === "a").map(({ reason }) => reason);
  assert.ok(told.includes("the status of a chat cannot be read"));
  server.last.cut();
  server.on("chat/snapshot", () => snapshot("a", "idle"));
  await clock.pass(1_000);
  const { event } = /** @type {any} */ (feed.items.at(-1));
  assert.equal(event.kind, "idle");
});

test("the feed brings what came and went, and diagnostics", async () => {
  const { server, world } = await connected();
  const feed = collect(world.events());
  await settled();
  const notices = [
    { event: { type: "chat.created", chatId: "a" } },
    { event: { type: "diagnostic", repeats: 1, diagnostic: { at: 1, kind: "recovered" } } },
    { event: { type: "diagnostics.skipped", count: 3 } },
    { event: { type: "chat.deleted", chatId: "a" } },
    { event: { type: "ended", reason: "unreadable" } },
  ];
  for (const notice of notices) server.last.event("s1", notice);
  await settled();
  assert.deepEqual(feed.items, notices);
  assert.ok(feed.done);
});

// law 7: chats that were closed one day are as many as ever there were
test("a chat that is closed is not asked for when the connection comes back", async () => {
  const { server, clock, world } = await connected();
  server.on("chat/snapshot", ({ chatId }) => snapshot(chatId, "idle"));
  const feed = collect(world.events());
  await settled();
  server.last.event("s1", status("a", "closed"));
  server.last.event("s1", status("b", "running"));
  server.last.event("s1", status("b", "closed"));
  server.last.event("s1", status("c", "failed"));
  await settled();
  server.last.cut();
  await clock.pass(1_000);
  assert.deepEqual(server.last.sent("chat/snapshot"), [{ chatId: "c" }]);
  assert.equal(feed.done, false);
});
