/**
 * For Electron's main process: windows share its one connection, each over a `MessagePort` of its own.
 *
 * ```js
 * import * as electron from "electron";
 * import { connect } from "polychat-client";
 * import { serveWindows } from "polychat-client/electron/main";
 *
 * const connection = await connect({ restart: true });
 * serveWindows(electron, connection, {
 *   mayConnect: (frame) => new URL(frame.url).protocol === "app:",
 * });
 * ```
 *
 * Only what a window subscribed to crosses to it. A window that closes or loads anew unsubscribes and
 * cancels nothing: turns go on in the world, and the next page reads on from its cursors.
 *
 * @module
 */
import { Bridge } from "./bridge.js";
export { Bridge, WINDOW_METHODS } from "./bridge.js";
export type BridgeOptions = import("./bridge.js").BridgeOptions;
export type BridgedConnection = import("./window.js").BridgedConnection;
export type ElectronMain = Pick<typeof import("electron"), "ipcMain" | "MessageChannelMain">;
export type ServeWindowsOptions = {
    /**
     * whether the page in this
     * frame is yours: whatever page gets a port may read and write every chat of the world
     */
    mayConnect: (frame: import("electron").WebFrameMain) => boolean;
};
/** @typedef {import("./bridge.js").BridgeOptions} BridgeOptions */
/** @typedef {import("./window.js").BridgedConnection} BridgedConnection */
/** @typedef {Pick<typeof import("electron"), "ipcMain" | "MessageChannelMain">} ElectronMain as much of Electron as is used here */
/**
 * @typedef {object} ServeWindowsOptions
 * @property {(frame: import("electron").WebFrameMain) => boolean} mayConnect whether the page in this
 *   frame is yours: whatever page gets a port may read and write every chat of the world
 */
/**
 * Serves every window that asks and may.
 *
 * @param {ElectronMain} electron
 * @param {BridgedConnection} connection main's own; it stays open when this ends
 * @param {ServeWindowsOptions & BridgeOptions} options
 * @returns {{ bridge: Bridge, close: () => void }} `close` serves no window any more
 */
export declare function serveWindows({ ipcMain, MessageChannelMain }: ElectronMain, connection: BridgedConnection, { mayConnect, ...options }: ServeWindowsOptions & BridgeOptions): {
    bridge: Bridge;
    close: () => void;
};
