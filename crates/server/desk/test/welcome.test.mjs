/**
 * The desk as somebody meets it: without the token, with nothing in it yet, and with several worlds; and where the keyboard is all the while.
 */

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";

import { seriousFaults } from "../tools/axe.mjs";
import { launch, missing, openPage } from "../tools/browser.mjs";
import { answered, desk, elsewhere, kept, row, says } from "../tools/desk.mjs";
import { serving } from "../tools/server.mjs";

/** @import { Browser, Page } from "playwright-core" */

const skip = missing();
/** @type {Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => await browser?.close());

/** Waits until the keyboard is there. @param {Page} page @param {string} id */
const focused = (page, id) => page.waitForFunction((wanted) => document.activeElement?.id === wanted, id);

test("whoever comes without the token may paste it or the link, and is led to the chat that was asked for", { skip }, async (t) => {
  const server = await serving({ auth: true });
  t.after(() => server.close());
  const { page, faults } = await openPage(browser, `${server.url}#/home/plans`);
  t.after(() => page.context().close());
  await page.fill("#token", "no such token");
  await page.keyboard.press("Enter");
  await page.getByText("neither a token nor a link").waitFor();
  await page.fill("#token", "AAAA");
  await page.keyboard.press("Enter");
  await page.getByText("does not open the server").waitFor();
  await page.fill("#token", server.link());
  await page.keyboard.press("Enter");
  await page.waitForSelector(".desk");
  assert.match(page.url(), /\/#\/home\/plans$/);
  assert.deepEqual(faults, []);
});

test("whoever comes by a link that does not lead in is told so, and the server is asked less and less often", { skip }, async (t) => {
  const server = await serving({ auth: true });
  t.after(() => server.close());
  const { page, faults } = await openPage(browser, "about:blank");
  t.after(() => page.context().close());
  /** @type {number[]} */
  const asked = [];
  page.on("request", (request) => new URL(request.url()).pathname.startsWith("/v1/") && asked.push(Date.now()));
  await page.goto(`${server.url}?token=AAAA#/home/plans`);
  await page.getByText("The token of this link is not known").waitFor();
  assert.match(page.url(), /\/#\/home\/plans$/);
  while (asked.length < 4) await page.waitForRequest((request) => new URL(request.url()).pathname.startsWith("/v1/"));
  const [, , third = 0, fourth = 0] = asked;
  assert.ok(fourth - third > 1000, `asked again after ${fourth - third} ms`);
  await page.getByText("The token of this link is not known").waitFor();
  await page.reload();
  await page.getByText("Open the link that it printed").waitFor();
  assert.deepEqual(faults, []);
});

test("an empty desk invites: a message begins a chat, and examples show what the demo can", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser);
  await page.getByRole("heading", { name: "Begin your first chat" }).waitFor();
  await focused(page, "message");
  await page.keyboard.type("my name is Eve");
  await page.keyboard.press("Enter");
  await page.getByText("Nice to meet you, Eve").waitFor();
  await focused(page, "message");
  assert.equal(await page.locator("[role=option]").count(), 1);

  // A new chat offers them too, until something was said in it.
  await page.keyboard.press("Alt+N");
  await page.getByRole("button", { name: "It remembers" }).waitFor();
  await page.keyboard.press("Alt+N");
  await page.getByRole("button", { name: "It remembers" }).click();
  await page.getByText("Nice to meet you, Ada").waitFor();
  assert.equal(await page.locator("[role=option]").count(), 2);
  assert.equal(await page.locator(".example").count(), 0);
  await focused(page, "message");
  await page.keyboard.type("what is my name?");
  await page.keyboard.press("Enter");
  await page.getByText("Your name is Ada.").waitFor();
  assert.deepEqual(faults, []);
});

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`axe finds no serious fault where nothing is yet, nor where nobody is let in, in ${colorScheme}`, { skip }, async (t) => {
    const server = await serving({ auth: true });
    t.after(() => server.close());
    const { page } = await openPage(browser, server.url, { colorScheme, bypassCSP: true });
    t.after(() => page.context().close());
    await page.fill("#token", "AAAA");
    await page.keyboard.press("Enter");
    await page.getByText("does not open the server").waitFor();
    assert.deepEqual(await seriousFaults(page), [], "entrance");
    await page.goto(server.link());
    await page.getByRole("button", { name: "It remembers" }).waitFor();
    await page.getByText("No chats yet").waitFor();
    assert.deepEqual(await seriousFaults(page), [], "empty desk");
  });
}

