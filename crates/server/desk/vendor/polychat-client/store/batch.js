/**
 * Many changes, one publication: what changed is noted at once and published once per frame.
 *
 * @module
 */

/**
 * Calls back once, soon; what it returns takes that back.
 *
 * @typedef {(flush: () => void) => () => void} Schedule
 */

/** The pause between two publications, in milliseconds: a frame of most screens. */
const FRAME_MS = 16;

/**
 * By a timer rather than by `requestAnimationFrame`, which stands still in a window that is hidden,
 * and with it the counts that its title may show.
 *
 * @type {Schedule}
 */
export const everyFrame = (flush) => {
  const timer = setTimeout(flush, FRAME_MS);
  return () => clearTimeout(timer);
};

/**
 * Things that changed and were not published yet.
 *
 * @template Thing
 */
export class Batch {
  #schedule;
  #publish;
  /** @type {Set<Thing>} */
  #changed = new Set();
  /** @type {(() => void) | undefined} */
  #takeBack;
  #due = false;

  /** @param {Schedule} schedule @param {(changed: ReadonlySet<Thing>) => void} publish */
  constructor(schedule, publish) {
    this.#schedule = schedule;
    this.#publish = publish;
  }

  /** Publishes it with the next frame. @param {Thing} thing */
  later(thing) {
    this.#changed.add(thing);
    if (this.#due) return;
    this.#due = true;
    const takeBack = this.#schedule(() => this.#flush());
    // Who schedules may also do it at once.
    if (this.#due) this.#takeBack = takeBack;
  }

  /** Publishes it at once, and all that waits. @param {Thing} thing */
  now(thing) {
    this.#changed.add(thing);
    this.#flush();
  }

  /** Publishes nothing any more. */
  stop() {
    this.#forget();
    this.#changed.clear();
  }

  #flush() {
    this.#forget();
    const changed = this.#changed;
    this.#changed = new Set();
    this.#publish(changed);
  }

  #forget() {
    this.#takeBack?.();
    this.#takeBack = undefined;
    this.#due = false;
  }
}
