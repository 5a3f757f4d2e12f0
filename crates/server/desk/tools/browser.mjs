/**
 * A real browser for tests: Chromium as the system has it, driven by playwright-core.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { PROGRAM } from "./server.mjs";

/** @import { Browser, BrowserContextOptions, Page } from "playwright-core" */

const CHROMIUM = process.env["POLYCHAT_CHROMIUM"] || "/usr/bin/chromium";
const ARGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync",
  // Containers give little shared memory, and a page that finds none is killed.
  "--disable-dev-shm-usage",
];

/**
 * Why tests in a browser cannot run here; `false` when they can.
 *
 * Where `POLYCHAT_REQUIRE` names `chromium`, they fail instead.
 *
 * @returns {false | string}
 */
export function missing() {
  const what = [CHROMIUM, PROGRAM].filter((path) => !existsSync(path)).join(" and ");
  if (what === "") return false;
  const required = (process.env["POLYCHAT_REQUIRE"] ?? "").split(",").map((name) => name.trim());
  if (required.includes("chromium")) throw new Error(`the desk's tests need ${what}`);
  console.error(`SKIPPED: there is no ${what} here (POLYCHAT_REQUIRE=chromium forbids this)`);
  return `there is no ${what}`;
}

/** @returns {Promise<Browser>} */
export function launch() {
  return chromium.launch({ executablePath: CHROMIUM, args: ARGS });
}

/**
 * A page of its own, and all that went wrong in it: errors, and violations of the policy.
 *
 * @param {Browser} browser
 * @param {string} url
 * @param {BrowserContextOptions} [options]
 * @param {(page: Page) => Promise<void>} [before] what is done with it before anything is loaded
 * @returns {Promise<{ page: Page, faults: string[] }>}
 */
export async function openPage(browser, url, options = {}, before) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error.stack ?? error)));
  page.on("console", (message) => {
    const text = message.text();
    // A browser says of each connection that could not be made; the page says so in its own words.
    if (message.type() === "error" && !/Failed to load resource|WebSocket connection/.test(text)) faults.push(text);
  });
  // The policy of the page may be one that only watches, and a browser says that in other words each year.
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
      console.error(`against the policy: ${violatedDirective} ${blockedURI}`);
    });
  });
  await before?.(page);
  await page.goto(url);
  return { page, faults };
}
