/**
 * The declarations that are shipped are those of the code.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TSC = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");

/** @param {string[]} args @returns {Promise<string>} what the compiler says; nothing when all is well */
async function compile(...args) {
  const compiling = promisify(execFile)(process.execPath, [TSC, ...args], { cwd: ROOT });
  return await compiling.then(({ stdout }) => stdout, ({ stdout, message }) => stdout || message);
}

/** All files below a folder, by their paths from there. @param {string} folder */
async function contents(folder) {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const read = files.map(async (file) => /** @type {const} */ ([file.slice(folder.length), await readFile(file, "utf8")]));
  return new Map((await Promise.all(read)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

test("code and tests are sound, strictly", async () => {
  assert.equal(await compile("-p", "tsconfig.test.json"), "");
});

test("the declarations that are shipped are current (npm run types writes them)", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "polychat-types-"));
  t.after(() => rm(folder, { recursive: true }));
  assert.equal(await compile("-p", "tsconfig.json", "--outDir", folder), "");
  const shipped = await contents(join(ROOT, "types"));
  // These are made from the server's own types, and held against them there.
  assert.ok(shipped.delete("/wire.d.ts"));
  assert.deepEqual(shipped, await contents(folder));
});

test("the package takes nothing along, names what it ships, and its lock names no place", async () => {
  const { dependencies, exports } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  assert.equal(dependencies, undefined);
  for (const target of Object.values(exports)) {
    for (const path of typeof target === "string" ? [target] : Object.values(target)) {
      await readFile(join(ROOT, String(path)));
    }
  }
  assert.doesNotMatch(await readFile(join(ROOT, "package-lock.json"), "utf8"), /"resolved"/);
});

test("nothing but the ways to a child and a socket imports anything of Node", async () => {
  const all = await contents(join(ROOT, "src"));
  const importing = [...all].filter(([, text]) => /^import .*["']node:/m.test(text) || /^} from ["']node:/m.test(text));
  assert.deepEqual(
    importing.map(([file]) => file),
    ["/transport/binary.js", "/transport/child.js", "/transport/socket.js"],
  );
  // They are loaded only when they are asked for.
  for (const [file, text] of all) {
    assert.doesNotMatch(text, /^import .*transport\/(binary|child|socket)\.js/m, file);
  }
});

test("files stay small: one idea each", async () => {
  for (const folder of ["src", "testkit", "electron"]) {
    for (const [file, text] of await contents(join(ROOT, folder))) {
      assert.ok(text.split("\n").length < 500, `${folder}${file}`);
    }
  }
});
