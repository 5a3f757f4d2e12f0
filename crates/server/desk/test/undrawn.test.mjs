/**
 * What cannot be drawn is told in its place, and everything else goes on, in a real browser, against the real server.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, missing } from "../tools/browser.mjs";
import { desk, elsewhere, row, says } from "../tools/desk.mjs";
import { open, send } from "../tools/pane.mjs";

/** @import { Browser, Page } from "playwright-core" */

const skip = missing();
/** @type {Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => await browser?.close());

/**
 * Puts another module in the place of one of the page's.
 *
 * @param {Page} page
 * @param {string} name
 * @param {string} body
 */
const instead = (page, name, body) => page.route(`**/parts/${name}`, (route) => route.fulfill({ contentType: "text/javascript", body }));

/** Takes what the browser said of faults that were planted. @param {string[]} faults */
function planted(faults) {
  const all = faults.splice(0);
  assert.ok(all.length > 0);
  for (const fault of all) assert.match(fault, /planted/);
}

test("a chat that cannot be drawn says so in its place, and the others go on", { skip }, async (t) => {
  // Law 6, REQ-11
  const { page, faults } = await desk(t, browser, {
    before: async (early) => void (await instead(early, "message-copy.js", 'export function Copy({ text }) { if (text === "break") throw new Error("planted"); return null; }')),
  });
  await elsewhere(page, [["a", "A", "break"], ["b", "B", "hello"]]);
  await says(page, "a", "Idle");
  await says(page, "b", "Idle");
  await open(page, "b");
  await page.locator(".bubble", { hasText: "hello" }).waitFor();
  await open(page, "a");
  await page.getByText("This chat cannot be drawn").waitFor();
  planted(faults);
  await page.keyboard.press("Alt+D");
  await page.locator(".panel-line[data-kind=not_drawn]", { hasText: "planted" }).getByRole("button", { name: "a" }).waitFor();
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByText("This chat cannot be drawn").waitFor();
  planted(faults);
  await open(page, "b");
  await page.locator(".bubble", { hasText: "hello" }).waitFor();
  await send(page, "and again");
  await page.locator(".bubble", { hasText: "and again" }).waitFor();
  assert.equal(await page.getByText("This chat cannot be drawn").count(), 0);
  assert.equal(await page.locator(".head").count(), 1);
});

test("a line of the list that cannot be drawn says so, leads to its chat, and the others stay", { skip }, async (t) => {
  // Law 6, REQ-8
  const { page, faults } = await desk(t, browser, {
    // It is the line that has the first time of all; until there is one, no line is drawn.
    before: async (early) =>
      void (await instead(early, "when.js", `
        let bad;
        export const when = (at) => { if (at > 0) bad ??= at; if (at <= 0 || at === bad) throw new Error("planted"); return ""; };
        export const [wholeTime, clockTime] = [() => "", () => ""];
      `)),
  });
  await elsewhere(page, [["a", "A"]]);
  const broken = page.locator(`${row("a")}[data-broken=true]`);
  await broken.getByText("This line cannot be drawn").waitFor();
  planted(faults);
  await elsewhere(page, [["b", "B", "hello"]]);
  await says(page, "b", "Idle");
  await open(page, "b");
  await page.locator(".bubble", { hasText: "hello" }).waitFor();
  assert.equal(await page.locator("[data-broken=true]").count(), 1);
  await open(page, "a");
  await page.locator(".head[data-chat=a]").waitFor();
  await broken.waitFor();
  planted(faults);
});
