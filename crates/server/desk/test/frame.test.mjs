/**
 * The frame of the desk in a real browser, against the real server.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { seriousFaults } from "../tools/axe.mjs";
import { launch, missing, openPage } from "../tools/browser.mjs";
import { answered, desk, elsewhere, inOrder, kept, row, says } from "../tools/desk.mjs";
import { serving } from "../tools/server.mjs";

/** @import { Browser } from "playwright-core" */

const skip = missing();
/** @type {Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => await browser?.close());

test("each chat in the list has its own signal: idle, the running step, waiting, queued, failed", { skip }, async (t) => {
  // REQ-8, NFR-3
  const { page, faults } = await desk(t, browser);
  await elsewhere(page, [
    ["idle", "Idle one", "hello"], ["failed", "Failed one", "/error"], ["waits", "Waiting one", "/tool stamp"],
    ["works", "Working one", "/long 20000", "and then?", "and then?"],
  ]);
  await answered(page, "idle");
  await says(page, "failed", "Failed");
  await says(page, "waits", "Waiting for you");
  await says(page, "works", "Writing · 2 queued");
  // Who does not see the list hears of it.
  await elsewhere(page, [["late", "Late one", "/error"]]);
  await page.getByText("Late one has failed.").waitFor({ state: "attached" });
  await page.waitForFunction(() => document.title === "(4) Polychat");
  const order = await inOrder(page);
  assert.deepEqual(order.slice(0, 2).sort(), ["waits", "works"]);

  // Looking at one changes its own line and no other.
  await page.click(row("idle"));
  await page.locator(`${row("idle")}[aria-selected=true]`).waitFor();
  assert.equal(await page.locator(`${row("idle")} .badge`).count(), 0);
  assert.equal(await page.locator(`${row("failed")} .badge`).count(), 1);
  await says(page, "works", "Writing · 2 queued");
  assert.deepEqual(await inOrder(page), order);
  assert.deepEqual(faults, []);
});

test("how a chat's last turn ended is seen by a page that was not there, also after the server was killed", { skip }, async (t) => {
  // REQ-8, NFR-3
  const { server, page, faults } = await desk(t, browser, { args: await kept(t) });
  await elsewhere(page, [["failed", "Failed one", "/error"], ["fine", "Fine one", "hello"], ["cut", "Cut off", "/long 20000"]]);
  await says(page, "failed", "Failed");
  await answered(page, "fine");
  await says(page, "cut", "Writing");
  await page.reload();
  await says(page, "failed", "Failed");
  await says(page, "fine", "Idle");
  await server.kill();
  await server.start();
  await page.reload();
  await says(page, "failed", "Failed");
  await says(page, "fine", "Idle");
  await says(page, "cut", "Interrupted");
  assert.equal(await page.locator("[aria-selected=true]").count(), 0);
  assert.deepEqual(faults, []);
});

test("selecting is local: nothing is sent but the subscription, and each chat is subscribed once", { skip }, async (t) => {
  // REQ-6, REQ-14
  const { server, page: maker } = await desk(t, browser);
  await elsewhere(maker, [["a", "A", "hello"], ["b", "B", "hello"]]);
  await answered(maker, "a");
  await answered(maker, "b");
  const { page, faults } = await openPage(browser, "about:blank");
  /** @type {{ method: string, params: any }[]} */
  const sent = [];
  page.on("websocket", (socket) => socket.on("framesent", ({ payload }) => sent.push(JSON.parse(String(payload)))));
  await page.goto(server.url);
  await says(page, "a", "Idle");
  await says(page, "b", "Idle");
  sent.length = 0;
  for (let n = 0; n < 10; n += 1) {
    await page.click(row(n % 2 ? "a" : "b"));
    await page.locator(`${row(n % 2 ? "a" : "b")}[aria-selected=true]`).waitFor();
  }
  const asked = sent.filter(({ method }) => method !== "events/more").map(({ method, params }) => [method, params.chatId]);
  assert.deepEqual(asked.sort(), [["events/subscribe", "a"], ["events/subscribe", "b"]]);
  await page.waitForURL(/#\/home\/a$/);
  await page.reload();
  await page.locator(`${row("a")}[aria-selected=true]`).waitFor();
  await page.evaluate(() => void (location.hash = "#/home/b"));
  await page.locator(`${row("b")}[aria-selected=true]`).waitFor();
  await page.evaluate(() => void (location.hash = "#/nowhere/b"));
  await page.getByRole("heading", { name: "There is no such world" }).waitFor();
  assert.deepEqual(faults, []);
});

