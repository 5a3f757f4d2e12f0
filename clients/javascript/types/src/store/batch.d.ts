/**
 * Many changes, one publication: what changed is noted at once and published once per frame.
 *
 * @module
 */
export type Schedule = (flush: () => void) => () => void;
/**
 * By a timer rather than by `requestAnimationFrame`, which stands still in a window that is hidden,
 * and with it the counts that its title may show.
 *
 * @type {Schedule}
 */
export declare const everyFrame: Schedule;
/**
 * Things that changed and were not published yet.
 *
 * @template Thing
 */
export declare class Batch<Thing> {
    #private;
    /** @param {Schedule} schedule @param {(changed: ReadonlySet<Thing>) => void} publish */
    constructor(schedule: Schedule, publish: (changed: ReadonlySet<Thing>) => void);
    /** Publishes it with the next frame. @param {Thing} thing */
    later(thing: Thing): void;
    /** Publishes it at once, and all that waits. @param {Thing} thing */
    now(thing: Thing): void;
    /** Publishes nothing any more. */
    stop(): void;
}
