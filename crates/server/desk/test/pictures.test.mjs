/**
 * The pictures of the README: the desk with four chats at work, one that waits, one that failed.
 *
 * What the README shows is made here each time, looked at word for word, and compared with the picture;
 * `POLYCHAT_BLESS=1` takes the pictures anew.
 */

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { difference } from "../tools/alike.mjs";
import { launch, missing } from "../tools/browser.mjs";
import { beside, desk, inOrder, row, says } from "../tools/desk.mjs";
import { open } from "../tools/pane.mjs";
import { OPEN, SCENES, stage } from "../tools/scene.mjs";
import { DESK } from "../tools/vendor.mjs";

/** @import { Browser } from "playwright-core" */

const PICTURES = join(DESK, "../../../docs/pictures");
const [WIDTH, HEIGHT] = [1280, 800];
const BYTES_MAX = 200_000;
/** How far the picture may be from what is shown now, of 255. */
const [MEAN_MAX, WORST_MAX] = [1.5, 60];

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
    await page.evaluate(() => document.fonts.ready);
    const now = await page.screenshot({ animations: "disabled" });
    if (process.env["POLYCHAT_BLESS"]) await writeFile(path, now);
    const picture = await readFile(path);
    // The time of day and another cut of the letters are grey from afar; another place or colour is not.
    const { mean, worst } = await difference(browser, picture, now);
    t.diagnostic(`differs by ${mean.toFixed(2)} of 255, at most by ${worst}`);
    assert.ok(mean < MEAN_MAX && worst < WORST_MAX, `the picture is an older one: ${mean}, ${worst}; POLYCHAT_BLESS=1 takes it anew`);
    // Its size stands behind the signature and the head of its first chunk.
    assert.deepEqual([picture.readUInt32BE(16), picture.readUInt32BE(20)], [WIDTH, HEIGHT]);
    assert.ok(picture.length < BYTES_MAX, `${picture.length} bytes`);
  });
}