test("an address that changes just after a chat was opened leads to its own chat", { skip }, async (t) => {
  // REQ-6
  const { page, faults } = await desk(t, browser);
  await elsewhere(page, [["a", "A"], ["b", "B"], ["c", "C"]]);
  await page.locator(row("c")).waitFor();
  for (let n = 0; n < 5; n += 1) {
    await page.click(row("a"));
    await page.waitForURL(/#\/home\/a$/);
    await page.evaluate((line) => {
      /** @type {HTMLElement | null} */ (document.querySelector(line))?.click();
      // It is drawn then, and its address not yet written.
      queueMicrotask(() => requestAnimationFrame(() => void (location.hash = "#/home/c")));
    }, row("b"));
    await page.locator(".head[data-chat=c]").waitFor();
  }
  assert.deepEqual(faults, []);
});

test("chats are made, renamed, closed, reopened, archived and deleted, and other windows see it", { skip }, async (t) => {
  const { server, page, faults } = await desk(t, browser);
  const { page: second } = await openPage(browser, server.url);
  await page.click("text=New chat");
  await page.locator(".head-name", { hasText: "New chat" }).waitFor();
  const id = await page.getAttribute("[role=option]", "data-chat") ?? "";
  await second.locator(row(id)).waitFor();

  const choose = async (/** @type {string} */ text) => {
    await page.getByRole("button", { name: "More about this chat" }).click();
    await page.getByRole("menuitem", { name: text }).click();
  };
  await choose("Rename");
  await page.fill("#rename-field", "Plans <b>&");
  await page.keyboard.press("Enter");
  await second.locator(`${row(id)} .row-name`, { hasText: "Plans <b>&" }).waitFor();
  await choose("Close");
  await says(second, id, "Closed");
  await choose("Reopen");
  await says(second, id, "Idle");
  await choose("Archive");
  await page.locator(row(id)).waitFor({ state: "detached" });
  await page.click("[data-view=archived]");
  await page.locator(row(id)).waitFor();
  await choose("Take out of the archive");
  await page.click("[data-view=all]");
  await page.locator(row(id)).waitFor();

  // Export is a file that the server makes.
  await page.getByRole("button", { name: "More about this chat" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "Export" }).click()]);
  assert.match(await readFile(await download.path(), "utf8"), /Plans/);

  // Asked once; the harmless answer has the focus.
  await choose("Delete");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Cancel");
  await page.keyboard.press("Enter");
  await page.locator(row(id)).waitFor();
  await second.click(row(id));
  await choose("Delete");
  await page.getByRole("button", { name: "Delete for good" }).click();
  await page.locator(row(id)).waitFor({ state: "detached" });
  await second.locator(row(id)).waitFor({ state: "detached" });
  // It was open there.
  await second.locator(".head-signal", { hasText: "Deleted" }).waitFor();
  assert.deepEqual(faults, []);
});

test("a chat that was pressed is opened, though the list moves before the finger is lifted", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser);
  await elsewhere(page, [["a", "A", "hello"], ["b", "B", "hello"], ["c", "C", "hello"]]);
  for (const id of ["a", "b", "c"]) await answered(page, id);
  const [first = "", , last = ""] = await inOrder(page);
  const box = await page.locator(row(first)).boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + 50, box.y + 20);
  await page.mouse.down();
  await elsewhere(page, [[last, "", "/long 20000"]]);
  await page.waitForFunction((id) => document.querySelector("[role=option][aria-posinset='1']")?.getAttribute("data-chat") === id, last);
  await page.mouse.up();
  await page.locator(`${row(first)}[aria-selected=true]`).waitFor();
  assert.deepEqual(faults, []);
});

