/**
 * A value of this page that components read, see `useSnapshot`.
 *
 * @module
 */

/**
 * A value that is published. Its functions may be handed on by themselves.
 *
 * @template Value
 */
export class Cell {
  #value;
  /** @type {Set<{ listener: () => void }>} */
  #heard = new Set();

  /** @param {Value} value */
  constructor(value) {
    this.#value = value;
  }

  getSnapshot = () => this.#value;

  /** @param {() => void} listener @returns {() => void} ends it */
  subscribe = (listener) => {
    const entry = { listener };
    this.#heard.add(entry);
    return () => void this.#heard.delete(entry);
  };

  /** @param {Value} value */
  set(value) {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const { listener } of [...this.#heard]) listener();
  }
}
