"use strict";

/**
 * The preload script: hands the page a `MessagePort` to main, and nothing else of Electron.
 *
 * One CommonJS file that requires only `electron`, since a sandboxed preload script can load nothing
 * more. Pass its path as `webPreferences.preload`, with `contextIsolation` and `sandbox` as they are
 * by default, or require it from a preload script that your bundler makes one file of.
 *
 * A port cannot cross the context bridge, but a window may post one to itself.
 */

const { contextBridge, ipcRenderer } = require("electron");

const OPEN = "polychat:open";
const PORT = "polychat:port";
const GLOBAL = "polychat";

ipcRenderer.on(PORT, (event) => {
  const { origin } = window.location;
  // Pages from files have no origin that could be named.
  window.postMessage(PORT, origin === "null" ? "*" : origin, event.ports);
});

contextBridge.exposeInMainWorld(GLOBAL, {
  /** Asks main for a port; it comes as a message to this window. */
  open: () => ipcRenderer.send(OPEN),
});
