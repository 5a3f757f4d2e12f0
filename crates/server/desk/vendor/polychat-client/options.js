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
export function only(what, given, known) {
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw invalid(what, `there is no ${name}; there are ${known.join(", ")}`);
  }
}

/**
 * What is said of something that cannot be used, as the server says it.
 *
 * @param {string} what
 * @param {string} why
 */
export function invalid(what, why) {
  return new PolychatError("invalid_input", `${what}: ${why}`, { facts: { what, why } });
}
