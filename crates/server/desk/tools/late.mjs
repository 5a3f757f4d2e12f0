/**
 * Requests of the page that a test holds back: what is asked goes out when the test says so.
 *
 * @module
 */

/** @import { Page } from "playwright-core" */

/**
 * Gives the page `hold(method)`, which holds back each request of this name from now on, `held()`, how many there are, and `letGo()`.
 *
 * @param {Page} page
 */
export async function late(page) {
  await page.addInitScript(() => {
    let method = "";
    /** @type {(() => void)[]} */
    let waiting = [];
    const own = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
      const go = () => own.call(this, data);
      if (method !== "" && JSON.parse(String(data)).method === method) waiting.push(go);
      else go();
    };
    Object.assign(globalThis, {
      hold: (/** @type {string} */ name) => void (method = name),
      held: () => waiting.length,
      letGo: () => {
        const all = waiting;
        [method, waiting] = ["", []];
        all.forEach((go) => go());
      },
    });
  });
}
