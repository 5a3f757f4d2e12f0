/**
 * What the frame works out, without a browser.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { addressOf, chatIn, worldIn } from "../parts/address.js";
import { news } from "../parts/announcer.js";
import { Diagnostics } from "../parts/diagnostics.js";
import { isLetter, KEYS, verbOf } from "../parts/keys.js";
import { moved } from "../parts/list.js";
import { Names } from "../parts/names.js";
import { counts, ordered, wantsLook } from "../parts/order.js";
import { pieces } from "../parts/search.js";
import { queuedOf, signalOf } from "../parts/signal.js";
import { clockTime, when, wholeTime } from "../parts/when.js";
import { inSight, scrolledTo } from "../parts/windowed.js";

const IDLE = { kind: "idle", step: null, tools: [], queued: 0, turnId: null };

/** @param {Record<string, unknown>} [more] @returns {any} */
const row = ({ busy = {}, ...more } = {}) => ({
  chatId: "a", title: "", archived: false, updatedAt: 1, activeAt: 1, outcome: null, unread: 0, news: false, selected: false,
  sending: false, ...more, busy: { ...IDLE, .../** @type {object} */ (busy) },
});

// REQ-8, NFR-3
test("each thing that a chat may do has words of its own", () => {
  /** @type {[Record<string, unknown>, string, string][]} */
  const cases = [
    [{}, "rest", "Idle"],
    [{ busy: { kind: "running", step: "thinking", turnId: 3 } }, "work", "Thinking"],
    [{ busy: { kind: "running", step: "writing", turnId: 3 } }, "work", "Writing"],
    [{ busy: { kind: "running", step: "tools", tools: ["clock", "add"], turnId: 3 } }, "work", "Running clock, add"],
    [{ busy: { kind: "running", turnId: 3 } }, "work", "Working"],
    [{ busy: { kind: "running" } }, "work", "Waiting for a place"],
    [{ busy: { kind: "awaiting", turnId: 3 } }, "wait", "Waiting for you"],
    [{ outcome: "failed" }, "bad", "Failed"],
    [{ outcome: "cancelled" }, "dim", "Stopped"],
    [{ outcome: "interrupted" }, "dim", "Interrupted"],
    [{ outcome: "completed" }, "rest", "Idle"],
    [{ outcome: "failed", sending: true }, "work", "Sending"],
    [{ outcome: "failed", busy: { kind: "running", step: "writing", turnId: 9 } }, "work", "Writing"],
    [{ busy: { kind: "failed" } }, "bad", "Out of order"],
    [{ busy: { kind: "stalled" } }, "bad", "Stalled: cannot be stored"],
    [{ busy: { kind: "closed" } }, "dim", "Closed"],
    [{ busy: { kind: "deleted" } }, "dim", "Deleted"],
    [{ busy: { kind: "unknown" } }, "dim", ""],
  ];
  for (const [more, tone, text] of cases) assert.deepEqual(signalOf(row(more)), { tone, text });
  assert.equal(queuedOf(row({ busy: { queued: 2 } }).busy), "2 queued");
  assert.equal(queuedOf(row().busy), "");
});

const named = { nameOf: (/** @type {any} */ each) => each.title || "New chat" };

test("chats at work come first, then those in which something happened last, and no two trade places", () => {
  const rows = [
    row({ chatId: "old", activeAt: 1 }),
    row({ chatId: "b", activeAt: 5 }),
    row({ chatId: "a", activeAt: 5 }),
    row({ chatId: "works", activeAt: 2, busy: { kind: "running", turnId: 1 } }),
    row({ chatId: "waits", activeAt: 3, busy: { kind: "awaiting", turnId: 1 } }),
    row({ chatId: "hidden", activeAt: 9, archived: true }),
  ];
  const shown = ordered(rows, { view: "all", words: "", ...named }).map(({ chatId }) => chatId);
  assert.deepEqual(shown, ["waits", "works", "a", "b", "old"]);
  const other = ordered(rows.toReversed(), { view: "all", words: "", ...named }).map(({ chatId }) => chatId);
  assert.deepEqual(other, shown);
});

test("each view has the chats that it counts, and words narrow it by name and id", () => {
  const rows = [
    row({ chatId: "a", title: "Plans for Rome" }),
    row({ chatId: "b", title: "Rome", news: true, busy: { kind: "running", turnId: 1 } }),
    row({ chatId: "c", unread: 2, outcome: "failed" }),
    row({ chatId: "d", news: true, busy: { kind: "awaiting", turnId: 1 } }),
    row({ chatId: "e", archived: true, unread: 1, busy: { kind: "stalled" } }),
  ];
  assert.deepEqual(counts(rows), { all: 4, busy: 1, waiting: 1, unread: 2, failed: 2, archived: 1 });
  for (const [view, count] of Object.entries(counts(rows))) {
    assert.equal(ordered(rows, { view: /** @type {any} */ (view), words: "", ...named }).length, count);
  }
  const found = (/** @type {string} */ words) => ordered(rows, { view: "all", words, ...named }).map(({ chatId }) => chatId);
  assert.deepEqual(found(" rome  PLANS "), ["a"]);
  assert.deepEqual(found("new chat"), ["d", "c"]);
  assert.deepEqual(found("paris"), []);
});

