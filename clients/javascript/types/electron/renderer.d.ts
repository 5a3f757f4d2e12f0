/**
 * For a page in Electron: the same client as anywhere, over a port to main.
 *
 * ```js
 * import { connectToMain } from "polychat-client/electron/renderer";
 * import { createStore } from "polychat-client/store";
 *
 * const connection = await connectToMain();
 * const store = createStore(connection.world);
 * ```
 *
 * One connection per page: main gives each window one port, and a later one replaces it.
 *
 * @module
 */
export type Connection = import("../src/connect.js").Connection;
export type ConnectOptions = import("../src/connect.js").ConnectOptions;
export type Transport = import("../src/peer.js").Transport;
export type PortInPage = import("./ports.js").PortInPage;
export type PageWindow = {
    addEventListener: (type: "message", listener: (event: PageMessage) => void) => void;
    removeEventListener: (type: "message", listener: (event: PageMessage) => void) => void;
    polychat?: {
        open: () => void;
    };
};
export type PageMessage = {
    data: unknown;
    source: unknown;
    ports: readonly PortInPage[];
};
/**
 * Connects to main. It comes back by itself when main had to begin anew, from where it was.
 *
 * @param {ConnectOptions & { window?: PageWindow }} [options] `window` is for tests
 * @returns {Promise<Connection>} rejects as `unsupported` where the preload script is missing, as
 *   `forbidden` where main does not serve this page, and as `conflict` where the page has a connection
 *   that was not closed
 */
export declare function connectToMain({ window, ...options }?: ConnectOptions & {
    window?: PageWindow;
}): Promise<Connection>;
