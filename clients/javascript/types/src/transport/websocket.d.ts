/**
 * A connection over a WebSocket: one message of JSON-RPC per text frame.
 *
 * @module
 */
export type Transport = import("../peer.js").Transport;
export type WebSocketLike = {
    bufferedAmount: number;
    send: (text: string) => void;
    close: (code?: number) => void;
    addEventListener: (type: string, listener: (event: any) => void) => void;
};
export type WebSocketClass = new (url: string, options?: any) => WebSocketLike;
/**
 * Where the WebSocket of a world is: its address as for requests will do, also a relative one within a page.
 *
 * @param {string | URL} url
 * @returns {string}
 */
export declare function socketUrl(url: string | URL): string;
/**
 * @param {object} options
 * @param {string} options.url
 * @param {WebSocketClass} options.WebSocket
 * @param {Record<string, string> | undefined} [options.headers]
 * @param {number} options.frameBytesMax
 * @param {import("../clock.js").Clock} options.clock
 * @returns {Promise<Transport>}
 */
export declare function openWebSocket({ url, WebSocket, headers, frameBytesMax, clock }: {
    url: string;
    WebSocket: WebSocketClass;
    headers?: Record<string, string> | undefined;
    frameBytesMax: number;
    clock: import("../clock.js").Clock;
}): Promise<Transport>;
