/**
 * What a caller hands in, looked at before anything is done with it: a name that is misspelt would
 * otherwise be no option at all, and its default would hold.
 *
 * @module
 */
import { PolychatError } from "./errors.js";
/**
 * Refuses what is not known.
 *
 * @param {string} what
 * @param {object} given
 * @param {readonly string[]} known
 */
export declare function only(what: string, given: object, known: readonly string[]): void;
/**
 * What is said of something that cannot be used, as the server says it.
 *
 * @param {string} what
 * @param {string} why
 */
export declare function invalid(what: string, why: string): PolychatError;
