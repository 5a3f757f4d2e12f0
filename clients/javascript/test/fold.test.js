/**
 * The fold of one chat: what law 4 and REQ-13 ask of it.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import fc from "fast-check";

import { LIVE, RECORDED } from "../src/check.js";
import { Rejected } from "../src/errors.js";
import {
  apply, busyOf, emptyChat, messagesOf, openMessageOf, outcomeOf, pendingOf, unreadOf,
} from "../src/fold.js";
import { Life, merged, wishes } from "../testkit/life.js";

/** @typedef {import("../src/fold.js").ChatNotice} Notice */
/** @typedef {import("../src/fold/state.js").ChatState} ChatState */

/** @param {Iterable<Notice>} notices @param {ChatState} [from] */
function fold(notices, from = emptyChat("a")) {
  let state = from;
  for (const notice of notices) state = apply(state, notice);
  return state;
}

/** @param {import("../testkit/life.js").Wish[]} list */
const lifeOf = (list) => new Life("a").play(list).notices;

/** @param {() => unknown} run @param {string} reason */
function refuses(run, reason) {
  assert.throws(run, (error) => error instanceof Rejected && error.facts["reason"] === reason);
}

/** The wire's messages of a chat, as `messages/list` answers them. @param {ChatState} state */
export function asListed(state) {
  return messagesOf(state).map(({ role, id, text }) => ({ role, id, text }));
}

/** @param {string[]} what */
const wished = (...what) => what.map((each) => ({ what: each, text: "tea ", n: 0 }));

test("an answer is shown while it is written, and as recorded once it ended", () => {
  // REQ-3
  const notices = lifeOf(wished("send", "think", "write", "write"));
  const writing = fold(notices);
  assert.equal(openMessageOf(writing)?.text, "a:tea a:tea ");
  assert.equal(openMessageOf(writing)?.reasoning, "a:tea ");
  assert.deepEqual(busyOf(writing), { kind: "running", step: "writing", tools: [], queued: 0, turnId: 3 });

  const ended = fold(lifeOf(wished("send", "think", "write", "write", "end")));
  assert.equal(openMessageOf(ended), null);
  assert.deepEqual(asListed(ended).map(({ role, text }) => [role, text]), [
    ["user", "a:tea "],
    ["assistant", "a:tea a:tea "],
  ]);
  assert.deepEqual(outcomeOf(ended, "p1"), { kind: "completed" });
  assert.equal(busyOf(ended).kind, "idle");
  assert.equal(unreadOf(ended, 3), 1);
  assert.equal(unreadOf(ended, ended.head), 0);
});

test("a model thinks until text is there, and tools are named while they run", () => {
  // REQ-8
  const steps = ["send", "think", "write", "call", "ask", "decide", "start", "result"];
  const kinds = steps.map((_, at) => {
    const { kind, step, tools } = busyOf(fold(lifeOf(wished(...steps.slice(0, at + 1)))));
    return [kind, step, ...tools].filter((word) => word !== null).join(" ");
  });
  assert.deepEqual(kinds, [
    "running thinking", "running thinking", "running writing", "running thinking",
    "awaiting", "running thinking", "running tools tool0", "running thinking",
  ]);
});

test("a chat waits for a person only once nothing else can go on", () => {
  // REQ-8
  const two = { what: "call", text: "tea ", n: 1 };
  const asks = (/** @type {number} */ n) => ({ what: "ask", text: "tea ", n });
  const kind = (/** @type {any[]} */ ...list) => busyOf(fold(lifeOf([...wished("send"), two, ...list]))).kind;
  assert.equal(kind(asks(0)), "running");
  assert.equal(kind(asks(0), asks(1)), "awaiting");
  assert.equal(kind(asks(0), { what: "fail", text: "", n: 1 }), "awaiting");
});

test("a reader of the log alone has of an open answer what its checkpoints saved", () => {
  // law 4
  const wishes = wished(
    ...["send", "write", "think", "checkpoint", "write", "think", "checkpoint", "write", "think"],
  );
  const recorded = lifeOf(wishes).filter(({ event }) => "seq" in event);
  assert.equal(openMessageOf(fold(recorded))?.text, "a:tea a:tea ");
  assert.equal(openMessageOf(fold(recorded))?.reasoning, "a:tea a:tea ");
  // Whoever comes to the live events after that has all.
  assert.deepEqual(fold(lifeOf(wishes), fold(recorded)), fold(lifeOf(wishes)));
});

