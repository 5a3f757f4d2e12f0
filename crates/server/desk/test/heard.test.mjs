/**
 * What is said to somebody who does not see the page, in a real browser, against the real server.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { seriousFaults } from "../tools/axe.mjs";
import { launch, missing } from "../tools/browser.mjs";
import { desk, says } from "../tools/desk.mjs";
import { late } from "../tools/late.mjs";
import { host, sent } from "../tools/pane-host.mjs";
import { open, send } from "../tools/pane.mjs";

/** @import { Browser, Page } from "playwright-core" */

const skip = missing();
/** @type {Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => await browser?.close());

/** Notes in `heard` what changes where a screen reader listens. @param {Page} page */
async function listen(page) {
  await page.addInitScript(() => {
    /** @type {string[]} */
    const heard = [];
    Object.assign(globalThis, { heard });
    document.addEventListener("DOMContentLoaded", () => {
      new MutationObserver((changes) => {
        const places = changes.map(({ target }) => (target instanceof Element ? target : target.parentElement)?.closest(".unseen[role=status]"));
        for (const place of new Set(places)) if (place?.textContent) heard.push(place.textContent);
      }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
  });
}

/** @param {Page} page @param {string} text @param {number} times */
const hears = (page, text, times) =>
  page.waitForFunction(([said, count]) => /** @type {any} */ (globalThis).heard.filter((/** @type {string} */ each) => each === said).length === count, /** @type {const} */ ([text, times]));

test("each answer is announced once it is there, also in a chat that is opened again, and none that was there before", { skip }, async (t) => {
  // The issue: screen reader.
  const { page } = await desk(t, browser, { before: listen });
  await host(page);
  await sent(page, "a", ["hello"], { wait: true });
  await open(page, "a");
  await page.locator(".turn[data-outcome=completed]").waitFor();
  for (let count = 1; count <= 3; count += 1) {
    await send(page, `again ${count}`);
    await hears(page, "The answer is complete.", count);
  }
  await page.reload();
  await page.locator(".turn[data-outcome=completed]").nth(3).waitFor();
  await send(page, "/long 20000");
  await says(page, "a", "Writing");
  await page.keyboard.press("Alt+S");
  await hears(page, "Stopped.", 1);
  assert.deepEqual(await page.evaluate(() => /** @type {any} */ (globalThis).heard), ["Stopped."]);
});

test("a chat that waits for the person again is announced again", { skip }, async (t) => {
  const { page } = await desk(t, browser, { before: listen });
  await host(page);
  await sent(page, "a", ["/tool stamp; /tool stamp"]);
  await sent(page, "b", ["hello"], { wait: true });
  await open(page, "a");
  await page.locator(".approval").first().waitFor();
  await hears(page, "a waits for you.", 1);
  await page.keyboard.press("Alt+S");
  await says(page, "a", "Stopped");
  await send(page, "/tool stamp");
  await hears(page, "a waits for you.", 2);
});

test("axe finds no serious fault where a message was refused, and that it was is heard", { skip }, async (t) => {
  const { page } = await desk(t, browser, { page: { bypassCSP: true }, before: late });
  await host(page);
  await sent(page, "a", ["hello"], { wait: true });
  await open(page, "a");
  await page.evaluate(() => /** @type {any} */ (globalThis).hold("prompt/send"));
  await send(page, "too late");
  await page.waitForFunction(() => /** @type {any} */ (globalThis).held() === 1);
  await page.evaluate(async () => {
    const { host: world, letGo } = /** @type {any} */ (globalThis);
    await world.chat("a").close();
    letGo();
  });
  await page.getByRole("alert").filter({ hasText: /Not sent: .*closed/ }).waitFor();
  assert.equal(await page.locator(".queue-row[data-send=refused]").count(), 1);
  assert.deepEqual(await seriousFaults(page), []);
});
