/**
 * A bounded number of places, taken first come first served.
 *
 * @module
 */
/** Who waits for a place waits here, and no more than so many do. */
export declare class Places {
    #private;
    /** @param {number} places @param {number} waitingMax */
    constructor(places: number, waitingMax: number);
    /**
     * Takes a place, at once if one is free. Whoever takes one calls {@link leave}.
     *
     * @param {AbortSignal | undefined} signal
     * @returns {Promise<void> | undefined} `undefined` when there was nothing to wait for
     */
    take(signal: AbortSignal | undefined): Promise<void> | undefined;
    /** Gives a place back; it goes to who waits longest. */
    leave(): void;
}
