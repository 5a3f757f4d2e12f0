/**
 * Electron for tests, as far as its declarations say what it does: there is none here. Ports are
 * those of Node; the preload script is the one of this package.
 *
 * @module
 */

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { readFile } from "node:fs/promises";
import vm from "node:vm";
import { MessageChannel } from "node:worker_threads";

import { serveWindows } from "../electron/main.js";
import { connectToMain } from "../electron/renderer.js";
import { settled } from "./fake-world.js";

/** @typedef {import("../electron/window.js").BridgedConnection} BridgedConnection */
/** @typedef {import("../src/index.js").Connection} Connection */

/** Turns of the event loop until something is so; it never waits for time to pass. @param {() => unknown} so */
export async function until(so) {
  for (let turn = 0; turn < 10_000; turn += 1) {
    if (so()) return;
    await settled();
  }
  assert.fail(`never came true: ${so}`);
}

/** Enough turns for whatever is under way between ports to have arrived. */
export async function quiet() {
  for (let turn = 0; turn < 20; turn += 1) await settled();
}

/** Electron's `MessagePortMain` over a port of Node. */
class PortMain extends EventEmitter {
  #port;

  /** @param {import("node:worker_threads").MessagePort} port */
  constructor(port) {
    super();
    this.#port = port;
  }

  start() {
    this.#port.on("message", (data) => this.emit("message", { data, ports: [] }));
    this.#port.on("close", () => this.emit("close"));
  }

  /** @param {unknown} message */
  postMessage(message) {
    this.#port.postMessage(message);
  }

  close() {
    this.#port.close();
  }
}

class MessageChannelMain {
  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.port1 = new PortMain(port1);
    this.port2 = port2;
  }
}

/** A window with a page, whose preload script is the one of this package. */
export class Page extends EventTarget {
  location = { origin: "app://desk" };
  /** @type {import("node:worker_threads").MessagePort[]} */
  ports = [];
  /** @type {any} */
  polychat;

  /** @param {EventEmitter} ipcMain @param {string} preload @param {string} url @param {object} [sender] */
  constructor(ipcMain, preload, url, sender) {
    super();
    /** The window; the page that is loaded next has the same. @type {object} */
    this.sender = sender ?? this;
    const ipcRenderer = Object.assign(new EventEmitter(), {
      send: (/** @type {string} */ channel) => ipcMain.emit(channel, { sender: this.sender, senderFrame: frame }),
    });
    const frame = {
      url,
      parent: null,
      postMessage: (/** @type {string} */ channel, /** @type {unknown} */ _, /** @type {any[]} */ ports = []) =>
        void ipcRenderer.emit(channel, { ports }),
    };
    const contextBridge = {
      exposeInMainWorld: (/** @type {"polychat"} */ name, /** @type {any} */ api) => (this[name] = api),
    };
    const require = (/** @type {string} */ module) => {
      assert.equal(module, "electron");
      return { contextBridge, ipcRenderer };
    };
    vm.runInNewContext(preload, { require, window: this });
  }

  /** @param {unknown} data @param {string} origin @param {any[]} ports */
  postMessage(data, origin, ports) {
    assert.equal(origin, this.location.origin);
    this.ports.push(...ports);
    this.dispatchEvent(Object.assign(new Event("message"), { data, ports, source: this }));
  }

  /** The page is gone, as when its window is closed. */
  leave() {
    for (const port of this.ports.splice(0)) port.close();
  }
}

/**
 * Main, which serves windows by this connection until the test has ended.
 *
 * @param {{ after: (end: () => Promise<void>) => void }} t
 * @param {BridgedConnection} connection
 * @param {Partial<Parameters<typeof serveWindows>[2]>} [options]
 */
export async function bridged(t, connection, options = {}) {
  const preload = await readFile(new URL("../electron/preload.cjs", import.meta.url), "utf8");
  const ipcMain = new EventEmitter();
  const mayConnect = (/** @type {{ url: string }} */ { url }) => url.startsWith("app:");
  const electron = /** @type {any} */ ({ ipcMain, MessageChannelMain });
  const served = serveWindows(electron, connection, { mayConnect, ...options });
  /** @type {Connection[]} */
  const connections = [];
  /** @type {Page[]} */
  const pages = [];
  const page = (url = "app://desk/index.html", /** @type {object | undefined} */ sender = undefined) => {
    const page = new Page(ipcMain, preload, url, sender);
    pages.push(page);
    return page;
  };
  const connect = async (/** @type {Page} */ page, /** @type {object} */ more = {}) => {
    const window = /** @type {any} */ (page);
    const clock = { after: (/** @type {number} */ _, /** @type {() => void} */ wake) => (setImmediate(wake), () => {}) };
    const made = await connectToMain({ window, clock, connectMsMax: Infinity, eventsWaitingMax: 4, ...more });
    connections.push(made);
    return made;
  };
  const end = async () => {
    for (const each of connections) await each.close();
    served.close();
    for (const page of pages) page.leave();
    await quiet();
  };
  // Ports that stay open would keep a test that failed from ending.
  t.after(end);
  return { ipcMain, served, page, connect, window: () => connect(page()), end };
}
