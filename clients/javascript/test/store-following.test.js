/**
 * Whose events a store reads: not more than so many, and who gives way.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { PolychatError } from "../src/errors.js";
import { emptyChat } from "../src/fold.js";
import { wishes } from "../testkit/life.js";
import { IDS, alone, stand, step, wish } from "../testkit/store.js";

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

// REQ-7: a chat that is not read cannot show it, so it would be on its way for ever
test("a chat that gives way lets go what it accepted, and keeps what is on its way or was refused", async () => {
  const { world, store, shown } = stand({ chatsFollowedMax: 2 });
  const a = store.chat("a");
  const [accepted, sending, refused] = ["accepted", "sending", "refused"].map((text) => a.send(text));
  const states = () => a.getSnapshot().sends.map(({ content, state }) => [content, state]);
  world.chat("a").sent[0]?.accept();
  world.chat("a").sent[2]?.refuse(new PolychatError("queue_full", "no"));
  await Promise.all([accepted, refused]);
  assert.deepEqual(states(), [["accepted", "accepted"], ["sending", "sending"], ["refused", "refused"]]);
  for (const id of ["b", "c"]) store.select(id);
  await shown();
  assert.equal(a.getSnapshot().following, "parked");
  assert.deepEqual(states(), [["sending", "sending"], ["refused", "refused"]]);
  // What is accepted while nobody reads it is not waited for either.
  world.chat("a").sent[1]?.accept();
  await sending;
  assert.deepEqual(states(), [["refused", "refused"]]);
});
