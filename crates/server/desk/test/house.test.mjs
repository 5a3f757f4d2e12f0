/**
 * What the page is made of: kept libraries, copies that equal their sources, and nothing that its policy forbids.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { CLIENT, checksums, clientModules, DESK, filesBelow, LIBRARIES, sha256, VENDOR } from "../tools/vendor.mjs";

const MODULES = join(DESK, "node_modules");

test("the libraries are what their packages publish, and their checksums and versions are right", async () => {
  assert.equal(await readFile(join(VENDOR, "checksums.txt"), "utf8"), await checksums());
  const readme = await readFile(join(VENDOR, "README.md"), "utf8");
  for (const [name, source] of Object.entries(LIBRARIES)) {
    assert.equal(await sha256(join(VENDOR, name)), await sha256(join(MODULES, source)), name);
    const [wanted = ""] = source.split("/");
    const { version } = JSON.parse(await readFile(join(MODULES, wanted, "package.json"), "utf8"));
    // Preact comes within htm's file; only its licence is taken from its package.
    if (wanted !== "preact") assert.ok(readme.includes(version), `${wanted} ${version}`);
  }
});

test("the copied client equals its source, is whole, and nothing else is vendored", async () => {
  const modules = await clientModules();
  const copied = modules.map((name) => `polychat-client/${name}`);
  const there = (await filesBelow(VENDOR)).filter((name) => !name.endsWith(".d.ts"));
  assert.deepEqual(there, [...copied, ...Object.keys(LIBRARIES), "README.md", "checksums.txt"].sort());
  for (const name of modules) {
    const [copy, source] = await Promise.all([join(VENDOR, "polychat-client", name), join(CLIENT, name)].map((path) => readFile(path, "utf8")));
    assert.equal(copy, source, `${name} (npm run vendor copies it)`);
  }
});

/** The files that are ours and that the page loads. */
async function ours() {
  const parts = (await filesBelow(join(DESK, "parts"))).map((name) => `parts/${name}`);
  return await Promise.all(["app.js", ...parts].map(async (name) => ({ name, text: await readFile(join(DESK, name), "utf8") })));
}

test("files stay small: one idea each", async () => {
  for (const { name, text } of await ours()) assert.ok(text.split("\n").length <= 300, name);
});

test("every import is a path to a file that is there: no build step, no bare names", async () => {
  for (const { name, text } of await ours()) {
    for (const [, target = ""] of text.matchAll(/^(?:import|export)\s[^;]*?from\s+"([^"]+)";/gm)) {
      assert.match(target, /^\.\.?\//, `${name}: ${target}`);
      await readFile(join(DESK, name, "..", target));
    }
  }
});

test("markup from text is made in one place, and neither scripts nor styles stand inline", async () => {
  for (const { name, text } of await ours()) {
    if (name !== "parts/markdown.js") assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|DOMParser|document\.write/, name);
    assert.doesNotMatch(text, /\beval\(|new Function\(|style="|setAttribute\("style"/, name);
  }
  const page = await readFile(join(DESK, "index.html"), "utf8");
  assert.doesNotMatch(page, /<style|style=|<script(?![^>]*src=)|\son\w+=/);
});

test("which chat is selected is kept by the store alone", async () => {
  // REQ-14
  for (const { name, text } of await ours()) assert.doesNotMatch(text, /(?:selected|current)Chat/i, name);
});

test("only the head and the pane of the open chat read a chat, and what changes one is given its id", async () => {
  // REQ-5, REQ-6; the list reads rows, which the store makes of all chats
  const reads = (await ours()).filter(({ text }) => /store\.chat\(/.test(text)).map(({ name }) => name);
  // `frame.js` asks whether the chat that is open was used, before it makes another; `actions.js` sends.
  assert.deepEqual(reads.toSorted(), ["actions", "chat", "frame", "header"].map((name) => `parts/${name}.js`));
});

test("types are sound, strictly", async () => {
  const tsc = join(MODULES, "typescript/bin/tsc");
  await promisify(execFile)(process.execPath, [tsc, "-p", "tsconfig.json"], { cwd: DESK });
});

test("the lock names no place", async () => {
  assert.doesNotMatch(await readFile(join(DESK, "package-lock.json"), "utf8"), /"resolved"/);
});
