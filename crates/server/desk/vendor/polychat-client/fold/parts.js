/**
 * What parts say.
 *
 * @module
 */

/** @import { Part } from "./wire.js" */

/**
 * The text of all text parts, one after the other.
 *
 * @param {readonly Part[]} parts
 * @returns {string}
 */
export function textOf(parts) {
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}