test("a call is asked for, allowed, says what it does, and is superseded by its result", () => {
  // REQ-4
  const before = wished("send", "call", "ask");
  assert.deepEqual(pendingOf(fold(lifeOf(before))).map(({ id, approval }) => [id, approval]), [
    ["4.0", "permission"],
  ]);
  const running = wished("send", "call", "ask", "decide", "start", "output", "output", "progress");
  const early = new Life("a").play(before);
  early.show("tool.output", { toolCallId: "4.0", offset: 0, text: "before it began" });
  assert.deepEqual(fold(early.notices).turn, fold(early.notices.slice(0, -1)).turn);
  const call = (/** @type {ChatState} */ state) => {
    const message = messagesOf(state).find(({ id }) => id === 4);
    return message?.role === "assistant" ? message.calls[0] : undefined;
  };
  const shown = call(fold(lifeOf(running)));
  assert.equal(shown?.output, "a:tea a:tea ");
  assert.deepEqual(shown?.progress, { done: 0 });
  const ended = call(fold(lifeOf([...running, ...wished("result")])));
  assert.equal(ended?.state, "answered");
  assert.deepEqual([ended?.output, ended?.progress], ["", null]);
  assert.deepEqual(ended?.result, [{ type: "text", text: "a:tea " }]);
  assert.equal(Number(ended?.endedAt) - Number(ended?.startedAt), 1);
});

test("the lives of these tests meet all that can happen in a chat", () => {
  // A property that holds because nothing happens holds nothing.
  const met = new Set();
  for (const list of fc.sample(wishes, { numRuns: 300, seed: 5 })) {
    for (const { event } of lifeOf(list)) met.add(event.type);
  }
  const unmet = [...RECORDED, ...LIVE].filter((type) => !met.has(type));
  assert.deepEqual(unmet, ["chat.deleted", "message.imported"]);
});

test("waiting prompts stand in the order in which they run", () => {
  fc.assert(
    fc.property(wishes, (list) => {
      const life = new Life("a").play(list);
      const { queue } = fold(life.notices);
      assert.deepEqual(queue.map(({ promptId }) => promptId), life.waiting);
    }),
  );
});

test("a merged chunk gives the state that its parts give", () => {
  // law 4
  fc.assert(
    fc.property(wishes, fc.array(fc.boolean(), { minLength: 1 }), (list, lags) => {
      const notices = lifeOf(list);
      assert.deepEqual(fold(merged(notices, lags)), fold(notices));
    }),
  );
});

test("text that is there is not added twice, whatever characters it is made of", () => {
  // law 4
  const text = "Grüße 🌍 𝒳 é漢";
  const pieces = [...text];
  for (let cut = 0; cut <= pieces.length; cut += 1) {
    for (let from = 0; from <= cut; from += 1) {
      const [head, again] = [pieces.slice(0, cut).join(""), pieces.slice(from).join("")];
      const life = new Life("a").play(wished("send"));
      life.show("message.chunk", { messageId: 4, offset: 0, text: head });
      const offset = Buffer.byteLength(pieces.slice(0, from).join(""));
      life.show("message.chunk", { messageId: 4, offset, text: again });
      const state = fold(life.notices);
      assert.equal(openMessageOf(state)?.text, text);
      const repeated = apply(state, { ...life.notices.at(-1), cursor: "4-1-9-0" });
      assert.equal(repeated.turn, state.turn);
      assert.equal(repeated.cursor, "4-1-9-0");
    }
  }
});

test("leaving at any place and coming back at any cursor seen gives the state of never leaving", () => {
  // law 4
  fc.assert(
    fc.property(wishes, fc.nat(), fc.nat(), fc.array(fc.boolean()), (list, leave, back, lags) => {
      const notices = lifeOf(list);
      const left = leave % (notices.length + 1);
      const begin = back % (left + 1);
      const away = fold(notices.slice(0, left));
      assert.deepEqual(fold(merged(notices.slice(begin), lags), away), fold(notices));
    }),
  );
});

test("a reader that missed the live events of what ended meanwhile misses nothing", () => {
  // law 4: live events are superseded by what is recorded
  fc.assert(
    fc.property(wishes, fc.nat(), (list, leave) => {
      const { notices } = new Life("a").play(list).settle();
      const left = leave % (notices.length + 1);
      const recorded = notices.slice(left).filter(({ event }) => "seq" in event);
      assert.deepEqual(fold(recorded, fold(notices.slice(0, left))), fold(notices));
    }),
  );
});

test("an event changes no state that was handed out, and what it does not concern stays the same object", () => {
  /** @param {any} value @returns {any} */
  const frozen = (value) => {
    if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
      Object.values(Object.freeze(value)).forEach(frozen);
    }
    return value;
  };
  fc.assert(
    fc.property(wishes, (list) => {
      let state = frozen(emptyChat("a"));
      for (const notice of lifeOf(list)) {
        const next = frozen(apply(state, frozen(notice)));
        if ("offset" in notice.event) {
          assert.equal(next.history, state.history);
          assert.equal(next.queue, state.queue);
          assert.equal(next.turns, state.turns);
        }
        state = next;
      }
    }),
  );
});

test("an event of another chat or of none is refused and changes nothing", () => {
  // REQ-13
  fc.assert(
    fc.property(wishes, fc.nat(), fc.constantFrom("b", undefined, null, 7, "", "."), (list, at, chatId) => {
      const notices = lifeOf(list);
      const place = at % notices.length;
      const state = fold(notices.slice(0, place));
      const before = structuredClone(state);
      const { cursor, event } = notices[place];
      const named = chatId === "b" ? "foreign_chat" : chatId === undefined ? "missing_chat_id" : "invalid_chat_id";
      refuses(() => apply(state, { cursor, event: { ...event, chatId } }), named);
      assert.deepEqual(state, before);
    }),
  );
});

