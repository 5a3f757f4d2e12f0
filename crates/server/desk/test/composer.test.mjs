/**
 * The message field and what waits to run, in a real browser, against the real server.
 */

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";

import { launch, missing } from "../tools/browser.mjs";
import { desk, kept, says } from "../tools/desk.mjs";
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

test("in a busy chat a message queues, steers or interrupts; what waits is edited, moved and withdrawn; stop stops this chat", { skip }, async (t) => {
  // REQ-7, REQ-8
  const { page, faults } = await desk(t, browser);
  await host(page);
  await sent(page, "a", ["/long 20000"]);
  await sent(page, "b", ["/long 20000"]);
  await open(page, "a");
  const queued = () => page.$$eval(".queue-row", (rows) => rows.map((each) => `${each.querySelector(".queue-mode")?.textContent} ${each.querySelector(".queue-text")?.textContent}`));
  const shows = (/** @type {string[]} */ wanted) =>
    page.waitForFunction((lines) => {
      const rows = [...document.querySelectorAll(".queue-row")];
      const texts = rows.map((each) => `${each.querySelector(".queue-mode")?.textContent} ${each.querySelector(".queue-text")?.textContent}`);
      return JSON.stringify(texts) === JSON.stringify(lines);
    }, wanted).catch(async (cause) => { throw new Error(`waits: ${JSON.stringify(await queued())}`, { cause }); });
  await page.getByRole("radio", { name: "Queue" }).waitFor();
  await send(page, "one");
  await send(page, "two");
  await shows(["1. Queued one", "2. Queued two"]);
  await page.keyboard.press("Alt+2");
  await send(page, "three");
  await shows(["1. Steers three", "2. Queued one", "3. Queued two"]);

  // It is remembered, and of this chat alone.
  await open(page, "b");
  assert.equal(await page.getByRole("radio", { name: "Queue" }).isChecked(), true);
  await open(page, "a");
  assert.equal(await page.getByRole("radio", { name: "Steer" }).isChecked(), true);

  const two = page.locator(".queue-row", { hasText: "two" });
  await two.getByRole("button", { name: "Edit" }).click();
  await page.keyboard.type(" and a half");
  await page.keyboard.press("Enter");
  await shows(["1. Steers three", "2. Queued one", "3. Queued two and a half"]);
  await page.locator(".queue-row", { hasText: "one" }).getByRole("button", { name: "Withdraw" }).click();
  await shows(["1. Steers three", "2. Queued two and a half"]);
  await page.locator(".queue-row", { hasText: "three" }).getByRole("button", { name: "Queue" }).click();
  await shows(["1. Queued two and a half", "2. Queued three"]);
  await page.locator(".queue-row", { hasText: "three" }).getByRole("button", { name: "Interrupt" }).click();
  await page.locator(".turn[data-outcome=cancelled]", { hasText: "Stopped" }).waitFor();
  await page.locator(".bubble", { hasText: "two and a half" }).waitFor();
  await page.locator(".queue").waitFor({ state: "detached" });
  await says(page, "a", "Idle");

  await send(page, "/long 20000");
  await says(page, "a", "Writing");
  await page.keyboard.press("Alt+S");
  await says(page, "a", "Stopped");
  await says(page, "b", "Writing");
  assert.deepEqual(faults, []);
});

test("on a Mac, a letter that is written with Option stops nothing and chooses nothing", { skip }, async (t) => {
  // REQ-7
  const { page } = await desk(t, browser, {
    before: async (early) => void (await early.addInitScript(() => Object.defineProperty(navigator, "platform", { value: "MacIntel" }))),
  });
  await host(page);
  await sent(page, "a", ["/long 20000"]);
  await open(page, "a");
  await page.getByRole("button", { name: "Stop" }).waitFor();
  const isTaken = (/** @type {string} */ where, /** @type {string} */ key, /** @type {string} */ code) =>
    page.evaluate(
      ([selector, init]) => {
        const event = new KeyboardEvent("keydown", { ...init, altKey: true, bubbles: true, cancelable: true });
        return document.querySelector(selector)?.dispatchEvent(event) === false;
      },
      /** @type {const} */ ([where, { key, code }]),
    );
  for (const [key, code] of /** @type {const} */ ([["ś", "KeyS"], ["¡", "Digit1"], ["å", "KeyA"], ["Dead", "KeyN"]])) {
    assert.equal(await isTaken("#message", key, code), false, key);
  }
  assert.equal(await page.locator("[data-outcome=cancelled]").count(), 0);
  // Where nothing is written it is the key that it is elsewhere.
  assert.equal(await isTaken("#main", "ś", "KeyS"), true);
  await says(page, "a", "Stopped");
});

