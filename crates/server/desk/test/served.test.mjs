/**
 * What is tested is what is shipped: the program serves the page that lies here, and its policy is kept.
 */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, missing, openPage } from "../tools/browser.mjs";
import { serving } from "../tools/server.mjs";
import { DESK, filesBelow } from "../tools/vendor.mjs";

/** @import { Browser } from "playwright-core" */

const skip = missing();
/** @type {Browser} */
let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(async () => await browser?.close());

/** @param {string} folder */
const scripts = async (folder) => (await filesBelow(join(DESK, folder))).filter((name) => name.endsWith(".js")).map((name) => `${folder}/${name}`);

test("the program serves the page as it lies here, and nothing that its developers need", { skip }, async (t) => {
  const server = await serving();
  t.after(() => server.close());
  const names = ["index.html", "app.js", "style.css", "chat.css", "icon.svg", ...(await scripts("parts")), ...(await scripts("vendor"))];
  for (const name of names) {
    const response = await fetch(new URL(name === "index.html" ? "/" : name, server.url));
    const isThis = (await response.text()) === (await readFile(join(DESK, name), "utf8"));
    assert.ok(isThis, `${name} is an older one: build the program`);
  }
  for (const name of ["package.json", "tools/vendor.mjs", "test/served.test.mjs", "node_modules/preact/package.json", "../Cargo.toml"]) {
    assert.equal((await fetch(new URL(name, server.url))).status, 404, name);
  }
});

test("what a page does against its policy, and what breaks in it, is seen by these tests", { skip }, async (t) => {
  const server = await serving();
  t.after(() => server.close());
  const { page, faults } = await openPage(browser, server.url);
  t.after(() => page.context().close());
  await page.waitForSelector(".desk");
  assert.deepEqual(faults, []);
  /** What must not work, and what is said of it. @type {readonly [() => unknown, RegExp][]} */
  const attempts = [
    [() => document.body.setAttribute("onclick", "globalThis.pwned = 1"), /policy: require-trusted-types-for/],
    [() => document.body.append(Object.assign(document.createElement("img"), { src: "https://elsewhere.invalid/a.png" })), /policy: img-src/],
    [() => void (document.body.innerHTML += "<p>not sanitised</p>"), /policy: require-trusted-types-for/],
    [() => void fetch("https://elsewhere.invalid/").catch(() => {}), /policy: connect-src/],
  ];
  for (const [attempt, said] of attempts) {
    const heard = page.waitForEvent("console", { predicate: (message) => said.test(message.text()) });
    await Promise.all([heard, page.evaluate(attempt).catch(() => {})]);
    assert.ok(faults.some((fault) => said.test(fault)), String(said));
  }
  const broken = page.waitForEvent("pageerror");
  await page.evaluate(() => void setTimeout(() => { throw new Error("a defect"); }));
  await broken;
  assert.match(faults.at(-1) ?? "", /a defect/);
});