test("what is written where no chat is open is there again after another chat was looked at", { skip }, async (t) => {
  const { page } = await desk(t, browser);
  await elsewhere(page, [["a", "A", "hello"]]);
  await answered(page, "a");
  await page.fill("#message", "half a thought");
  await page.click(row("a"));
  await page.locator(".head[data-chat=a]").waitFor();
  await page.evaluate(() => void (location.hash = "#/home"));
  await page.getByRole("heading", { name: "Choose a chat, or begin one" }).waitFor();
  assert.equal(await page.inputValue("#message"), "half a thought");
});

test("where there are several worlds one is chosen, and a name that is none leads to those that there are", { skip }, async (t) => {
  const [, data = ""] = await kept(t);
  const config = join(dirname(data), "worlds.toml");
  await writeFile(config, "[worlds.home]\n[worlds.work]\n");
  const { page, faults } = await desk(t, browser, { args: ["--memory", "--config", config] });
  await page.fill("#message", "said at home");
  await page.keyboard.press("Enter");
  await page.locator(".row-name", { hasText: "said at home" }).waitFor();
  await page.getByRole("button", { name: "home", exact: true }).click();
  await page.getByRole("menuitemradio", { name: "work" }).click();
  await page.getByRole("button", { name: "work", exact: true }).waitFor();
  await page.getByText("No chats yet").waitFor();
  await page.evaluate(() => void (location.hash = "#/nowhere"));
  await page.getByRole("heading", { name: "There is no such world" }).waitFor();
  await page.getByRole("link", { name: "home" }).click();
  await page.locator(".row-name", { hasText: "said at home" }).waitFor();
  assert.deepEqual(faults, []);
});

test("the keyboard always has a place: in the chat that is opened, and where what had it is gone", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser);
  await elsewhere(page, [["a", "A", "/long 20000", "one", "two"], ["b", "B", "hello"]]);
  await answered(page, "b");
  await says(page, "a", "2 queued");
  await page.click(row("b"));
  await focused(page, "message");
  await page.keyboard.press("Alt+ArrowUp");
  await page.locator(".head[data-chat=a]").waitFor();
  await focused(page, "message");

  await page.locator(".queue-row", { hasText: "one" }).getByRole("button", { name: "Withdraw" }).press("Enter");
  await page.locator(".queue-row", { hasText: "one" }).waitFor({ state: "detached" });
  await focused(page, "message");
  await page.locator(".queue-row", { hasText: "two" }).getByRole("button", { name: "Edit" }).press("Enter");
  await page.keyboard.press("Escape");
  await page.locator(".queue-row .editor").waitFor({ state: "detached" });
  await focused(page, "message");

  // A field that takes no more words has the keyboard no more.
  await page.evaluate(() => /** @type {any} */ (globalThis).other.chat("a").close());
  await focused(page, "chats");
  await page.click(row("b"));
  await focused(page, "message");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement?.matches(".timeline"));
  // Searching leads on to what was found.
  await page.keyboard.press("/");
  await page.keyboard.type("A");
  await page.locator(row("b")).waitFor({ state: "detached" });
  await page.keyboard.press("ArrowDown");
  await focused(page, "chats");
  await page.keyboard.press("/");
  await page.keyboard.press("Enter");
  await page.locator(".head[data-chat=a]").waitFor();
  assert.deepEqual(faults, []);
});
