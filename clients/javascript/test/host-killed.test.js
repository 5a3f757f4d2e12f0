/**
 * A program of its own process that brings a model and two tools, serves many chats, and is killed.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { polychat } from "../testkit/binary.js";
import { connectRetrying, serveSocket } from "../testkit/served.js";

/** @typedef {import("../src/index.js").Chat} Chat */

const { path: command, skip } = polychat();
const PROGRAM = fileURLToPath(new URL("../testkit/host-program.js", import.meta.url));
const CHATS = 100;

/** A running host; resolves once the world has taken what it brings. @param {string} socket */
async function hostProgram(socket) {
  const child = spawn(process.execPath, [PROGRAM, socket], { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = await once(child.stdout.setEncoding("utf8"), "data");
  assert.equal(said, "ready\n");
  return child;
}

/** Resolves once a chat's answer has been begun, up to this. @param {Chat} chat @param {string} text */
async function shown(chat, text) {
  let all = "";
  for await (const { event } of chat.events()) {
    if (event.type === "message.start") all = "";
    if (event.type === "message.chunk") all += event.text;
    if (all.endsWith(text)) return;
  }
}

// REQ-4, REQ-11, law 3, law 6
test("a host serves a hundred chats at once; killed, its calls end and all else goes on", { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "polychat-"));
  t.after(() => rm(folder, { recursive: true }));
  const socket = join(folder, "run", "s");
  const server = await serveSocket(command, socket, ["--memory"]);
  t.after(() => server.kill("SIGKILL"));
  const connection = await connectRetrying({ socket });
  t.after(() => connection.close());
  const { world } = connection;
  let host = await hostProgram(socket);
  t.after(() => host.kill("SIGKILL"));

  await world.putAgent({ name: "own", model: "own", params: {}, tools: { kind: "all" } });
  const ids = Array.from({ length: CHATS }, (_, n) => `own-${n}`);
  const chats = await Promise.all(ids.map((id) => world.openChat(id, { agent: "own" })));
  const others = await Promise.all([1, 2, 3, 4, 5].map((n) => world.openChat(`demo-${n}`)));

  const served = await Promise.all(chats.map((chat) => chat.prompt(`/tools ${chat.id}x`)));
  assert.deepEqual(
    await Promise.all(served.map((prompt) => prompt.answer())),
    ids.map((id) => `I heard ${id.toUpperCase()}X! and ${id.length + 1}`),
  );

  const begun = await Promise.all(chats.map((chat) => chat.prompt("tell me more")));
  const elsewhere = await Promise.all(others.map((chat) => chat.prompt("/long 60")));
  await Promise.all(chats.map((chat) => shown(chat, "one two three ")));
  host.kill("SIGKILL");
  for (const [n, outcome] of (await Promise.all(begun.map((prompt) => prompt.outcome()))).entries()) {
    assert.equal(outcome.kind, "failed", ids[n]);
    assert.equal(outcome.kind === "failed" && outcome.failure.kind, "host_gone", ids[n]);
  }
  // What was shown until then is kept.
  assert.deepEqual(await Promise.all(begun.map((prompt) => prompt.answer())), ids.map(() => "one two three "));
  for (const prompt of elsewhere) {
    assert.deepEqual(await prompt.outcome(), { kind: "completed" });
    assert.equal((await prompt.answer()).split(" ").length, 60);
  }
  assert.equal(connection.state, "open");

  // Without its host a model is unavailable, with a typed error, until it is there again.
  const [first] = chats;
  assert.ok(first);
  const without = await (await first.prompt("/tools again")).outcome();
  assert.equal(without.kind === "failed" && without.failure.kind, "host_gone");
  host = await hostProgram(socket);
  assert.equal(await (await first.prompt("/tools again")).answer(), "I heard AGAIN! and 5");
  assert.equal(connection.rejected, 0);
});
