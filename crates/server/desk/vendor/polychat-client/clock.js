/**
 * Time and chance, as a value, so that tests hold them in their hands.
 *
 * @module
 */

/**
 * @typedef {object} Clock
 * @property {(ms: number, wake: () => void) => () => void} after calls back once; what it returns takes that back
 */

/** @type {Clock} */
export const systemClock = {
  after(ms, wake) {
    const timer = setTimeout(wake, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * The pause before a try to connect: it doubles, and half of it is chance, so that many clients
 * of a server that comes back do not all come at once.
 *
 * @param {number} attempt the first is 0
 * @param {{ pauseMsMin: number, pauseMsMax: number }} bounds
 * @param {() => number} random at least 0, below 1
 */
export function backOff(attempt, { pauseMsMin, pauseMsMax }, random) {
  const pause = Math.min(pauseMsMax, pauseMsMin * 2 ** Math.min(attempt, 30));
  return pause * (0.5 + random() / 2);
}
