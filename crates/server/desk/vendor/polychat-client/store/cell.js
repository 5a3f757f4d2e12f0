/**
 * A value that is published, and who hears that there is a new one.
 *
 * This is what React's `useSyncExternalStore` takes: `getSnapshot` gives the same reference as long as
 * nothing was published, and both functions may be handed on by themselves.
 *
 * @module
 */

/**
 * A value that is published.
 *
 * @template {object} Value
 */
export class Cell {
  #value;
  /** @type {Set<{ listener: () => void }>} */
  #heard = new Set();

  /** @param {Value} value */
  constructor(value) {
    this.#value = value;
  }

  /** How many listen. */
  get listeners() {
    return this.#heard.size;
  }

  /** The value that was published last. */
  getSnapshot = () => this.#value;

  /**
   * Hears of each new value.
   *
   * @param {() => void} listener
   * @returns {() => void} ends it
   */
  subscribe = (listener) => {
    const entry = { listener };
    this.#heard.add(entry);
    return () => void this.#heard.delete(entry);
  };

  /** Publishes it, unless it says what the last one says. @param {Value} value */
  publish(value) {
    if (sameFields(value, this.#value)) return;
    this.#value = value;
    for (const { listener } of [...this.#heard]) tell(listener);
  }
}

/** A listener that fails is its owner's matter and keeps no other from hearing. @param {() => void} listener */
function tell(listener) {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/**
 * Whether two of these say the same: a list within is compared by its items.
 *
 * @template {object} Fields
 * @param {Fields} a
 * @param {Fields} b
 * @returns {boolean}
 */
export function sameFields(a, b) {
  const keys = /** @type {(keyof Fields)[]} */ (Object.keys(a));
  return keys.every((key) => {
    const [left, right] = [a[key], b[key]];
    if (!Array.isArray(left) || !Array.isArray(right)) return left === right;
    return left.length === right.length && left.every((item, at) => item === right[at]);
  });
}
