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
/**
 * @param {object} options
 * @param {string} options.url
 * @param {new (url: string) => WebSocketLike} options.WebSocket
 * @param {number} options.frameBytesMax
 * @param {import("../clock.js").Clock} options.clock
 * @returns {Promise<Transport>}
 */
export declare function openWebSocket({ url, WebSocket, frameBytesMax, clock }: {
    url: string;
    WebSocket: new (url: string) => WebSocketLike;
    frameBytesMax: number;
    clock: import("../clock.js").Clock;
}): Promise<Transport>;
