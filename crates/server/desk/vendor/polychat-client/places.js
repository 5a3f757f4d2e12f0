/**
 * A bounded number of places, taken first come first served.
 *
 * @module
 */

import { PolychatError } from "./errors.js";

/** Who waits for a place waits here, and no more than so many do. */
export class Places {
  #free;
  #waitingMax;
  /** @type {Set<() => void>} */
  #waiting = new Set();

  /** @param {number} places @param {number} waitingMax */
  constructor(places, waitingMax) {
    this.#free = places;
    this.#waitingMax = waitingMax;
  }

  /**
   * Takes a place, at once if one is free. Whoever takes one calls {@link leave}.
   *
   * @param {AbortSignal | undefined} signal
   * @returns {Promise<void> | undefined} `undefined` when there was nothing to wait for
   */
  take(signal) {
    if (this.#free > 0) {
      this.#free -= 1;
      return undefined;
    }
    if (this.#waiting.size >= this.#waitingMax) {
      const facts = { scope: "client", max: this.#waitingMax };
      throw new PolychatError("overloaded", `${this.#waitingMax} calls wait already`, {
        retryable: true,
        facts,
      });
    }
    return new Promise((resolve, reject) => {
      const come = () => {
        signal?.removeEventListener("abort", give);
        resolve();
      };
      const give = () => {
        this.#waiting.delete(come);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", give, { once: true });
      this.#waiting.add(come);
    });
  }

  /** Gives a place back; it goes to who waits longest. */
  leave() {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
