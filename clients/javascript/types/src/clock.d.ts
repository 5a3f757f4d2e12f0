/**
 * Time and chance, as a value, so that tests hold them in their hands.
 *
 * @module
 */
export type Clock = {
    /**
     * calls back once; what it returns takes that back
     */
    after: (ms: number, wake: () => void) => () => void;
};
/**
 * @typedef {object} Clock
 * @property {(ms: number, wake: () => void) => () => void} after calls back once; what it returns takes that back
 */
/** @type {Clock} */
export declare const systemClock: Clock;
/**
 * The pause before a try to connect: it doubles, and half of it is chance, so that many clients
 * of a server that comes back do not all come at once.
 *
 * @param {number} attempt the first is 0
 * @param {{ pauseMsMin: number, pauseMsMax: number }} bounds
 * @param {() => number} random at least 0, below 1
 */
export declare function backOff(attempt: number, { pauseMsMin, pauseMsMax }: {
    pauseMsMin: number;
    pauseMsMax: number;
}, random: () => number): number;
