/**
 * Copies into `vendor/` what the page is made of beside its own parts, and writes `checksums.txt`.
 *
 * The libraries are the files that their packages publish, unchanged; the client is as much of
 * `clients/javascript/src` as the page loads. `test/vendor.test.mjs` holds the copies to their sources.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const DESK = fileURLToPath(new URL("..", import.meta.url));
export const VENDOR = join(DESK, "vendor");
const MODULES = join(DESK, "node_modules");
export const CLIENT = join(DESK, "../../../clients/javascript/src");

/** Each file, and which file of which package it is. @type {Readonly<Record<string, string>>} */
export const LIBRARIES = Object.freeze({
  "htm-preact/standalone.module.js": "htm/preact/standalone.module.js",
  "htm-preact/LICENSE-htm": "htm/LICENSE",
  "htm-preact/LICENSE-preact": "preact/LICENSE",
  "marked/marked.esm.js": "marked/lib/marked.esm.js",
  "marked/LICENSE": "marked/LICENSE",
  "dompurify/purify.es.js": "dompurify/dist/purify.es.mjs",
  "dompurify/LICENSE": "dompurify/LICENSE",
});

/** What the page loads of the client; each brings what it imports. */
const ENTRIES = ["index.js", "store.js", "transport/websocket.js"];

/** What is imported as the module loads: not what is named for its types alone, or loaded only where there is Node. */
const STATIC_IMPORT = /^(?:import|export)\s[^;]*?from\s+"(\.[^"]+)";/gm;

/**
 * The modules of the client that a browser loads, as paths within its `src`.
 *
 * @returns {Promise<string[]>}
 */
export async function clientModules() {
  /** @type {Set<string>} */
  const found = new Set(ENTRIES);
  for (const name of found) {
    const text = await readFile(join(CLIENT, name), "utf8");
    for (const [, target] of text.matchAll(STATIC_IMPORT)) {
      found.add(join(dirname(name), /** @type {string} */ (target)));
    }
  }
  return [...found].sort();
}

/** All files below a folder, as paths within it. @param {string} folder @returns {Promise<string[]>} */
export async function filesBelow(folder) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => relative(folder, join(entry.parentPath, entry.name))).sort();
}

/** @param {string} path @returns {Promise<string>} */
export async function sha256(path) {
  return createHash("sha256").update(await readFile(path)).digest("hex");
}

/** What `checksums.txt` is to say; `sha256sum --check` understands it. @returns {Promise<string>} */
export async function checksums() {
  const lines = Object.keys(LIBRARIES)
    .sort()
    .map(async (name) => `${await sha256(join(VENDOR, name))}  ${name}\n`);
  return (await Promise.all(lines)).join("");
}

async function copyAll() {
  for (const [name, source] of Object.entries(LIBRARIES)) {
    await mkdir(dirname(join(VENDOR, name)), { recursive: true });
    await cp(join(MODULES, source), join(VENDOR, name));
  }
  await rm(join(VENDOR, "polychat-client"), { recursive: true, force: true });
  for (const name of await clientModules()) {
    const target = join(VENDOR, "polychat-client", name);
    await mkdir(dirname(target), { recursive: true });
    await cp(join(CLIENT, name), target);
    const types = relative(dirname(target), join(CLIENT, "../types/src", name));
    await writeFile(target.replace(/\.js$/, ".d.ts"), `// The copy has the types of its source.\nexport * from "${types}";\n`);
  }
  await writeFile(join(VENDOR, "checksums.txt"), await checksums());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await copyAll();
