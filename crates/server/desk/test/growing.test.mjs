/**
 * An answer that is being written, where somebody selects in it and where it is long, in a real browser.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, missing } from "../tools/browser.mjs";
import { desk } from "../tools/desk.mjs";

/** @import { Browser, Page } from "playwright-core" */

const skip = missing();
/** @type {Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => await browser?.close());

/** Gives the page `grow(text, grows)`, which draws an answer as far as it is written. @param {Page} page */
async function answer(page) {
  await page.evaluate(async () => {
    const { html, render } = await import(/** @type {any} */ ("/parts/hooks.js"));
    const { Markdown } = await import(/** @type {any} */ ("/parts/markdown.js"));
    const box = document.body.appendChild(document.createElement("div"));
    box.id = "answer";
    Object.assign(globalThis, { grow: (/** @type {string} */ text, grows = true) => render(html`<${Markdown} text=${text} grows=${grows} />`, box) });
  });
}

/** @param {Page} page @param {string} text @param {boolean} [grows] */
const grow = (page, text, grows = true) => page.evaluate(([all, goesOn]) => /** @type {any} */ (globalThis).grow(all, goesOn), /** @type {const} */ ([text, grows]));

test("what is selected or has the focus in a block that grows stays so until it is left, or the answer is whole", { skip }, async (t) => {
  const { page } = await desk(t, browser);
  await answer(page);
  const shown = page.locator("#answer");
  await grow(page, "- first words");
  await page.evaluate(() => getSelection()?.selectAllChildren(/** @type {Element} */ (document.querySelector("#answer li"))));
  await grow(page, "- first words\n- second");
  assert.equal(await page.evaluate(() => String(getSelection())), "first words");
  await page.evaluate(() => getSelection()?.removeAllRanges());
  await shown.getByText("second").waitFor();

  await grow(page, "| a |\n|---|\n| b |");
  await page.focus("#answer table");
  await grow(page, "| a |\n|---|\n| b |\n| c |");
  assert.equal(await page.evaluate(() => document.activeElement?.localName), "table");
  await page.focus("#find");
  await shown.getByText("c", { exact: true }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), "find");

  // Likewise where it is no Markdown: code, and what is too long to be looked through.
  for (const [text, selector] of /** @type {const} */ ([["```js\nconst a = 1;\n", "code"], ["x".repeat(30_000), ".plain-piece:last-child"]])) {
    await grow(page, text);
    await page.evaluate((of) => getSelection()?.selectAllChildren(/** @type {Element} */ (document.querySelector(`#answer ${of}`))), selector);
    const selected = await page.evaluate(() => String(getSelection()));
    await grow(page, `${text}more`);
    await shown.getByText("more").waitFor();
    assert.equal(await page.evaluate(() => String(getSelection())).then((now) => now.startsWith(selected.slice(0, 12)) && selected !== ""), true, selector);
  }

  // What is whole is shown whole.
  await grow(page, "| a |\n|---|\n| b |\n| c |");
  await page.focus("#answer table");
  await grow(page, "| a |\n|---|\n| b |\n| c |\n| d |");
  assert.equal(await shown.getByText("d", { exact: true }).count(), 0);
  await grow(page, "| a |\n|---|\n| b |\n| c |\n| d |", false);
  await shown.getByText("d", { exact: true }).waitFor();
});

test("a block that has grown long is looked through now and then, not with each piece", { skip }, async (t) => {
  const { page } = await desk(t, browser);
  await answer(page);
  const { looks, ms } = await page.evaluate(async () => {
    const { Lexer } = await import(/** @type {any} */ ("/vendor/marked/marked.esm.js"));
    const own = Lexer.prototype.blockTokens;
    let looks = 0;
    Lexer.prototype.blockTokens = function (/** @type {unknown[]} */ ...given) {
      if (String(given[0]).length > 50_000) looks += 1;
      return own.apply(this, given);
    };
    const { grow: draw } = /** @type {any} */ (globalThis);
    const began = performance.now();
    let text = "- an item of the list\n".repeat(2500);
    for (let piece = 0; piece < 60; piece += 1) draw((text += "- more\n"));
    draw((text += "- the end\n"));
    return { looks, ms: performance.now() - began };
  });
  assert.ok(looks <= 2 + ms / 150, `${looks} times in ${ms} ms`);
  // What came while it rested is shown without anything more coming.
  await page.locator("#answer", { hasText: "the end" }).waitFor();
});

test("an answer made of lines that look like links is shown", { skip }, async (t) => {
  const { page } = await desk(t, browser);
  await answer(page);
  await grow(page, "[INFO]: ok\n[WARN]: low\n\n[used]: https://example.org\n\nsee [used]");
  const text = await page.locator("#answer").innerText();
  assert.match(text, /\[INFO\]: ok\s+\[WARN\]: low\s+see used/);
});
