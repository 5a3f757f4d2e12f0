/**
 * What axe-core finds in a page, which must let it in: `bypassCSP` of its context.
 *
 * @module
 */

import { join } from "node:path";

import { DESK } from "./vendor.mjs";

/** @import { Page } from "playwright-core" */

/** The faults that keep somebody from using the page as it is now. @param {Page} page @returns {Promise<unknown[]>} */
export async function seriousFaults(page) {
  await page.addScriptTag({ path: join(DESK, "node_modules/axe-core/axe.min.js") });
  return await page.evaluate(async () => {
    const { violations } = await /** @type {any} */ (globalThis).axe.run(document, { resultTypes: ["violations"] });
    const serious = violations.filter((/** @type {any} */ { impact }) => impact === "serious" || impact === "critical");
    const where = (/** @type {any} */ { html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ""}`;
    return serious.map((/** @type {any} */ { id, impact, nodes }) => ({ id, impact, at: nodes.slice(0, 3).map(where) }));
  });
}
