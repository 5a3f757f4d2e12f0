/**
 * Whoever just begins a chat and goes on in it sees what happens, in a real browser, against the real server.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, missing } from "../tools/browser.mjs";
import { desk, elsewhere, inOrder, kept } from "../tools/desk.mjs";
import { goTo, send, settled } from "../tools/pane.mjs";

/** @import { Browser, Page } from "playwright-core" */

const skip = missing();
/** @type {Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => await browser?.close());

/** Until the page has drawn what it knows, and has heard how it is scrolled. @param {Page} page */
const drawn = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

/** How far the timeline is from its end, in pixels. @param {Page} page */
const left = (page) => page.$eval(".timeline", ({ scrollHeight, scrollTop, clientHeight }) => Math.round(scrollHeight - scrollTop - clientHeight));

for (const [what, text] of /** @type {const} */ ([["short messages", "hello"], ["calls of tools", "/tool clock {}"]])) {
  test(`a new chat that grows beyond its room stays at its end, with ${what}`, { skip }, async (t) => {
    // REQ-8
    const { page } = await desk(t, browser, { page: { viewport: { width: 1280, height: 720 } } });
    await page.keyboard.press("Alt+N");
    // Where no chat is open there is a field, too.
    await page.locator(".head-name", { hasText: "New chat" }).waitFor();
    await page.waitForFunction(() => document.activeElement?.id === "message");
    for (let n = 1; n <= 8; n += 1) {
      await send(page, text);
      await page.locator(".turn[data-outcome=completed]").nth(n - 1).waitFor();
      await settled(page, 2 * n);
      await drawn(page);
      assert.deepEqual([await left(page) <= 1, await page.locator(".below-button").count()], [true, 0], `after ${n} messages it is ${await left(page)} pixels short`);
    }
    assert.ok(await page.$eval(".timeline", ({ scrollTop }) => scrollTop > 100), "it never had to scroll");
  });
}

test("a new chat stands at the top of a long list, and is seen there", { skip }, async (t) => {
  const { page } = await desk(t, browser);
  await elsewhere(page, Array.from({ length: 25 }, (_, n) => [`c${n}`, `Chat number ${n}`]));
  await page.locator("[role=option][aria-setsize='25']").first().waitFor();
  for (let n = 26; n < 29; n += 1) {
    await page.keyboard.press("Alt+N");
    const opened = page.locator(`[role=option][aria-posinset='1'][aria-setsize='${n}'][aria-selected=true]`);
    await opened.waitFor();
    await drawn(page);
    assert.equal(await page.$eval("#chats", ({ scrollTop }) => scrollTop), 0);
    // One in which nothing was said is as good as another new one.
    await send(page, "hello");
    await page.locator(".turn[data-outcome=completed]").waitFor();
  }
});

test("an untitled chat far down the list has its name where it is found, and where it is open", { skip }, async (t) => {
  const { page } = await desk(t, browser, { args: await kept(t) });
  await elsewhere(page, [["far", "", "hello zeppelin"], ["farther", "", "hello tea"]]);
  for (const id of ["far", "farther"]) await page.locator(`[data-chat="${id}"] .badge`).waitFor();
  await elsewhere(page, Array.from({ length: 60 }, (_, n) => [`c${n}`, `Chat number ${n}`]));
  await page.locator("[role=option][aria-setsize='62']").first().waitFor();
  await page.reload();
  await page.locator("[role=option][aria-setsize='62']").first().waitFor();
  assert.equal(await page.locator("[data-chat=far]").count(), 0);
  await page.fill("#find", "zeppelin");
  await page.locator(".hit-chat", { hasText: "hello zeppelin" }).first().waitFor();
  await page.fill("#find", "");
  // By its address alone.
  await goTo(page, "farther");
  await page.locator(".head-name", { hasText: "hello tea" }).waitFor();
});
