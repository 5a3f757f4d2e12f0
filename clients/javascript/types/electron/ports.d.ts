/**
 * Whole messages over a `MessagePort`, as text, at either end.
 *
 * A port tells nobody how much waits in it. What waits is bounded all the same: events come only as
 * far as the window gave room for them, and answers only to requests, which are counted.
 *
 * @module
 */
export type Transport = import("../src/peer.js").Transport;
export type PortInMain = {
    on: {
        (event: "message", listener: (message: {
            data: unknown;
        }) => void): unknown;
        (event: "close", listener: () => void): unknown;
    };
    postMessage: (message: string) => void;
    start: () => void;
    close: () => void;
};
export type PortInPage = {
    addEventListener: (type: string, listener: (event: any) => void) => void;
    postMessage: (message: string) => void;
    start: () => void;
    close: () => void;
};
/** @typedef {import("../src/peer.js").Transport} Transport */
/**
 * As much of Electron's `MessagePortMain` as is used here.
 *
 * @typedef {object} PortInMain
 * @property {{ (event: "message", listener: (message: { data: unknown }) => void): unknown, (event: "close", listener: () => void): unknown }} on
 * @property {(message: string) => void} postMessage
 * @property {() => void} start
 * @property {() => void} close
 */
/**
 * As much of a page's `MessagePort` as is used here. Electron's tells when the other end is gone.
 *
 * @typedef {object} PortInPage
 * @property {(type: string, listener: (event: any) => void) => void} addEventListener
 * @property {(message: string) => void} postMessage
 * @property {() => void} start
 * @property {() => void} close
 */
/**
 * The end of a port in main.
 *
 * @param {PortInMain} port
 * @param {number} textMax characters of a message
 * @returns {Transport}
 */
export declare function inMain(port: PortInMain, textMax: number): Transport;
/**
 * The end of a port in a page.
 *
 * @param {PortInPage} port
 * @param {number} textMax characters of a message
 * @returns {Transport}
 */
export declare function inPage(port: PortInPage, textMax: number): Transport;
