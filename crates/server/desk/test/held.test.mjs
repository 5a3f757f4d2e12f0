/**
 * What a person does while something goes on is not undone by it, in a real browser, against the real server.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, missing } from "../tools/browser.mjs";
import { answered, desk, says } from "../tools/desk.mjs";
import { late } from "../tools/late.mjs";
import { host, release, sent, teach } from "../tools/pane-host.mjs";
import { open, send } from "../tools/pane.mjs";

/** @import { Browser } from "playwright-core" */

const skip = missing();
/** @type {Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => await browser?.close());

test("while a turn runs, an earlier one is tried again only after a second thought", { skip }, async (t) => {
  // REQ-9: one press must not delete what is being answered.
  const { page } = await desk(t, browser);
  await host(page);
  await sent(page, "a", ["hello"], { wait: true });
  await open(page, "a");
  await page.getByRole("button", { name: "Retry" }).waitFor();
  await teach(page, { text: "an answer", stops: true });
  await sent(page, "a", ["dear words"], { agent: "parrot" });
  await page.locator("[data-answer]", { hasText: "an answer" }).waitFor();
  await page.getByRole("button", { name: "Retry" }).click();
  await page.getByRole("button", { name: "All after this will go. Sure?" }).waitFor();
  await release(page, "say");
  await says(page, "a", "Idle");
  assert.deepEqual(await page.locator(".bubble").allTextContents(), ["hello", "dear words"]);
  // The last one that ended is tried again at once.
  await page.getByRole("button", { name: "Retry", exact: true }).last().click();
  await release(page, "say");
  await says(page, "a", "Idle");
  assert.deepEqual(await page.locator(".bubble").allTextContents(), ["hello", "dear words"]);
});

test("a call that is allowed takes the keyboard nowhere from where somebody went meanwhile", { skip }, async (t) => {
  const { page } = await desk(t, browser, { before: late });
  await host(page);
  await sent(page, "a", ["/tool stamp"]);
  await sent(page, "b", ["hello"], { wait: true });
  await open(page, "a");
  await page.evaluate(() => /** @type {any} */ (globalThis).hold("approval/decide"));
  await page.getByRole("button", { name: "Allow once" }).click();
  await page.waitForFunction(() => /** @type {any} */ (globalThis).held() === 1);
  await open(page, "b");
  await page.locator(".bubble", { hasText: "hello" }).waitFor();
  await page.focus("#find");
  await page.evaluate(() => {
    const focused = /** @type {string[]} */ ([]);
    document.addEventListener("focusin", ({ target }) => focused.push(/** @type {Element} */ (target).id));
    Object.assign(globalThis, { focused });
    /** @type {any} */ (globalThis).letGo();
  });
  await says(page, "a", "Idle");
  // What the server answered is handled when the page has drawn after it.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  assert.deepEqual(await page.evaluate(() => /** @type {any} */ (globalThis).focused), []);
  assert.equal(await page.evaluate(() => document.activeElement?.id), "find");
});

test("pressing Enter twice sends a changed message again once", { skip }, async (t) => {
  const { page } = await desk(t, browser, { before: late });
  await host(page);
  await sent(page, "a", ["my name is Ada"], { wait: true });
  await open(page, "a");
  await page.locator(".said-user").hover();
  await page.locator(".said-user").getByRole("button", { name: "Edit" }).click();
  await page.getByLabel("The message, changed").fill("my name is Eve");
  await page.evaluate(() => /** @type {any} */ (globalThis).hold("history/revise"));
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => /** @type {any} */ (globalThis).held()), 1);
  await page.evaluate(() => /** @type {any} */ (globalThis).letGo());
  await page.locator(".bubble", { hasText: "my name is Eve" }).waitFor();
  await says(page, "a", "Idle");
  assert.equal(await page.locator(".notice").count(), 0);
});

test("pressing Fork twice makes one copy", { skip }, async (t) => {
  const { page } = await desk(t, browser, { before: late });
  await host(page);
  await sent(page, "a", ["hello"], { wait: true });
  await open(page, "a");
  await page.evaluate(() => /** @type {any} */ (globalThis).hold("chat/fork"));
  await page.locator(".said-user").hover();
  await page.locator(".said-user").getByRole("button", { name: "Fork" }).dblclick();
  assert.equal(await page.evaluate(() => /** @type {any} */ (globalThis).held()), 1);
});

test("an answer to a question that is not given yet is there again after another chat", { skip }, async (t) => {
  const { page } = await desk(t, browser);
  await host(page);
  await sent(page, "a", ["/ask Why?"]);
  await sent(page, "b", ["/tool stamp"]);
  await open(page, "a");
  await page.getByLabel("Your answer").fill("because");
  await open(page, "b");
  await page.getByRole("button", { name: "Deny…" }).click();
  await page.getByLabel("Why not, for the model").fill("not now");
  await open(page, "a");
  assert.equal(await page.getByLabel("Your answer").inputValue(), "because");
  await page.getByLabel("Your answer").press("Enter");
  await page.locator(".tool-result", { hasText: "because" }).waitFor();
  await says(page, "a", "Idle");
  await open(page, "b");
  assert.equal(await page.getByLabel("Why not, for the model").inputValue(), "not now");
  await page.getByRole("button", { name: "Cancel" }).click();
  await open(page, "a");
  await open(page, "b");
  await page.getByRole("button", { name: "Deny…" }).waitFor();
});

test("what was sent and not accepted stands in the field after a reload, and what was accepted does not", { skip }, async (t) => {
  // NFR-2: a connection that is lost takes nothing along.
  const { page } = await desk(t, browser, { before: late });
  await host(page);
  await sent(page, "a", ["hello"], { wait: true });
  await sent(page, "b", ["hello"], { wait: true });
  await open(page, "a");
  const hold = async (/** @type {number} */ count, /** @type {string[]} */ ...texts) => {
    await page.evaluate(() => /** @type {any} */ (globalThis).hold("prompt/send"));
    for (const text of texts) await send(page, text);
    await page.waitForFunction((held) => /** @type {any} */ (globalThis).held() === held, count);
  };
  await hold(2, "one", "two");
  await page.fill("#message", "three");
  await page.reload();
  await page.waitForFunction(() => /** @type {any} */ (document.querySelector("#message"))?.value === "one\ntwo\nthree");
  await page.reload();
  await page.waitForFunction(() => /** @type {any} */ (document.querySelector("#message"))?.value === "one\ntwo\nthree");

  // Accepted while another chat was looked at.
  await hold(1, "taken");
  await page.fill("#message", "a draft");
  await open(page, "b");
  await page.evaluate(() => /** @type {any} */ (globalThis).letGo());
  await answered(page, "a");
  await page.reload();
  await says(page, "a", "Idle");
  await open(page, "a");
  await page.locator(".bubble", { hasText: "taken" }).waitFor();
  await page.waitForFunction(() => /** @type {any} */ (document.querySelector("#message"))?.value !== "");
  assert.equal(await page.inputValue("#message"), "a draft");
});
