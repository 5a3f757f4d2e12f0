/**
 * The page in a window of Electron: its one file that knows the way to the world is another, and nothing else is.
 *
 * Electron itself is not here; the ports are the browser's, and the bridge between main and window is the client's own.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { launch, missing } from "../tools/browser.mjs";
import { answered, desk, elsewhere, row, says } from "../tools/desk.mjs";
import { logOf, open, send, settled, shown } from "../tools/pane.mjs";

/** @import { Browser, Page } from "playwright-core" */

const skip = missing();
/** @type {Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => await browser?.close());

const CLIENT = new URL("../../../../clients/javascript/", import.meta.url);
const DOUBLES = new URL("electron/", import.meta.url);

/** Serves the page the files of an app in place of its own bridge. @param {Page} page */
async function asWindow(page) {
  /** @param {string} pattern @param {(path: string) => URL} place */
  const serve = (pattern, place) =>
    page.route(pattern, async (route) => {
      const file = fileURLToPath(place(new URL(route.request().url()).pathname));
      await route.fulfill({ contentType: "text/javascript", body: await readFile(file, "utf8") });
    });
  for (const folder of ["electron", "src"]) await serve(`**/${folder}/**`, (path) => new URL(`.${path}`, CLIENT));
  await serve("**/parts/bridge.js", () => new URL("bridge.js", DOUBLES));
  await serve("**/app.js", () => new URL("main.js", DOUBLES));
  await serve("**/page.js", () => new URL("../app.js", import.meta.url));
}

test("over the bridge of Electron the page does what it does in a browser", { skip }, async (t) => {
  // REQ-1, REQ-3, REQ-7; issue 7: its bridge can be swapped
  const { page, faults } = await desk(t, browser, { before: asWindow });
  await elsewhere(page, [["a", "A"], ["b", "B"]]);
  await open(page, "a");
  await send(page, "/long 60");
  await says(page, "a", "Writing");
  await open(page, "b");
  await send(page, "my name is Bob");
  await settled(page, 2);
  await answered(page, "a");
  for (const id of ["a", "b"]) {
    await open(page, id);
    assert.deepEqual(await shown(page), await logOf(page, id));
  }
  await send(page, "/ask Which? | red | blue");
  await says(page, "b", "Waiting for you");
  await page.getByRole("button", { name: "red" }).click();
  await page.locator(`${row("b")}[data-signal=idle]`).waitFor();
  assert.equal(await page.evaluate(() => /** @type {any} */ (globalThis).bridged.windows), 1);
  assert.deepEqual(faults, []);
});
