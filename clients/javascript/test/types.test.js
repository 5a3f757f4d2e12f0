/**
 * The declarations that are shipped are those of the code.
 */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
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

/** What a program writes that embeds the client; what is wrong in it has to be seen as wrong. */
const PROGRAM = `
import { connect, PolychatError } from "polychat-client";
import type { ConnectOptions, HostTool, Message, Methods, Part, PromptOutcome, Summary, WorldSettings } from "polychat-client";
import { createStore } from "polychat-client/store";
import { emptyChat } from "polychat-client/fold";
import { connectToMain } from "polychat-client/electron/renderer";

declare const signal: AbortSignal | undefined;
const ways: ConnectOptions[] = [{}, { command: process.env["BIN"] }, { socket: "/s", signal }, { url: "ws://x" }];
const { world } = await connect(ways[0]);
const chat = await world.openChat("ada", { context: { user: 7 } });
const prompt = await chat.prompt("hello", { mode: "steer", signal });
const outcome: PromptOutcome = await prompt.outcome({ signal });
const told: { parts: Part[], of: Message[], in: Summary[], by: WorldSettings } = { parts: [], of: [], in: [], by: await world.settings() };
told.of satisfies Methods["messages/list"]["result"]["messages"];
if (outcome.kind === "failed") outcome.failure.retryable satisfies boolean;
for await (const { event, cursor } of chat.events({ start: "now" })) {
  if (event.type === "message.chunk") event.text satisfies string;
  if (event.type !== "ended") cursor satisfies string | undefined;
}
const tool: HostTool = { name: "t", run: ({ path }, { context }) => \`\${path} \${context.chat["user"]}\` };
await world.host({ tools: [tool], models: [{ name: "m", async *stream({ messages }) { yield String(messages.length); } }] });
const { busy } = createStore(world).chat("ada").getSnapshot();
busy.kind satisfies string;

// @ts-expect-error
await chat.prompt("hello", { mode: "stear" });
// @ts-expect-error
await chat.prompt("hello", { chatId: "bob" });
// @ts-expect-error
await connect({ sokcet: "/s" });
// @ts-expect-error
await connect({ socket: "/s", restart: true });
// @ts-expect-error
await world.host({ tool: [tool] });
// @ts-expect-error
await world.host({ tools: [{ name: "t" }] });
`;

test("a program in TypeScript is understood, however it resolves modules, without leaving declarations unread", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "polychat-program-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "node_modules"));
  await symlink(ROOT, join(folder, "node_modules", "polychat-client"), "junction");
  await writeFile(join(folder, "program.mts"), PROGRAM);
  const types = ["--types", "node", "--typeRoots", join(ROOT, "node_modules", "@types")];
  const strictly = ["--ignoreConfig", "--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "false", "--noEmit", "--target", "ES2022"];
  for (const way of [["node16", "node16"], ["bundler", "esnext"]]) {
    const modules = ["--moduleResolution", String(way[0]), "--module", String(way[1])];
    const said = await compile(...strictly, ...types, ...modules, join(folder, "program.mts"));
    assert.equal(said, "", way[0]);
  }
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

test("bundlers are told of the file that is loaded for what it does, and of no other", async () => {
  const { exports, sideEffects } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  const files = Object.values(exports).flatMap((entry) => entry.default ?? []);
  const exporting = /^export |^module\.exports|^exports\./m;
  const texts = await Promise.all(files.map((file) => readFile(join(ROOT, file), "utf8")));
  assert.deepEqual(files.filter((_, at) => !exporting.test(texts[at] ?? "")), sideEffects);
});
