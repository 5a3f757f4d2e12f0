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
export declare class Cell<Value extends object> {
    #private;
    /** @param {Value} value */
    constructor(value: Value);
    /** How many listen. */
    get listeners(): number;
    /** The value that was published last. */
    getSnapshot: () => Value;
    /**
     * Hears of each new value.
     *
     * @param {() => void} listener
     * @returns {() => void} ends it
     */
    subscribe: (listener: () => void) => () => void;
    /** Publishes it, unless it says what the last one says. @param {Value} value */
    publish(value: Value): void;
}
/**
 * Whether two of these say the same: a list within is compared by its items.
 *
 * @template {object} Fields
 * @param {Fields} a
 * @param {Fields} b
 * @returns {boolean}
 */
export declare function sameFields<Fields extends object>(a: Fields, b: Fields): boolean;