test("what cannot follow is refused: a gap in the log or in a text, an answer that never began", () => {
  // REQ-13, law 4
  const { notices } = new Life("a").play(wished("send", "write"));
  const state = fold(notices);
  const at = (/** @type {any} */ event) => () => apply(state, { cursor: "9-1-1-0", event: { chatId: "a", ...event } });
  refuses(at({ type: "chat.closed", seq: state.head + 2, at: 1 }), "out_of_order");
  refuses(at({ type: "chat.closed", seq: -1, at: 1 }), "malformed");
  refuses(at({ type: "message.chunk", turnId: 3, messageId: 4, offset: 99, text: "x" }), "text_gap");
  refuses(at({ type: "message.chunk", turnId: 3, messageId: 40, offset: 0, text: "x" }), "not_open");
  refuses(at({ type: "tool.output", turnId: 3, toolCallId: "40.0", offset: 0, text: "x" }), "not_open");
  refuses(at({ type: "tool.progress", turnId: 3, toolCallId: "x", progress: {} }), "not_open");
  refuses(at({ type: "chat.exploded", seq: state.head + 1, at: 1 }), "unknown_type");
  refuses(at({ type: "chat.whispered", turnId: 3 }), "unknown_type");
});

test("every event that the server can record has its place in the fold", async () => {
  const path = new URL("../../../crates/transport/tests/golden/recorded.json", import.meta.url);
  const golden = JSON.parse(await readFile(path, "utf8"));
  assert.ok(golden.length >= 48);
  const state = fold(golden);
  assert.equal(state.head, golden.length);
});

test("copied history has the results of its calls, and costs nothing here", () => {
  const life = new Life("a");
  const say = (/** @type {string} */ text) => [{ type: "text", text }];
  const imported = (/** @type {object} */ message) =>
    life.record("message.imported", { message, writtenAt: 7, sourceId: "old" });
  imported({ role: "user", parts: say("what time is it?") });
  const asked = imported({
    role: "assistant", author: "guide", parts: say("let me see"), usage: { inputTokens: 5, outputTokens: 5 },
    toolCalls: [{ name: "clock", arguments: {} }],
  });
  imported({ role: "tool", index: 0, output: { parts: say("noon") } });
  imported({ role: "tool", index: 3, output: { parts: say("of a call that was not copied") } });
  const state = fold(life.notices);
  const [user, answer, orphan] = messagesOf(state);
  assert.equal(user?.text, "what time is it?");
  assert.ok(answer?.role === "assistant" && orphan?.role === "tool");
  assert.equal(answer.id, asked);
  assert.deepEqual(answer.calls.map(({ state, result }) => [state, result]), [["answered", say("noon")]]);
  assert.equal(orphan.toolCallId, `${asked}.3`);
  assert.deepEqual(state.usage, { inputTokens: 0, outputTokens: 0 });
  assert.equal(unreadOf(state, 0), 0);
});

test("a revision takes the messages from its place on, and the turns that have none left", () => {
  const turn = wished("send", "write", "end");
  const state = fold(lifeOf([...turn, ...turn, ...turn, { what: "revise", text: "tea ", n: 1 }]));
  assert.deepEqual(state.turns.map(({ promptIds }) => promptIds), [["p1"]]);
  assert.deepEqual(messagesOf(state).filter(({ role }) => role === "user").length, 2);
  assert.equal(outcomeOf(state, "p2"), null);
});

test("a chat that has failed says so until its feed goes on", () => {
  // REQ-8
  const life = new Life("a").play(wished("send", "write"));
  const failed = fold([...life.notices, { event: { type: "ended", chatId: "a", reason: "failed" } }]);
  assert.equal(busyOf(failed).kind, "failed");
  life.record("chat.updated", { title: "again" });
  assert.equal(busyOf(apply(failed, life.notices.at(-1))).kind, "running");
});

// REQ-8: the log of a deleted chat is gone, so nobody who was away can read how its turn ended
test("a chat that was deleted while nobody read it is deleted, not busy for ever", () => {
  const life = new Life("a");
  life.record("chat.created", { title: "", provenance: "default" });
  life.record("prompt.accepted", { promptId: "p", mode: "queue", parts: [] });
  life.record("turn.started", { agent: "assistant", promptIds: ["p"] });
  const running = fold(life.notices);
  assert.equal(busyOf(running).kind, "running");
  const gone = apply(running, { event: { type: "ended", chatId: "a", reason: "deleted" } });
  assert.equal(busyOf(gone).kind, "deleted");
  assert.equal(apply(gone, { event: { type: "ended", chatId: "a", reason: "deleted" } }), gone);
  const broken = apply(running, { event: { type: "ended", chatId: "a", reason: "unreadable" } });
  assert.equal(busyOf(broken).kind, "running");
});
