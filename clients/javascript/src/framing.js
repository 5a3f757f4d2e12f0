/**
 * Where a message ends: one line each, or a length before each.
 *
 * A decoder gets bytes in whatever pieces they come and gives back whole messages. What is too long
 * is skipped without being kept; only its beginning is told, so that whoever waits for it can hear
 * that it will not come.
 *
 * @module
 */

/** @typedef {"lines" | "content-length"} Framing */

/**
 * @typedef {{ text: string, rejected?: undefined }
 *   | { rejected: "too_long" | "not_utf8", begin: string }} Frame
 */

/**
 * @typedef {object} Decoder
 * @property {(chunk: Uint8Array) => Iterable<Frame>} push to be read to its end; throws {@link FramesLost}
 */

/** Bytes of the header fields before a message at most. */
const HEADER_BYTES_MAX = 4096;
/** Bytes of a message's beginning that are told of one that is skipped. */
const BEGIN_BYTES = 256;
const [NEWLINE, RETURN, TAB, SPACE] = [10, 13, 9, 32];

const encoder = new TextEncoder();

/** Where the next frame begins is not known any more; the connection cannot go on. */
export class FramesLost extends Error {
  /** @param {string} why */
  constructor(why) {
    super(`the frames are lost: ${why}`);
    this.name = "FramesLost";
  }
}

/**
 * The bytes of a message. In lines, the text must not contain a line break, and JSON does not.
 *
 * @param {Framing} framing
 * @param {string} text
 */
export function encodeFrame(framing, text) {
  if (framing === "lines") return encoder.encode(`${text}\n`);
  const body = encoder.encode(text);
  const header = encoder.encode(`Content-Length: ${body.length}\r\n\r\n`);
  return joined([header, body], header.length + body.length);
}

/**
 * @param {Framing} framing
 * @param {number} bytesMax
 * @returns {Decoder}
 */
export function frameDecoder(framing, bytesMax) {
  return framing === "lines" ? new LineDecoder(bytesMax) : new LengthDecoder(bytesMax);
}

/** The pieces of one message, kept until it is whole, or skipped once it is too long. */
class Pieces {
  /** @type {Uint8Array[]} */
  #kept = [];
  #bytes = 0;
  #tooLong = false;

  /** @param {number} bytesMax */
  constructor(bytesMax) {
    this.bytesMax = bytesMax;
  }

  /** @param {Uint8Array} piece */
  add(piece) {
    if (piece.length === 0) return;
    this.#bytes += piece.length;
    if (this.#tooLong) return;
    this.#kept.push(piece);
    if (this.#bytes > this.bytesMax) this.#skip();
  }

  /** Nothing more is kept than the beginning. */
  #skip() {
    this.#tooLong = true;
    this.#kept = [joined(this.#kept, this.#bytes).slice(0, BEGIN_BYTES)];
  }

  /**
   * The message; the next one can begin.
   *
   * @returns {Frame}
   */
  take() {
    const [kept, tooLong] = [this.#kept, this.#tooLong];
    const whole = tooLong ? (kept[0] ?? new Uint8Array()) : joined(kept, this.#bytes);
    [this.#kept, this.#bytes, this.#tooLong] = [[], 0, false];
    if (tooLong) return { rejected: "too_long", begin: readable(whole) };
    try {
      return { text: new TextDecoder("utf-8", { fatal: true }).decode(whole) };
    } catch {
      return { rejected: "not_utf8", begin: readable(whole.subarray(0, BEGIN_BYTES)) };
    }
  }
}

/** One message per line; lines of nothing but white space are skipped. */
class LineDecoder {
  #line;
  #blank = true;

  /** @param {number} bytesMax */
  constructor(bytesMax) {
    this.#line = new Pieces(bytesMax);
  }

  /** @param {Uint8Array} chunk @returns {Generator<Frame, void>} */
  *push(chunk) {
    let begin = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, begin);
      const piece = chunk.subarray(begin, end < 0 ? chunk.length : end);
      this.#line.add(piece);
      this.#blank &&= piece.every(isBlank);
      if (end < 0) return;
      const frame = this.#line.take();
      if (!this.#blank) yield frame;
      this.#blank = true;
      begin = end + 1;
    }
  }
}

/** `Content-Length: n` and an empty line before each message. */
class LengthDecoder {
  #body;
  /** @type {number[]} */
  #header = [];
  /**
   * Bytes of the body that are still to come; `undefined` while a header is read.
   *
   * @type {number | undefined}
   */
  #missing;

  /** @param {number} bytesMax */
  constructor(bytesMax) {
    this.#body = new Pieces(bytesMax);
  }

  /** @param {Uint8Array} chunk @returns {Generator<Frame, void>} */
  *push(chunk) {
    let at = 0;
    while (at < chunk.length || this.#missing === 0) {
      if (this.#missing === undefined) {
        this.#headerByte(chunk[at] ?? 0);
        at += 1;
        continue;
      }
      const piece = chunk.subarray(at, at + this.#missing);
      this.#body.add(piece);
      this.#missing -= piece.length;
      at += piece.length;
      if (this.#missing === 0) {
        this.#missing = undefined;
        yield this.#body.take();
      }
    }
  }

  /** @param {number} byte */
  #headerByte(byte) {
    this.#header.push(byte);
    const [a, b, c, d] = this.#header.slice(-4);
    if (a === RETURN && b === NEWLINE && c === RETURN && d === NEWLINE) {
      this.#missing = announced(String.fromCharCode(...this.#header));
      this.#header = [];
    } else if (this.#header.length >= HEADER_BYTES_MAX) {
      throw new FramesLost("a long header");
    }
  }
}

/**
 * The length that a header announces.
 *
 * @param {string} header
 */
function announced(header) {
  /** @type {number | undefined} */
  let length;
  for (const field of header.split("\r\n").filter((line) => line !== "")) {
    const colon = field.indexOf(":");
    if (colon < 0) throw new FramesLost("a header without a colon");
    if (field.slice(0, colon).toLowerCase() !== "content-length") continue;
    const value = field.slice(colon + 1).trim();
    if (length !== undefined || !/^[0-9]{1,15}$/.test(value)) {
      throw new FramesLost("a length that is no number, or two of them");
    }
    length = Number(value);
  }
  if (length === undefined) throw new FramesLost("a header without a length");
  return length;
}

/** @param {number} byte */
function isBlank(byte) {
  return byte === SPACE || byte === TAB || byte === RETURN;
}

/** @param {Uint8Array} bytes */
function readable(bytes) {
  return new TextDecoder().decode(bytes);
}

/** @param {Uint8Array[]} pieces @param {number} length */
function joined(pieces, length) {
  if (pieces.length === 1 && pieces[0]) return pieces[0];
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
