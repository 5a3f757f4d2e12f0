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

// law 7
test("a chat that somebody looks at gives way to none that nobody looks at", async () => {
  const { world, store, shown } = stand({ chatsFollowedMax: 2 });
  for (const id of ["a", "b"]) store.chat(id).subscribe(() => {});
  store.chat("c").follow();
  const sending = store.chat("c").send("hello");
  await shown();
  assert.deepEqual(IDS.map((id) => world.chat(id).streams.size), [1, 1, 0]);
  for (const id of ["a", "b"]) assert.equal(world.chat(id).asked.length, 1);
  assert.equal(store.chat("c").getSnapshot().following, "parked");
  assert.equal(store.chat("c").getSnapshot().sends[0]?.state, "sending");
  world.chat("c").sent[0]?.accept();
  await sending;
  assert.deepEqual(store.chat("c").getSnapshot().sends, []);
});

// law 7
test("where more are looked at than may be read, each says whether it is, and is read once there is a place", async () => {
  const { world, store, shown } = stand({ chatsFollowedMax: 2 });
  for (const id of IDS) {
    world.chat(id).life.play([wish("send"), wish("write")]);
    world.chat(id).release();
  }
  world.listed(IDS);
  let heard = 0;
  const [, endB] = IDS.map((id) => store.chat(id).subscribe(() => (heard += 1)));
  await shown();
  const following = () => IDS.map((id) => store.chat(id).getSnapshot().following);
  assert.deepEqual(following(), ["parked", "live", "live"]);
  assert.deepEqual(store.chat("a").getSnapshot().chat, emptyChat("a"));
  // What it does is known all the same.
  world.status("a", "running", { turnId: 3, head: 4 });
  await shown();
  assert.equal(store.chat("a").getSnapshot().busy.kind, "running");
  endB?.();
  await shown();
  assert.deepEqual(following(), ["live", "parked", "live"]);
  assert.deepEqual(store.chat("a").getSnapshot().chat, alone("a", world.chat("a").life.notices));

  // The selected one has a place before all others, and only while it is selected.
  store.select("b");
  await shown();
  assert.deepEqual(following(), ["parked", "live", "live"]);
  heard = 0;
  store.select(null);
  await shown();
  assert.deepEqual(following(), ["live", "parked", "live"]);
  assert.ok(heard > 0);

  // What has ended needs no place.
  store.select("b");
  await shown();
  world.chat("c").say({ event: { type: "ended", chatId: "c", reason: "failed" } });
  for (const stream of world.chat("c").streams) stream.end();
  await shown();
  assert.deepEqual(following(), ["live", "live", "ended"]);
});

// law 7
test("a place goes to who is looked at since last, to nobody who is looked at no more, and to none once it is closed", async () => {
  const { world, store, shown } = stand({ chatsFollowedMax: 2 });
  const ids = ["a", "b", "c", "d", "e"];
  const [endA, endB, endC, endD] = ids.map((id) => store.chat(id).subscribe(() => {}));
  const read = () => ids.filter((id) => world.chat(id).streams.size > 0);
  assert.deepEqual(read(), ["d", "e"]);
  endD?.();
  await shown();
  assert.deepEqual(read(), ["c", "e"]);
  endA?.();
  endC?.();
  assert.deepEqual(read(), ["b", "e"]);
  store.select("d");
  store.select(null);
  await shown();
  assert.deepEqual(read(), ["b", "e"]);
  endB?.();
  await shown();
  assert.deepEqual([read(), world.chat("a").asked.length], [["b", "e"], 1]);
  const ends = ["c", "d"].map((id) => store.chat(id).subscribe(() => {}));
  await shown();
  assert.deepEqual(read(), ["c", "d"]);
  store.close();
  for (const end of ends) end();
  await shown();
  assert.deepEqual(read(), []);
});

test("whoever comes and goes, no place is taken by a chat nobody looks at while one that is looked at has none", async () => {
  // law 7
  const ids = ["a", "b", "c", "d"];
  const doing = fc.record({ what: fc.constantFrom("mount", "unmount", "select", "unselect", "follow"), id: fc.constantFrom(...ids) });
  await fc.assert(
    fc.asyncProperty(fc.array(doing, { maxLength: 30, size: "max" }), fc.integer({ min: 2, max: 3 }), async (steps, max) => {
      const { world, store, shown } = stand({ chatsFollowedMax: max });
      world.listed(ids);
      /** @type {Map<string, () => void>} */
      const mounted = new Map();
      for (const { what, id } of steps) {
        if (what === "mount" && !mounted.has(id)) mounted.set(id, store.chat(id).subscribe(() => {}));
        else if (what === "select") store.select(id);
        else if (what === "unselect") store.select(null);
        else if (what === "follow") store.chat(id).follow();
        else if (what === "unmount") {
          mounted.get(id)?.();
          mounted.delete(id);
        }
        await shown();
        const { selected } = store.getSnapshot();
        const read = ids.filter((each) => world.chat(each).streams.size > 0);
        const lookedAt = ids.filter((each) => each === selected || mounted.has(each));
        const without = lookedAt.filter((each) => !read.includes(each));
        assert.ok(read.length <= max);
        if (without.length > 0) assert.ok(read.length === max && read.every((each) => lookedAt.includes(each)));
        if (selected !== null) assert.ok(read.includes(selected));
        for (const each of lookedAt) {
          assert.equal(store.chat(each).getSnapshot().following === "parked", without.includes(each));
        }
      }
      store.close();
    }),
    { numRuns: 60 },
  );
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
