/**
 * What the chat pane works out, without a browser.
 */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Drafts } from "../parts/drafts.js";
import { cut, markupOf, slices } from "../parts/markdown-blocks.js";
import { around, atEnd, DRAWN_MAX, entriesOf, further, nearer, PAGE, placeOf, trimmed, within } from "../parts/timeline-entries.js";
import { duration, failureText, size, tokens } from "../parts/turn-words.js";

const TEXT = [
  "# Title", "", "Some *text* with [a link][1] and `code`.", "", "- one", "- two", "", "  still two", "", "```js", "const a = 1;", "", "```", "",
  "| a | b |", "|---|---|", "| 1 | 2 |", "", "> quote", "goes on", "", "Heading", "=======", "", "1. x", "2. y", "", "[1]: https://example.org", "", "end 🙂 שלום",
].join("\n");

/** @param {string} text @returns {string} */
const drawn = (text) => {
  const { blocks, links } = cut(text);
  return blocks.map(({ kind, raw, text: code }) => (kind === "code" ? `CODE ${code}` : markupOf(raw, links))).join("");
};

test("a text that grows is cut as if it had come at once, however it comes", () => {
  const whole = cut(TEXT);
  for (const step of [1, 2, 3, 7, 20, 64]) {
    let now = cut("");
    for (let end = step; end < TEXT.length + step; end += step) now = cut(TEXT.slice(0, end), now);
    assert.deepEqual(now.blocks, whole.blocks, `by ${step}`);
    assert.deepEqual({ ...now.links }, { ...whole.links });
  }
  assert.equal(cut(TEXT, whole), whole);
  // What is no longer the same text begins anew.
  assert.deepEqual(cut("other", whole).blocks, cut("other").blocks);
});

test("while a text grows, what stands before its end stays the same objects", () => {
  const before = cut(TEXT.slice(0, -20));
  const after = cut(TEXT, before);
  for (let at = 0; at < before.blocks.length - 2; at += 1) assert.equal(after.blocks[at], before.blocks[at]);
});

test("markup in an answer is text, and nothing is fetched", () => {
  const made = drawn('<script>alert(1)</script>\n\nan <b onclick="x()">inline</b> one\n\n![pic](https://example.org/a.png)\n\n<!-- c -->\n\n<style>*{}</style>');
  assert.doesNotMatch(made, /<(?:script|b|img|style|!)/i);
  assert.match(made, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/);
  assert.match(made, /<a href="https:\/\/example\.org\/a\.png">/);
});

test("what would take long to look through, or is nested beyond sense, is plain", () => {
  console.debug = () => {};
  const hard = ["> ".repeat(10_000), "1. ".repeat(7_000), "_a".repeat(10_000), "[".repeat(20_000), "**a*".repeat(5_000), "x".repeat(30_000), "![".repeat(10_000)];
  for (const text of hard) {
    const began = performance.now();
    const { blocks } = cut(text);
    assert.deepEqual(new Set(blocks.map(({ kind }) => kind)), new Set(["plain"]), text.slice(0, 8));
    assert.ok(performance.now() - began < 2000, text.slice(0, 8));
    assert.equal(blocks.map(({ raw }) => raw).join(""), text);
  }
});

test("a long text is cut into pieces that together are the text, and no character is parted", () => {
  const flood = "flood ".repeat(1_000_000);
  const began = performance.now();
  assert.equal(slices(flood).join("").length, flood.length);
  assert.ok(performance.now() - began < 1000, "what it takes grows with the text and not with its square");
  for (const text of ["a".repeat(50), "word ".repeat(20), "line\n".repeat(20), "🙂".repeat(40), "x🙂".repeat(30), ""]) {
    const pieces = slices(text, 8);
    assert.equal(pieces.join(""), text);
    for (const piece of pieces) assert.doesNotThrow(() => encodeURIComponent(piece), JSON.stringify(piece));
  }
});

/** @param {number} id @param {number | null} turnId @param {"user" | "assistant"} role @returns {any} */
const message = (id, turnId, role, more = {}) => ({ role, id, turnId, author: "a", model: "m", calls: [], ...more });

test("each turn ends with a row that tells how; copied history has none, and a name stands where somebody else speaks", () => {
  const history = [
    message(1, null, "user"), message(2, null, "assistant", { model: null }), message(4, 5, "user"), message(6, 5, "assistant"), message(9, 5, "assistant"),
    message(12, 5, "assistant", { author: "b", calls: [{ endedSeq: 14 }] }), message(20, 21, "user"),
  ];
  const entries = entriesOf(history, /** @type {any} */ ([{ id: 5 }, { id: 21 }]));
  assert.deepEqual(entries.map(({ key }) => key), ["m1", "m2", "m4", "m6", "m9", "m12", "t5", "m20", "t21"]);
  const bylines = entries.flatMap((entry) => ("message" in entry ? [entry.byline] : []));
  assert.deepEqual(bylines, ["", "a", "", "a · m", "", "b · m", ""]);
  assert.deepEqual(entries.flatMap((entry) => ("ended" in entry ? [entry.isLast] : [])), [false, true]);
  // While another turn runs none of them is the last.
  const running = entriesOf(history, /** @type {any} */ ([{ id: 5 }, { id: 21 }]), true);
  assert.deepEqual(running.flatMap((entry) => ("ended" in entry ? [entry.isLast] : [])), [false, false]);
  // A message is found, and so is the result of a tool.
  assert.deepEqual([6, 14, 99].map((id) => placeOf(entries, id)), [3, 5, -1]);
});