test("words find chats by name and messages by what was said; a snippet leads to its message", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser, { args: await kept(t) });
  await elsewhere(page, [["rome", "Rome", "where is the colosseum?"], ["tea", "", "how to brew tea"], ["other", "Other", "nothing"]]);
  await page.locator(`${row("tea")} .row-name`, { hasText: "how to brew tea" }).waitFor();
  await page.fill("#find", "colosseum");
  await page.locator(".hit", { hasText: "colosseum" }).first().waitFor();
  assert.equal(await page.locator(".hit mark").first().innerText(), "colosseum");
  assert.equal(await page.locator("[role=option]").count(), 0);
  await page.locator(".hit").first().click();
  await page.locator(".head-name", { hasText: "Rome" }).waitFor();
  await page.fill("#find", "brew");
  await page.locator(row("tea")).waitFor();
  await page.fill("#find", "zeppelin");
  await page.getByText("No message has these words.").waitFor();
  assert.deepEqual(faults, []);
});

test("of thousands of chats those in sight are drawn, and the keyboard reaches all", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser);
  await elsewhere(page, Array.from({ length: 3000 }, (_, n) => [`c${String(n).padStart(4, "0")}`, `Chat number ${n}`]));
  await page.locator("[role=option][aria-setsize='3000']").first().waitFor();
  assert.ok((await page.locator("[role=option]").count()) < 40);
  await page.focus("#chats");
  await page.keyboard.press("End");
  const last = page.locator("[role=option][aria-posinset='3000']");
  await last.waitFor();
  const [id, active] = [await last.getAttribute("id"), await page.getAttribute("#chats", "aria-activedescendant")];
  assert.equal(active, id);
  await page.keyboard.press("Enter");
  await page.locator("[role=option][aria-posinset='3000'][aria-selected=true]").waitFor();
  assert.ok((await page.locator("[role=option]").count()) < 40);
  assert.deepEqual(faults, []);
});

test("a lost connection is shown and comes back by itself, also from a server that was killed", { skip }, async (t) => {
  // REQ-10, NFR-2
  const { server, page, faults } = await desk(t, browser, { args: await kept(t) });
  await elsewhere(page, [["a", "A", "hello"], ["b", "B", "/long 20000"]]);
  await answered(page, "a");
  await says(page, "b", "Writing");
  await page.click(row("b"));
  server.cut();
  await page.getByText("Connection lost").waitFor();
  await page.getByText("Connection lost").waitFor({ state: "detached" });
  await says(page, "b", "Writing");
  await server.kill();
  await page.getByText("Connection lost").waitFor();
  await server.start();
  await page.getByText("Connection lost").waitFor({ state: "detached" });
  await says(page, "b", "Interrupted");
  await says(page, "a", "Idle");
  assert.deepEqual(await inOrder(page), ["b", "a"]);
  assert.deepEqual(faults, []);
});

test("while the connection is lost nobody knows how long a turn goes on: its clock stands still", { skip }, async (t) => {
  // NFR-2
  const { server, page, faults } = await desk(t, browser);
  await elsewhere(page, [["a", "A", "/long 20000"]]);
  await page.click(row("a"));
  const clock = page.locator(".turn .elapsed");
  await clock.waitFor();
  const later = () => page.evaluate(() => {
    const now = Date.now.bind(Date);
    Date.now = () => now() + 60_000;
  });
  await later();
  await clock.filter({ hasText: "1 min" }).waitFor();
  await server.kill();
  await page.getByText("Connection lost").waitFor();
  await later();
  const stood = await clock.innerText();
  // One that goes on says so once a second.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 2000)));
  assert.equal(await clock.innerText(), stood);
  assert.deepEqual(faults, []);
});

test("a refusal and a failed turn stand in the diagnostics, with the id of their chat", { skip }, async (t) => {
  // NFR-4
  const { page, faults } = await desk(t, browser);
  await elsewhere(page, [["bad", "Bad", "/error"], ["fine", "Fine", "hello"]]);
  await says(page, "bad", "Failed");
  await page.keyboard.press("Alt+D");
  const line = page.locator(".panel-line[data-kind=turn_failed]");
  await line.waitFor();
  await line.getByRole("button", { name: "bad" }).click();
  await page.locator(".head-name", { hasText: "Bad" }).waitFor();
  await page.evaluate(async () => {
    await /** @type {any} */ (globalThis).other.chat("fine").withdraw("no-such-prompt").catch(() => {});
  });
  await page.locator(".panel-line[data-kind=refused]", { hasText: "fine" }).waitFor();
  await page.focus(".panel");
  await page.keyboard.press("Escape");
  await page.locator(".panel").waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
});

