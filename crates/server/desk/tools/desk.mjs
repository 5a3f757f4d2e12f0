/**
 * The desk for tests in a browser: a server, a page, another program at the same world, and what the list says.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openPage } from "./browser.mjs";
import { serving } from "./server.mjs";

/** @import { Browser, BrowserContextOptions, Page } from "playwright-core" */
/** @import { TestContext } from "node:test" */

/** How long a state may take to come, on a machine that does other things as well. */
const WAIT_MS = 60_000;

/**
 * A server, and a page that shows its desk; whatever goes wrong in the page makes the test fail.
 *
 * @param {TestContext} context
 * @param {Browser} browser
 * @param {{ args?: string[], page?: BrowserContextOptions, before?: (page: Page) => Promise<void> }} [options]
 */
export async function desk(context, browser, { args, page: pageOptions, before } = {}) {
  const server = await serving(args ? { args } : {});
  context.after(() => server.close());
  const opened = await openPage(browser, server.url, pageOptions, before);
  context.after(async () => {
    await opened.page.context().close();
    assert.deepEqual(opened.faults, []);
  });
  opened.page.setDefaultTimeout(WAIT_MS);
  await opened.page.waitForSelector(".desk");
  return { server, ...opened };
}

/**
 * A page beside the desk that draws nothing, for other programs at the same world.
 *
 * @param {TestContext} context
 * @param {Browser} browser
 * @param {{ url: string }} server
 */
export async function beside(context, browser, { url }) {
  const { page } = await openPage(browser, `${url}icon.svg`);
  context.after(() => page.context().close());
  return page;
}

/** A file for the chats. @param {TestContext} context */
export async function kept(context) {
  const folder = await mkdtemp(join(tmpdir(), "polychat-desk-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return ["--data", join(folder, "chats.db")];
}

/**
 * Another program at the same world: each line is a chat, its title, and what is said to it.
 *
 * @param {Page} page
 * @param {[id: string, title: string, ...prompts: string[]][]} chats
 */
export async function elsewhere(page, chats) {
  await page.evaluate(async (all) => {
    const kept = /** @type {any} */ (globalThis);
    if (!kept.other) {
      const { connect } = await import(/** @type {any} */ ("/vendor/polychat-client/index.js"));
      const { world } = await connect({ url: new URL("/v1/worlds/home/socket", location.href.replace(/^http/, "ws")) });
      // Under the policy of a new world, what is no reading waits for a person.
      await world.host({ tools: [{ name: "stamp", description: "Stamps a letter", run: () => "stamped" }] });
      kept.other = world;
    }
    const world = kept.other;
    const made = all.map(async ([id, title, ...prompts]) => {
      const chat = await world.openChat(id, title ? { title } : {});
      for (const text of prompts) await chat.prompt(text);
    });
    await Promise.all(made);
  }, chats);
}

/** @param {string} id */
export const row = (id) => `[role=option][data-chat="${id}"]`;

/** Waits until its line says so. @param {Page} page @param {string} id @param {string} text */
export async function says(page, id, text) {
  try {
    await page.locator(`${row(id)} .row-signal`, { hasText: text }).waitFor();
  } catch (error) {
    const lines = await page.locator("[role=option]").allInnerTexts();
    throw new Error(`${id} does not say "${text}"; the list has ${JSON.stringify(lines)}`, { cause: error });
  }
}

/** Waits until its prompt was answered, not looking at it. @param {Page} page @param {string} id */
export async function answered(page, id) {
  await page.locator(`${row(id)} .badge`, { hasText: "1 unread" }).waitFor();
  await says(page, id, "Idle");
}

/** The chats in the order in which they are seen. @param {Page} page @returns {Promise<(string | undefined)[]>} */
export const inOrder = (page) =>
  page.$$eval("[role=option]", (rows) => {
    const all = /** @type {HTMLElement[]} */ (rows).toSorted((a, b) => Number(a.ariaPosInSet) - Number(b.ariaPosInSet));
    return all.map((each) => each.dataset["chat"]);
  });
