/**
 * The pictures of the README: the desk with four chats at work, one that waits, one that failed.
 *
 * What the README shows is made here each time and looked at, word for word; `POLYCHAT_BLESS=1` takes the pictures anew.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, missing } from "../tools/browser.mjs";
import { beside, desk, inOrder, row, says } from "../tools/desk.mjs";
import { open } from "../tools/pane.mjs";
import { OPEN, SCENES, stage } from "../tools/scene.mjs";
import { DESK } from "../tools/vendor.mjs";

/** @import { Browser } from "playwright-core" */

const PICTURES = join(DESK, "../../../docs/pictures");
const [WIDTH, HEIGHT] = [1280, 800];
const BYTES_MAX = 200_000;

const skip = missing();
/** @type {Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => await browser?.close());

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`the picture of the README is the desk as it is, in ${colorScheme}`, { skip }, async (t) => {
    // NFR-3
    const { server, page } = await desk(t, browser, {
      page: { colorScheme, viewport: { width: WIDTH, height: HEIGHT }, locale: "en-GB", reducedMotion: "reduce" },
    });
    const other = await beside(t, browser, server);
    await stage(other);
    const signals = {
      notes: "Thinking", speakers: "Writing", orders: "Running run_migration", handbook: "Writing · 2 queued",
      build: "Waiting for you", invoices: "Failed", letter: "Idle", lisbon: "Idle",
    };
    for (const [id, signal] of Object.entries(signals)) await says(page, id, signal);
    assert.deepEqual((await inOrder(page)).toSorted(), Object.keys(SCENES).sort());
    await open(page, OPEN);
    await page.locator(".tool[data-state=answered]", { hasText: "read_log" }).waitFor();
    await page.locator(".said-agent pre code", { hasText: "hashFiles('Cargo.lock')" }).waitFor();
    await page.getByRole("group", { name: "May open_pull_request run?" }).getByRole("button", { name: "Allow once" }).waitFor();
    await page.fill("#message", "Say in it that the old caches can go.");
    // Who looks at one chat sees what all others do.
    for (const [id, signal] of Object.entries(signals)) {
      assert.equal(await page.locator(`${row(id)} .row-signal`).innerText(), signal, id);
      assert.equal(await page.locator(`${row(id)} .row-name`).innerText(), SCENES[id]?.title);
    }

    const path = join(PICTURES, `desk-${colorScheme}.png`);
    if (process.env["POLYCHAT_BLESS"]) {
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({ path, animations: "disabled" });
    }
    const picture = await readFile(path);
    // Its size stands behind the signature and the head of its first chunk.
    assert.deepEqual([picture.readUInt32BE(16), picture.readUInt32BE(20)], [WIDTH, HEIGHT]);
    assert.ok(picture.length < BYTES_MAX, `${picture.length} bytes`);
  });
}