test("everything in the frame is done by keyboard, and the keys are told", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser);
  await elsewhere(page, [["a", "A", "hello"], ["b", "B", "/tool stamp"], ["c", "C", "hello"]]);
  await answered(page, "a");
  await says(page, "b", "Waiting for you");
  await answered(page, "c");
  const opened = (/** @type {string | undefined} */ id) => page.locator(`${row(id ?? "")}[aria-selected=true]`).waitFor();
  await page.keyboard.press("Alt+L");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  const [, second, third] = await inOrder(page);
  await opened(second);
  await page.keyboard.press("Alt+ArrowDown");
  await opened(third);
  await page.keyboard.press("Alt+W");
  await opened("b");
  await page.keyboard.press("F2");
  await page.keyboard.type("By keys");
  await page.keyboard.press("Enter");
  await page.locator(`${row("b")} .row-name`, { hasText: "By keys" }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("/");
  await page.keyboard.type("by k");
  await page.locator(row("a")).waitFor({ state: "detached" });
  assert.deepEqual(await inOrder(page), ["b"]);
  await page.keyboard.press("Escape");
  await page.locator(row("a")).waitFor();
  await page.keyboard.press("Alt+N");
  await page.locator(".head-name", { hasText: "New chat" }).waitFor();
  // Menus: by their button, arrows, Enter; Escape gives the focus back.
  const more = page.getByRole("button", { name: "More about this chat" });
  await more.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await more.evaluate((button) => button === document.activeElement), true);
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Delete this chat?" }).waitFor();
  await page.keyboard.press("Escape");
  assert.deepEqual(faults, []);
});

test("without the token nobody is let in and the page says so; the printed link brings it along", { skip }, async (t) => {
  const server = await serving({ auth: true });
  t.after(() => server.close());
  const { page, faults } = await openPage(browser, server.url);
  await page.getByRole("heading", { name: "Open the printed link" }).waitFor();
  await page.goto(server.link());
  await page.waitForSelector(".desk");
  assert.doesNotMatch(page.url(), /token/);
  // A server that was started anew has a new token, and lets nobody in by the old one.
  await server.kill();
  await page.getByText("Connection lost").waitFor();
  await server.start();
  await page.getByText(/Open the link/).waitFor();
  await page.goto(server.link());
  await page.waitForSelector(".desk");
  assert.deepEqual(faults, []);
});

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`axe finds no serious fault in the frame, in ${colorScheme}`, { skip }, async (t) => {
    const { page } = await desk(t, browser, { page: { colorScheme, bypassCSP: true } });
    await elsewhere(page, [
      ["a", "A", "hello"], ["b", "B", "/tool stamp"], ["c", "C", "/error"], ["d", "D", "/long 20000", "more"],
    ]);
    await says(page, "b", "Waiting");
    await says(page, "c", "Failed");
    await says(page, "d", "queued");
    await page.click(row("c"));
    await page.locator(".head-signal", { hasText: "Failed" }).waitFor();
    await page.keyboard.press("Alt+D");
    await page.locator(".panel-line").first().waitFor();
    assert.deepEqual(await seriousFaults(page), [], "desk");
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await seriousFaults(page), [], "help");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "More about this chat" }).click();
    await page.getByRole("menu").waitFor();
    assert.deepEqual(await seriousFaults(page), [], "menu");
    });
}

test("colours are chosen and kept; in a narrow window the list gives way to the chat and comes back", { skip }, async (t) => {
  const { page, faults } = await desk(t, browser, { page: { viewport: { width: 400, height: 700 }, colorScheme: "light" } });
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.getByRole("button", { name: /^Colours/ }).click();
  await page.getByRole("button", { name: "Colours: light" }).click();
  await page.getByRole("button", { name: "Colours: dark" }).waitFor();
  assert.notEqual(await paper(), light);
  await page.reload();
  await page.getByRole("button", { name: "Colours: dark" }).waitFor();
  await elsewhere(page, [["a", "A", "hello"]]);
  await page.click(row("a"));
  await page.locator(".head-name", { hasText: "A" }).waitFor();
  assert.equal(await page.isVisible("#chats"), false);
  await page.getByRole("button", { name: "Back to the list" }).click();
  assert.equal(await page.isVisible("#chats"), true);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  assert.deepEqual(faults, []);
});
