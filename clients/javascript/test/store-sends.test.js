/**
 * What a person does in one chat of a store: it is shown at once, and happens there and nowhere else.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { PolychatError } from "../src/errors.js";
import { stand, wish } from "../testkit/store.js";

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
