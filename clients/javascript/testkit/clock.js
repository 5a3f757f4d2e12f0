/**
 * Time that passes when a test says so, and turns of the event loop.
 *
 * @module
 */

/** A clock that stands still until it is wound. */
export class ManualClock {
  #now = 0;
  /** @type {Set<{ at: number, wake: () => void }>} */
  #alarms = new Set();

  /** How long each pause was that somebody asked for, in milliseconds. @type {number[]} */
  pauses = [];

  /** @param {number} ms @param {() => void} wake */
  after(ms, wake) {
    this.pauses.push(ms);
    const alarm = { at: this.#now + ms, wake };
    this.#alarms.add(alarm);
    return () => void this.#alarms.delete(alarm);
  }

  /** How many wait for a moment to come. */
  get waiting() {
    return this.#alarms.size;
  }

  /** Lets time pass, and whatever is due happen in order. @param {number} ms */
  async pass(ms) {
    const until = this.#now + ms;
    for (;;) {
      const [next] = [...this.#alarms].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#alarms.delete(next);
      this.#now = next.at;
      next.wake();
      await settled();
    }
    this.#now = until;
    await settled();
  }
}

/** Resolves once all that can happen without anything from outside has happened. */
export async function settled() {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => void setImmediate(resolve));
}