// REQ-8
test("who looks for news finds what the list marks as new, and nothing that goes on or was put away", () => {
  assert.equal(wantsLook(row({ unread: 1 })), true);
  assert.equal(wantsLook(row({ news: true, outcome: "failed" })), true);
  assert.equal(wantsLook(row({ busy: { kind: "awaiting", turnId: 1 } })), true);
  assert.equal(wantsLook(row({ news: true, busy: { kind: "running", turnId: 1 } })), false);
  assert.equal(wantsLook(row({ news: true, selected: true })), false);
  assert.equal(wantsLook(row({ news: true, archived: true })), false);
  assert.equal(wantsLook(row()), false);
});

// REQ-11, law 6
test("what is no date has no time, and breaks nothing", () => {
  const now = Date.UTC(2026, 10, 23, 12);
  for (const at of [9_000_000_000_000_000, Infinity, NaN, -1, 0]) {
    assert.deepEqual([when(at, now), wholeTime(at), clockTime(at)], ["", "", ""], String(at));
  }
  assert.match(when(now, now), /\d/);
  assert.match(clockTime(now), /\d/);
  assert.match(wholeTime(8_640_000_000_000_000), /275760/);
});

test("of a long list those in sight are drawn, and a row is scrolled to no further than it must", () => {
  const list = { count: 10_000, rowHeight: 50, height: 500 };
  assert.deepEqual(inSight({ ...list, top: 0 }), { first: 0, last: 16 });
  assert.deepEqual(inSight({ ...list, top: 5000 }), { first: 94, last: 116 });
  assert.deepEqual(inSight({ ...list, count: 3, top: 5000 }), { first: 3, last: 3 });
  assert.equal(scrolledTo({ ...list, at: 0, top: 70 }), 0);
  assert.equal(scrolledTo({ ...list, at: 5, top: 70 }), 70);
  assert.equal(scrolledTo({ ...list, at: 20, top: 0 }), 550);
});

test("the keys of the list end at its ends", () => {
  const list = { place: 5, count: 10, page: 4 };
  const places = ["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End", "x"].map((key) => moved(key, list));
  assert.deepEqual(places, [6, 4, 9, 1, 0, 9, null]);
  assert.equal(moved("ArrowDown", { place: 0, count: 0, page: 1 }), 0);
});

test("an address leads back to its chat, whatever its id is made of", () => {
  for (const [world, chat] of [["home", "a"], ["a/b", "c d/#?%"], ["w", null]]) {
    const hash = addressOf(/** @type {string} */ (world), chat ?? null);
    assert.deepEqual([worldIn(hash), chatIn(hash)], [world, chat]);
  }
  for (const hash of ["", "#", "#/", "#x", "#/%"]) assert.deepEqual([worldIn(hash), chatIn(hash)], [null, null]);
});

test("marks count bytes, and every character stays whole", () => {
  assert.deepEqual(pieces({ text: "a 🙂 tea, né", marks: [{ start: 2, end: 6 }, { start: 7, end: 10 }] }), [
    { text: "a ", marked: false },
    { text: "🙂", marked: true },
    { text: " ", marked: false },
    { text: "tea", marked: true },
    { text: ", né", marked: false },
  ]);
  assert.deepEqual(pieces({ text: "plain" }), [{ text: "plain", marked: false }]);
});

// NFR-4, law 7
test("diagnostics keep the id of their chat, and the oldest give way", () => {
  const diagnostics = new Diagnostics(() => 7);
  diagnostics.ofWorld({ type: "diagnostic", repeats: 3, diagnostic: { at: 5, chatId: "a", kind: "restarted", restarts: 2, reason: "panic" } });
  diagnostics.ofClient({ kind: "rejected", reason: "foreign_chat", claimed: "b", chatId: "a" });
  diagnostics.ofWorld({ type: "diagnostics.skipped", count: 4 });
  const [restarted, rejected, skipped] = diagnostics.getSnapshot().entries;
  assert.deepEqual(restarted, { id: 1, at: 5, chatId: "a", kind: "restarted", text: "restarts: 2, reason: panic", repeats: 3 });
  assert.deepEqual([rejected?.chatId, rejected?.text, rejected?.at], ["a", "reason: foreign_chat, claimed: b", 7]);
  assert.equal(skipped?.text, "4 older ones were not sent");
  for (let n = 0; n < 2000; n += 1) diagnostics.ofClient({ kind: "connection", reason: String(n) });
  const { entries, unseen } = diagnostics.getSnapshot();
  assert.deepEqual([entries.length, unseen, entries.at(-1)?.text], [500, 500, "reason: 1999"]);
  diagnostics.seen();
  assert.equal(diagnostics.getSnapshot().unseen, 0);
});

