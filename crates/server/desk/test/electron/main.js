/**
 * The main process, played by the page itself: one connection to the world, and the client's own bridge
 * for windows, over a port that is Electron's as far as the bridge can see. Then the window loads its page.
 */

/** @param {string} path @returns {Promise<any>} */
const load = (path) => import(path);

const { Bridge } = await load("/electron/bridge.js");
const { GLOBAL, PORT } = await load("/electron/channels.js");
const { connect } = await load("/src/index.js");

// Main has it; a page does not.
Object.assign(globalThis, { setImmediate: (/** @type {() => void} */ wake) => setTimeout(wake) });

const connection = await connect({ url: new URL("/v1/worlds/home", location.href) });
const bridge = new Bridge(connection);

/** @param {MessagePort} port */
const inMain = (port) => ({
  on: (/** @type {string} */ type, /** @type {(event: any) => void} */ listener) => port.addEventListener(type, listener),
  postMessage: (/** @type {string} */ text) => port.postMessage(text),
  start: () => port.start(),
  close: () => port.close(),
});

Object.assign(globalThis, {
  bridged: bridge,
  [GLOBAL]: {
    open() {
      const { port1, port2 } = new MessageChannel();
      bridge.attach("the window", inMain(port1));
      window.postMessage(PORT, location.origin, [port2]);
    },
  },
});

await load("/page.js");
