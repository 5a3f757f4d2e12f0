/**
 * What comes late leads nobody away, in a real browser, against the real server.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, missing } from "../tools/browser.mjs";
import { answered, desk, elsewhere, kept } from "../tools/desk.mjs";
import { late } from "../tools/late.mjs";
import { host, release, sent, teach } from "../tools/pane-host.mjs";
import { open } from "../tools/pane.mjs";

/** @import { Browser, Page, WebSocket } from "playwright-core" */

const skip = missing();
/** @type {Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => await browser?.close());

/** @param {Page} page @param {string} method */
const hold = (page, method) => page.evaluate((name) => /** @type {any} */ (globalThis).hold(name), method);

/** Waits until so many requests are held back. @param {Page} page @param {number} count */
const isHeld = (page, count) => page.waitForFunction((many) => /** @type {any} */ (globalThis).held() === many, count);

/** @param {Page} page */
const letGo = (page) => page.evaluate(() => /** @type {any} */ (globalThis).letGo());

/** Until the page has drawn what it knows. @param {Page} page */
const drawn = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

test("a new chat that comes late leads nobody away, and one is made at a time", { skip }, async (t) => {
  // REQ-6
  const { page } = await desk(t, browser, { before: late });
  await elsewhere(page, [["a", "A", "hello"], ["b", "B", "hello"]]);
  await answered(page, "a");
  await answered(page, "b");
  await open(page, "a");
  await hold(page, "chat/create");
  for (let n = 0; n < 3; n += 1) await page.keyboard.press("Alt+N");
  await isHeld(page, 1);
  await open(page, "b");
  await page.focus("#message");
  await page.keyboard.type("for B: one ");
  await letGo(page);
  await page.locator("[role=option]").nth(2).waitFor();
  await drawn(page);
  await page.keyboard.type("two");
  assert.equal(await page.inputValue("#message"), "for B: one two");
  assert.equal(await page.locator(".head[data-chat=b]").count(), 1);
  assert.equal(await page.locator("[role=option]").count(), 3);

  // Who has gone on to type elsewhere keeps the keyboard there; the chat is opened all the same.
  await hold(page, "chat/create");
  await page.keyboard.press("Alt+N");
  await isHeld(page, 1);
  await page.focus("#find");
  await letGo(page);
  await page.locator(".head-name", { hasText: "New chat" }).waitFor();
  await drawn(page);
  assert.equal(await page.evaluate(() => document.activeElement?.id), "find");

  // The one that was asked for last, from where somebody is, is opened.
  await open(page, "a");
  await hold(page, "chat/create");
  await page.keyboard.press("Alt+N");
  await isHeld(page, 1);
  await open(page, "b");
  await page.keyboard.press("Alt+N");
  await letGo(page);
  await page.locator(".head-name", { hasText: "New chat" }).waitFor();
  await page.waitForFunction(() => document.activeElement?.id === "message");
  assert.equal(await page.locator("[role=option]").count(), 5);
});

test("a copy of a chat that comes late leads nobody away", { skip }, async (t) => {
  // REQ-6
  const { page } = await desk(t, browser, { before: late });
  await elsewhere(page, [["a", "A", "hello"], ["b", "B", "hello"]]);
  await answered(page, "a");
  await answered(page, "b");
  await open(page, "a");
  await hold(page, "chat/fork");
  await page.locator(".said-agent").hover();
  await page.locator(".said-agent").getByRole("button", { name: "Fork" }).click();
  await isHeld(page, 1);
  await open(page, "b");
  await letGo(page);
  await page.locator("[role=option]").nth(2).waitFor();
  await drawn(page);
  assert.equal(await page.locator(".head[data-chat=b]").count(), 1);
});

test("a choice of agents that comes late is not offered over another chat", { skip }, async (t) => {
  // REQ-6
  /** @type {WebSocket[]} */
  const sockets = [];
  const { page } = await desk(t, browser, {
    before: async (early) => {
      early.on("websocket", (socket) => sockets.push(socket));
      await late(early);
    },
  });
  await elsewhere(page, [["a", "A", "hello"], ["b", "B", "hello"]]);
  await answered(page, "a");
  await answered(page, "b");
  await open(page, "a");
  await hold(page, "world/get");
  await page.locator(".head-agent").click();
  await isHeld(page, 1);
  await open(page, "b");
  const told = Promise.any(sockets.map((socket) => socket.waitForEvent("framereceived", ({ payload }) => String(payload).includes('"defaultAgent"'))));
  await letGo(page);
  await told;
  await drawn(page);
  assert.equal(await page.getByRole("menu").count(), 0);
  await page.locator(".head-agent").click();
  await page.getByRole("menu").waitFor();
});

test("a message that was searched for is shown once; afterwards its chat is where it was left", { skip }, async (t) => {
  const { page } = await desk(t, browser, { args: await kept(t) });
  await host(page);
  await teach(page, { text: "nothing\n\n".repeat(20) });
  await sent(page, "a", ["one", "where is the colosseum", ...Array.from({ length: 8 }, (_, n) => `prompt ${n}`)], { agent: "parrot", wait: true });
  await sent(page, "b", ["hello"], { wait: true });
  await page.fill("#find", "colosseum");
  await page.locator(".hit", { hasText: "colosseum" }).first().click();
  const marked = page.locator(".entry[data-marked=true]");
  await marked.getByText("where is the colosseum").waitFor();
  await page.fill("#find", "");
  await page.locator(".below-button").click();
  await page.locator(".below-button").waitFor({ state: "detached" });
  await open(page, "b");
  await page.locator(".bubble", { hasText: "hello" }).waitFor();
  await open(page, "a");
  await page.locator(".bubble", { hasText: "prompt 7" }).waitFor();
  await drawn(page);
  assert.equal(await page.locator(".below-button").count(), 0);
  assert.equal(await marked.count(), 0);

  // What is being answered is found as well, and shown at once.
  await teach(page, { text: "wait", stops: true });
  await sent(page, "a", ["where is the zeppelin"], { agent: "parrot" });
  await page.locator("[data-answer]", { hasText: "wait" }).waitFor();
  await page.fill("#find", "zeppelin");
  await page.locator(".hit", { hasText: "zeppelin" }).first().click();
  await marked.getByText("where is the zeppelin").waitFor();
  await page.locator(".head-signal [data-signal=running]").waitFor();
  await release(page, "say");
  await page.locator(".head-signal [data-signal=idle]").waitFor();
});
