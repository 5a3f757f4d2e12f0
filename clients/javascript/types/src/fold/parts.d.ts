/**
 * What parts say.
 *
 * @module
 */
import type { Part } from "./wire.js";
/** @import { Part } from "./wire.js" */
/**
 * The text of all text parts, one after the other.
 *
 * @param {readonly Part[]} parts
 * @returns {string}
 */
export declare function textOf(parts: readonly Part[]): string;
