/**
 * Text by its length in UTF-8: chunks say in bytes where they stand, strings here count otherwise.
 *
 * @module
 */

import { Rejected } from "../errors.js";

/**
 * The length of a text in UTF-8, in bytes.
 *
 * @param {string} text
 * @returns {number}
 */
export function utf8Length(text) {
  let bytes = 0;
  for (let at = 0; at < text.length; at += 1) {
    const width = widthAt(text, at);
    bytes += width;
    if (width === 4) at += 1;
  }
  return bytes;
}

/**
 * The rest of a text after its first `bytes` bytes; `null` when they end within a character.
 *
 * @param {string} text
 * @param {number} bytes
 * @returns {string | null}
 */
export function afterBytes(text, bytes) {
  if (bytes <= 0) return text;
  let seen = 0;
  for (let at = 0; at < text.length; at += 1) {
    const width = widthAt(text, at);
    seen += width;
    if (width === 4) at += 1;
    if (seen === bytes) return text.slice(at + 1);
    if (seen > bytes) return null;
  }
  return "";
}

/**
 * How many bytes the character takes that begins at a place; 4 for one of two code units.
 *
 * @param {string} text
 * @param {number} at
 * @returns {1 | 2 | 3 | 4}
 */
function widthAt(text, at) {
  const unit = text.charCodeAt(at);
  if (unit < 0x80) return 1;
  if (unit < 0x800) return 2;
  const leads = unit >= 0xd800 && unit <= 0xdbff;
  const next = leads ? text.charCodeAt(at + 1) : 0;
  return next >= 0xdc00 && next <= 0xdfff ? 4 : 3;
}

/**
 * Text that is known, with what is new of a piece that stands at `offset`, all in bytes.
 *
 * @param {string} known
 * @param {number} bytes
 * @param {number} offset
 * @param {string} piece
 * @returns {{ text: string, bytes: number }}
 */
export function grow(known, bytes, offset, piece) {
  if (offset > bytes) {
    throw new Rejected("text_gap", { claimed: `${offset} of ${bytes} bytes` });
  }
  const rest = afterBytes(piece, bytes - offset);
  if (rest === null) throw new Rejected("malformed", { claimed: "a piece of a character" });
  return { text: known + rest, bytes: bytes + utf8Length(rest) };
}