test("a chat without a title is asked once how it begins, a few at a time, and again only when it moved", async () => {
  /** @type {string[]} */
  const asked = [];
  let underWay = 0;
  let most = 0;
  const world = /** @type {any} */ ({
    chat: (/** @type {string} */ id) => ({
      async *messages() {
        asked.push(id);
        underWay += 1;
        most = Math.max(most, underWay);
        await null;
        underWay -= 1;
        if (id === "gone") throw new Error("gone");
        if (id !== "empty") yield { parts: [{ type: "blob" }, { type: "text", text: `\n tea in ${id} \nand more` }] };
      },
    }),
  });
  const names = new Names(world);
  const heard = new Promise((resolve) => names.subscribe(() => names.getSnapshot() === 20 && resolve(undefined)));
  const all = ["empty", "gone", ...Array.from({ length: 20 }, (_, n) => `c${n}`)];
  for (const chatId of [...all, ...all]) names.want(row({ chatId }));
  await heard;
  for (const chatId of all) names.want(row({ chatId }));
  assert.equal(names.opening("c7"), "tea in c7");
  assert.equal(names.opening("empty"), "");
  assert.deepEqual([asked.length, most <= 4], [22, true]);
  names.want(row({ chatId: "empty", activeAt: 2 }));
  assert.equal(asked.length, 23);
  // How the open chat begins now needs no asking, and outlives what was asked before.
  names.learn("c7", [{ type: "text", text: "coffee" }]);
  names.learn("empty", [{ type: "text", text: "milk" }]);
  const version = names.getSnapshot();
  names.learn("c7", [{ type: "text", text: "coffee" }]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([names.opening("c7"), names.opening("empty"), names.getSnapshot() - version, asked.length], ["coffee", "milk", 0, 23]);
});

test("it is said when a chat begins to wait or fails, once, and nothing of what is written", () => {
  const idle = row({ chatId: "a", title: "A" });
  const waits = row({ chatId: "a", title: "A", busy: { kind: "awaiting", turnId: 1 } });
  const works = row({ chatId: "b", title: "B", busy: { kind: "running", step: "writing", turnId: 1 } });
  const failed = row({ chatId: "b", title: "B", outcome: "failed" });
  assert.equal(news([idle, works], [waits, failed], named.nameOf), "A waits for you. B has failed.");
  assert.equal(news([waits, failed], [{ ...waits, unread: 1 }, { ...failed, unread: 2 }], named.nameOf), "");
  assert.equal(news([idle], [idle, works], named.nameOf), "");
  // What becomes known in this moment was so before.
  assert.equal(news([], [waits, failed], named.nameOf), "");
  const many = ["a", "b", "c", "d"].map((chatId) => row({ chatId }));
  const all = many.map((each) => ({ ...each, outcome: "failed" }));
  assert.equal(news(many, all, named.nameOf), "4 chats have failed.");
});

test("no key means two things, and letters that somebody types are letters", () => {
  const event = (/** @type {object} */ fields) => /** @type {any} */ ({ key: "", code: "", altKey: false, ctrlKey: false, metaKey: false, target: null, ...fields });
  Object.assign(globalThis, { HTMLElement: class {} });
  assert.equal(verbOf(event({ key: "?" })), "help");
  assert.equal(verbOf(event({ key: "˜", code: "KeyN", altKey: true })), "new");
  assert.equal(verbOf(event({ key: "n" })), null);
  const field = Object.assign(Object.create(HTMLElement.prototype), { tagName: "TEXTAREA" });
  assert.equal(verbOf(event({ key: "?", target: field })), null);
  assert.equal(verbOf(event({ code: "KeyN", altKey: true, target: field })), "new");
  assert.equal(verbOf(event({ key: "?", isComposing: true })), null);
  const tried = KEYS.flatMap(({ shown }) => shown);
  assert.equal(new Set(tried).size, tried.length);
});

test("on a Mac, what Option writes into a field is written; where nothing is written it is a command", () => {
  Object.assign(globalThis, { HTMLElement: class {} });
  const field = Object.assign(Object.create(HTMLElement.prototype), { tagName: "TEXTAREA" });
  const event = (/** @type {object} */ fields) => /** @type {any} */ ({ altKey: true, ctrlKey: false, metaKey: false, target: field, ...fields });
  const polish = event({ key: "ś", code: "KeyS" });
  assert.equal(isLetter(polish, "MacIntel"), true);
  assert.equal(isLetter({ ...polish, target: null }, "MacIntel"), false);
  // Elsewhere Alt writes nothing, whatever the layout calls the key.
  assert.equal(isLetter(polish, "Win32"), false);
  assert.equal(isLetter(event({ key: "т", code: "KeyN" }), "Linux x86_64"), false);
  assert.equal(isLetter(event({ key: "Dead", code: "KeyN" }), "MacIntel"), true);
  for (const [key, code] of [["s", "KeyS"], ["S", "KeyS"], ["2", "Digit2"], ["ArrowDown", "ArrowDown"]]) {
    assert.equal(isLetter(event({ key, code }), "MacIntel"), false, key);
  }
  Object.defineProperty(globalThis, "navigator", { value: { platform: "MacIntel" }, configurable: true });
  assert.equal(verbOf(event({ key: "@", code: "KeyL" })), null);
  assert.equal(verbOf(event({ key: "@", code: "KeyL", target: null })), "list");
});