test("of a long timeline a part is drawn, and the part moves with what is looked at", () => {
  const count = 1000;
  let span = atEnd(count);
  assert.deepEqual(within(span, count), { first: count - PAGE, last: count });
  for (let n = 0; n < 30; n += 1) {
    span = further(span, count);
    const { first, last } = within(span, count);
    assert.ok(last - first <= DRAWN_MAX && last > first);
  }
  assert.equal(span.first, 0);
  for (let n = 0; n < 30; n += 1) span = nearer(span, count);
  assert.equal(span.last, null);
  const { first, last } = within(around(500, count), count);
  assert.ok(first < 500 && 500 < last);
  assert.deepEqual(within(around(999, count), count).last, count);
  // At the end, what is far above goes; and when most went with the history, others come.
  assert.deepEqual(trimmed({ first: 0, last: null }, count), atEnd(count));
  assert.deepEqual(trimmed({ first: 900, last: null }, 910), atEnd(910));
  for (const fine of [{ first: 900, last: null }, { first: 0, last: 50 }]) assert.equal(trimmed(fine, count), fine);
  // The history was cut meanwhile.
  assert.deepEqual(within({ first: 900, last: 990 }, 3), { first: 2, last: 3 });
  assert.deepEqual(within({ first: 900, last: null }, 0), { first: 0, last: 0 });
});

test("drafts outlive a reload, each with its own chat, and the oldest give way", () => {
  /** @type {Record<string, string>} */
  const kept = {};
  const shelf = { getItem: (/** @type {string} */ key) => kept[key] ?? null, setItem: (/** @type {string} */ key, /** @type {string} */ value) => void (kept[key] = value) };
  const drafts = new Drafts("home", shelf);
  drafts.keep("a", { draft: "for a", mode: "steer" });
  drafts.keep("b", { draft: "for b", place: { key: "m1", offset: -3 } });
  drafts.keep("b", { draft: undefined });
  drafts.write();
  const again = new Drafts("home", shelf);
  assert.deepEqual(again.of("a"), { draft: "for a", mode: "steer" });
  assert.deepEqual(again.of("b"), { place: { key: "m1", offset: -3 } });
  assert.deepEqual(new Drafts("other", shelf).of("a"), {});
  for (let n = 0; n < 300; n += 1) again.keep(`c${n}`, { draft: "x" });
  assert.deepEqual([again.of("a"), again.of("c299")], [{}, { draft: "x" }]);
  again.write();
  again.keep("large", { draft: "x".repeat(999_990) });
  again.keep("small", { draft: "y" });
  again.write();
  const room = new Drafts("home", shelf);
  assert.deepEqual([room.of("small").draft, room.of("large").draft?.length, room.of("c299").draft, room.of("c291").draft, room.of("c290").draft], ["y", 999_990, "x", "x", undefined]);
  // What was sent and is not accepted is typed too.
  room.keep("large", { draft: undefined, unsent: [{ promptId: "p1", text: "x".repeat(999_990) }] });
  room.keep("last", { unsent: [{ promptId: "p2", text: "z".repeat(20) }] });
  room.write();
  const unsent = new Drafts("home", shelf);
  assert.deepEqual([unsent.of("last").unsent, unsent.of("large")], [[{ promptId: "p2", text: "z".repeat(20) }], {}]);
  for (const broken of ["{", "null", "[1]", '[["a"]]']) {
    assert.deepEqual(new Drafts("w", { getItem: () => broken, setItem: () => {} }).of("a"), {});
  }
  const full = new Drafts("w", { getItem: () => null, setItem: () => { throw new Error("full"); } });
  full.keep("a", { draft: "still here" });
  full.write();
  assert.equal(full.of("a").draft, "still here");
});

test("times, sizes, tokens and failures are said in words", () => {
  assert.deepEqual([0, 40, 1234, 59_999, 61_000, 3_700_000].map(duration), ["0.0 s", "40 ms", "1.2 s", "59 s", "1 min 1 s", "1 h 1 min"]);
  assert.deepEqual([12, 1200, 2_500_000].map(size), ["12 bytes", "1.2 kB", "2.5 MB"]);
  assert.equal(tokens({ inputTokens: 0, outputTokens: 0 }), "");
  assert.equal(tokens({ inputTokens: 1, outputTokens: 1 }), "1 token in, 1 out");
  assert.match(tokens({ inputTokens: 12, outputTokens: 3 }), /^12 tokens in, 3 out$/);
  assert.equal(failureText({ kind: "denied", message: "" }), "Denied");
  assert.equal(failureText({ kind: "new_kind", message: "why" }), "new_kind: why");
});
