import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FramesLost, encodeFrame, frameDecoder } from "../src/framing.js";

/** @typedef {import("../src/framing.js").Framing} Framing */

const FRAMINGS = /** @type {Framing[]} */ (["lines", "content-length"]);
const framing = fc.constantFrom(...FRAMINGS);
/** Texts as JSON has them: anything but a raw line break, and something to see. */
const message = fc
  .oneof(fc.string({ unit: "binary" }), fc.constantFrom("🌍 größe", "\\n", "{}", "Content-Length: 3"))
  .map((text) => JSON.stringify(text));

const cuts = fc.array(fc.nat(), { maxLength: 100, size: "max" });

/** @param {Uint8Array} bytes @param {number[]} cuts */
function split(bytes, cuts) {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((begin, n) => bytes.subarray(begin, at[n] ?? bytes.length));
}

/** @param {Framing} framing @param {number} max @param {Uint8Array[]} chunks */
function decode(framing, max, chunks) {
  const decoder = frameDecoder(framing, max);
  return chunks.flatMap((chunk) => [...decoder.push(chunk)]);
}

/** @param {Framing} framing @param {string[]} texts */
function encode(framing, texts) {
  return Buffer.concat(texts.map((text) => encodeFrame(framing, text)));
}

const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);

test("messages come out as they went in, however the bytes are split", () => {
  fc.assert(
    fc.property(framing, fc.array(message), cuts, (framing, texts, cuts) => {
      const frames = decode(framing, 1 << 20, split(encode(framing, texts), cuts));
      assert.deepEqual(frames, texts.map((text) => ({ text })));
    }),
  );
});

// law 7
test("a message is taken up to the bound and skipped beyond it, and the next one is read", () => {
  fc.assert(
    fc.property(framing, fc.array(message), fc.nat(40), cuts, (framing, texts, max, cuts) => {
      const frames = decode(framing, max, split(encode(framing, texts), cuts));
      const expected = texts.map((text) => {
        const size = bytes(text).length;
        if (size <= max) return { text };
        return { rejected: "too_long", begin: new TextDecoder().decode(bytes(text).slice(0, 256)) };
      });
      // What is told of the beginning depends on where the bytes were split, beyond the bound.
      const shown = frames.map((frame, n) => {
        const begin = expected[n]?.begin;
        if (frame.rejected !== "too_long" || begin === undefined) return frame;
        assert.ok(begin.startsWith(frame.begin.replace(/\uFFFD+$/u, "")), frame.begin);
        return { ...frame, begin };
      });
      assert.deepEqual(shown, expected);
    }),
  );
});

// law 7
test("nothing is kept of a message that is too long, but its beginning", () => {
  for (const framing of FRAMINGS) {
    const decoder = frameDecoder(framing, 1000);
    const huge = encodeFrame(framing, `"${"x".repeat(100_000)}"`);
    const chunks = split(huge, Array.from({ length: 1000 }, (_, n) => n * 100));
    const frames = chunks.flatMap((chunk) => [...decoder.push(chunk)]);
    assert.equal(frames.length, 1);
    assert.equal(frames[0]?.rejected, "too_long");
    assert.ok((frames[0]?.begin ?? "").length <= 256);
    assert.deepEqual([...decoder.push(encodeFrame(framing, "{}"))], [{ text: "{}" }]);
  }
});

test("arbitrary bytes never do more than end the frames", () => {
  fc.assert(
    fc.property(framing, fc.array(fc.uint8Array({ maxLength: 64 })), (framing, chunks) => {
      try {
        for (const frame of decode(framing, 32, chunks)) {
          if (frame.rejected === undefined) assert.ok(bytes(frame.text).length <= 32);
        }
      } catch (error) {
        assert.ok(error instanceof FramesLost);
      }
    }),
  );
});

test("bytes that are no UTF-8 are rejected, and the next line is read", () => {
  const chunks = [Uint8Array.of(0x22, 0xff, 0x22, 10), bytes("{}\n")];
  assert.deepEqual(decode("lines", 100, chunks), [{ rejected: "not_utf8", begin: '"\uFFFD"' }, { text: "{}" }]);
});

test("lines of white space are no messages", () => {
  assert.deepEqual(decode("lines", 100, [bytes("\n \r\n\t\n{}\r\n\n")]), [{ text: "{}\r" }]);
});

test("headers may come in any case and order, beside others", () => {
  const text = "Content-Type: x\r\ncontent-LENGTH: 2\r\n\r\n{}";
  assert.deepEqual(decode("content-length", 100, [bytes(text)]), [{ text: "{}" }]);
});

test("a header that says no length loses the frames, after what came before it", () => {
  for (const header of [
    "X: 1\r\n\r\n",
    "no colon\r\n\r\n",
    "Content-Length: -1\r\n\r\n",
    "Content-Length: 1e3\r\n\r\n",
    "Content-Length: 2\r\nContent-Length: 2\r\n\r\n",
    "x".repeat(5000),
  ]) {
    const decoder = frameDecoder("content-length", 100);
    const frames = decoder.push(bytes(`Content-Length: 2\r\n\r\n{}${header}`))[Symbol.iterator]();
    assert.deepEqual(frames.next().value, { text: "{}" });
    assert.throws(() => frames.next(), FramesLost, header);
  }
});
