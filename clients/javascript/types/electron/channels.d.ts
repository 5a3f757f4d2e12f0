/**
 * What main, preload and page call each other. `preload.cjs` has the same words, since it can import
 * nothing; a test compares.
 *
 * @module
 */
/** A page asks main for a port. */
export declare const OPEN = "polychat:open";
/** Main answers with a port, or without one when it declines. */
export declare const PORT = "polychat:port";
/** What the preload script gives to the page. */
export declare const GLOBAL = "polychat";
