/**
 * What chats are called that nobody gave a title, in a real browser, against the real server.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, missing } from "../tools/browser.mjs";
import { desk, elsewhere, row } from "../tools/desk.mjs";
import { open } from "../tools/pane.mjs";

/** @import { Browser } from "playwright-core" */

const skip = missing();
/** @type {Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => await browser?.close());

test("a chat that begins with other words now is called by those", { skip }, async (t) => {
  const { page } = await desk(t, browser);
  await elsewhere(page, [["a", "", "secret words"], ["b", "", "hello"]]);
  await page.locator(row("a"), { hasText: "secret words" }).waitFor();
  await open(page, "a");
  await page.locator(".said-user").hover();
  await page.locator(".said-user").getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("The message, changed").fill("other words");
  await page.keyboard.press("Enter");
  await page.locator(row("a"), { hasText: "other words" }).waitFor();
  await page.locator(".head-name", { hasText: "other words" }).waitFor();
  await open(page, "b");
  assert.equal(await page.getByText("secret words").count(), 0);
});