test("what a chat at rest takes in a moment never stands in the queue; what has to wait does", { skip }, async (t) => {
  // REQ-7
  const [, data = ""] = await kept(t);
  const config = join(dirname(data), "one-at-a-time.toml");
  await writeFile(config, "[limits]\nturns_running_max = 1\n");
  const { page, faults } = await desk(t, browser, {
    args: ["--memory", "--config", config],
    async before(early) {
      await early.addInitScript(() => {
        // A moment ends when the test says so.
        const own = setTimeout;
        const kept = /** @type {any} */ (Object.assign(globalThis, { moments: [] }));
        kept.setTimeout = (/** @type {() => void} */ work, /** @type {number} */ ms) => (ms === 250 ? kept.moments.push(work) : own(work, ms));
      });
    },
  });
  await host(page);
  await sent(page, "a", ["/long 20000"]);
  await says(page, "a", "Writing");
  await page.keyboard.press("Alt+N");
  await page.locator(".head-name", { hasText: "New chat" }).waitFor();
  await send(page, "my name is Ada");
  // The world has taken it, and has no place for its turn.
  await page.locator(".head-signal", { hasText: "Waiting for a place" }).waitFor();
  await page.locator(".pending .bubble", { hasText: "my name is Ada" }).waitFor();
  assert.equal(await page.locator(".queue").count(), 0);
  await page.evaluate(() => /** @type {any} */ (globalThis).moments.forEach((/** @type {() => void} */ work) => work()));
  await page.locator(".queue-row", { hasText: "my name is Ada" }).waitFor();
  assert.equal(await page.locator(".pending").count(), 0);
  await open(page, "a");
  await page.keyboard.press("Alt+S");
  await page.locator(".row-name", { hasText: "my name is Ada" }).click();
  await page.getByText("Nice to meet you, Ada").waitFor();
  await page.locator(".queue").waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
});

test("a refused message stays, with why, and is sent again or let go; drafts are each chat's own", { skip }, async (t) => {
  // REQ-7
  const { page, faults } = await desk(t, browser);
  await host(page);
  await sent(page, "a", ["hello"], { wait: true });
  await sent(page, "b", ["hello"], { wait: true });
  await open(page, "a");
  await page.fill("#message", "for a");
  await open(page, "b");
  assert.equal(await page.inputValue("#message"), "");
  await page.fill("#message", "for b");
  await open(page, "a");
  assert.equal(await page.inputValue("#message"), "for a");

  // A queue that is full takes no more.
  await send(page, "/long 20000");
  await says(page, "a", "Writing");
  await page.evaluate(async () => {
    const chat = /** @type {any} */ (globalThis).host.chat("a");
    for (;;) {
      try {
        await chat.prompt("filler");
      } catch {
        return;
      }
    }
  });
  await send(page, "one too many");
  const refused = page.locator(".queue-row[data-send=refused]");
  await refused.locator(".queue-text", { hasText: "one too many" }).waitFor();
  assert.match(await refused.locator(".fault").innerText(), /queue|full|wait/i);
  // Nothing typed is lost, and what is typed meanwhile neither.
  await page.fill("#message", "meanwhile");
  await refused.getByRole("button", { name: "Edit" }).click();
  assert.equal(await page.inputValue("#message"), "one too many\nmeanwhile");
  await send(page, "again");
  await refused.locator(".queue-text", { hasText: "again" }).waitFor();
  await page.locator(".queue-row", { hasText: "filler" }).first().getByRole("button", { name: "Withdraw" }).click();
  await says(page, "a", "255 queued");
  await refused.getByRole("button", { name: "Send again" }).click();
  await page.getByRole("button", { name: "Show all 256" }).click();
  await page.locator(".queue-row[data-prompt]", { hasText: "again" }).waitFor();
  await send(page, "and yet another");
  await refused.getByRole("button", { name: "Let it go" }).click();
  await refused.waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
});

test("what is being changed is there again after another chat, and in the field when its message began to run", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser);
  await host(page);
  await teach(page, { text: "a while", stops: true });
  await sent(page, "a", ["first", "second"], { agent: "parrot" });
  await sent(page, "b", ["hello"], { wait: true });
  await open(page, "a");
  await page.locator(".queue-row").getByRole("button", { name: "Edit" }).click();
  await page.keyboard.type(" and more");
  await open(page, "b");
  await page.locator(".queue").waitFor({ state: "detached" });
  await open(page, "a");
  const field = page.getByLabel("The waiting message");
  assert.equal(await field.inputValue(), "second and more");
  await release(page, "say");
  await field.waitFor({ state: "detached" });
  await page.waitForFunction(() => /** @type {HTMLTextAreaElement} */ (document.querySelector("#message")).value === "second and more");
  // Also when it began to run while another chat was open.
  await send(page, "third");
  await page.locator(".queue-row").getByRole("button", { name: "Edit" }).click();
  await page.keyboard.type(" and last");
  await open(page, "b");
  await page.locator(".queue").waitFor({ state: "detached" });
  await release(page, "say");
  await says(page, "a", "Idle");
  await open(page, "a");
  await page.waitForFunction(() => /** @type {HTMLTextAreaElement} */ (document.querySelector("#message")).value === "third and last");
  assert.deepEqual(faults, []);
});
