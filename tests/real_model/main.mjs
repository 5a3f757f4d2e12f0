/**
 * Several chats at once on a real language model, through the public client and in the desk.
 *
 * `run` starts the model's server and `polychat serve` before it. The model is small, and says what it
 * likes: nothing here depends on a word of it, but on what streams, what overlaps, and what the model's
 * server says of its slots.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, afterEach, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { connect } from "../../clients/javascript/src/index.js";
import { launch, missing, openPage } from "../../crates/server/desk/tools/browser.mjs";
import { Arrivals } from "./arrivals.mjs";

/** @import { Chat } from "../../clients/javascript/src/index.js" */

/** As many answers as the model's server writes at once, and turns as the world lets run. */
const PLACES = 4;
/** How long the answers of the agent `brief` are, as `run` configures it. */
const BRIEF_TOKENS = 120;
/** What is seen as going on: more pieces than are ever under way at once without it. */
const GOES_ON = 10;
/** How long a state outside of the chats may take to come. */
const WAIT_MS = 30_000;

const modelUrl = String(process.env["MODEL_URL"]);
const link = new URL(String(process.env["POLYCHAT_LINK"]));
// Node has no WebSockets of its own before version 22; the tests of the client bring some.
const { WebSocket } = createRequire(new URL("../../clients/javascript/package.json", import.meta.url))("undici");
const token = link.searchParams.get("token") ?? "";
const connection = await connect({ url: `${link.origin}/v1/worlds/home`, token, WebSocket });
const { world } = connection;
const arrivals = new Arrivals();
/** What was measured, by name; printed at the end, and judged by nobody. @type {Record<string, string>} */
const figures = {};

/** The chats of the test that runs. @type {Chat[]} */
let open = [];

afterEach(async () => {
  await Promise.all(open.map((chat) => chat.close()));
  open = [];
  await busySlotsAre(0);
});

after(async () => {
  await connection.close();
  console.table(figures);
});

/** New chats that are listened to. @param {string[]} ids @param {string} [agent] */
async function opened(ids, agent = "endless") {
  const chats = await Promise.all(ids.map((id) => world.openChat(id, { agent })));
  chats.forEach((chat) => arrivals.follow(chat));
  open.push(...chats);
  return chats;
}

/** As many chats as there are places, each with an answer under way that does not end. @param {string} name */
async function allPlacesTaken(name) {
  const chats = await opened(Array.from({ length: PLACES }, (_, at) => `${name} ${at + 1}`));
  const prompts = await Promise.all(chats.map((chat) => chat.prompt("Tell me a long story.")));
  await goOn(chats);
  return { chats, prompts };
}

/** Waits until the answer of each of these chats has grown. @param {Chat[]} chats */
async function goOn(chats) {
  const enough = chats.map(({ id }) => ({ id, count: arrivals.pieces(id).length + GOES_ON }));
  const names = chats.map(({ id }) => id).join(", ");
  await arrivals.until(`each goes on: ${names}`, () => enough.every(({ id, count }) => arrivals.pieces(id).length >= count));
}

/** How many answers the model's server writes. @returns {Promise<number>} */
async function busySlots() {
  const answer = await fetch(`${modelUrl}/slots`, { signal: AbortSignal.timeout(WAIT_MS) });
  assert.ok(answer.ok, `the model's server says ${answer.status}`);
  /** @type {{ is_processing: boolean }[]} */
  const slots = await answer.json();
  return slots.filter((slot) => slot.is_processing).length;
}

/** Asks until so many are busy. @param {number} count */
async function busySlotsAre(count) {
  const giveUpMs = performance.now() + WAIT_MS;
  for (;;) {
    const busy = await busySlots();
    if (busy === count) return;
    if (performance.now() > giveUpMs) throw new Error(`${busy} slots of the model are busy, and not ${count}`);
    // Whoever asks it without a pause keeps the model's server from looking who has gone.
    await pause(20);
  }
}

/** How many pieces of the one came between the first and the last of the other. @param {string} one @param {string} other */
function within(one, other) {
  const places = arrivals.pieces(other).map(({ place }) => place);
  const [first = Infinity, last = -Infinity] = [places.at(0), places.at(-1)];
  return arrivals.pieces(one).filter(({ place }) => first < place && place < last).length;
}

/** What was recorded as answers of a chat. @param {string} id */
function answers(id) {
  return arrivals.of(id).flatMap((event) => (event.type === "message.end" ? [event] : []));
}

// REQ-1, REQ-3, REQ-15
test("four chats are answered at the same time, each piece by piece in its own stream", async () => {
  const chats = await opened(["ada", "bob", "eve", "kim"], "brief");
  const prompts = await Promise.all(chats.map((chat) => chat.prompt(`I am ${chat.id}. What do you know about trees?`)));
  const outcomes = await Promise.all(prompts.map((prompt) => prompt.outcome()));
  assert.deepEqual(outcomes, chats.map(() => ({ kind: "completed" })));
  await arrivals.until("each has its end", () => chats.every(({ id }) => answers(id).length === 1));
  const ids = chats.map(({ id }) => id);
  const overlaps = ids.flatMap((one) => ids.filter((other) => other !== one).map((other) => within(one, other)));
  assert.ok(Math.min(...overlaps) >= GOES_ON, `pieces of one within another: ${overlaps}`);
  figures["pieces of one answer within another"] = `${Math.min(...overlaps)} to ${Math.max(...overlaps)}`;
  for (const id of ids) {
    const [message] = answers(id);
    const pieces = arrivals.pieces(id);
    assert.equal(pieces.map(({ text }) => text).join(""), message?.text);
    assert.equal(message?.finish, "length");
    const [first, last] = [pieces.at(0)?.atMs ?? 0, pieces.at(-1)?.atMs ?? 0];
    const tokens = message?.usage?.outputTokens ?? 0;
    assert.equal(tokens, BRIEF_TOKENS);
    figures[`tokens per second of ${id}`] = ((tokens / (last - first)) * 1000).toFixed(1);
  }
});

// REQ-2
test("the next answer of a chat is given to all that was said in it, and to nothing else", async () => {
  const [once, twice] = await opened(["once", "twice"], "brief");
  assert.ok(once && twice);
  const read = async (/** @type {Chat} */ chat) => {
    const known = answers(chat.id).length;
    await chat.prompt("Go on.");
    await arrivals.until("it is answered", () => answers(chat.id).length > known);
    return answers(chat.id).at(-1)?.usage?.inputTokens ?? 0;
  };
  const first = await read(twice);
  const [alone, again] = await Promise.all([read(once), read(twice)]);
  assert.equal(alone, first);
  // The answer before, and the question again with what marks who speaks.
  assert.ok(again > first + BRIEF_TOKENS && again <= 2 * first + BRIEF_TOKENS, `read ${first} tokens, then ${again}`);
});

// REQ-7, REQ-12
test("stop frees the model's slot at once, and the other answers go on", async () => {
  const { chats, prompts } = await allPlacesTaken("stopped");
  assert.equal(await busySlots(), PLACES);
  const [first, ...others] = chats;
  assert.ok(first);
  const beganMs = performance.now();
  await first.cancel();
  assert.deepEqual(await prompts[0]?.outcome(), { kind: "cancelled" });
  await busySlotsAre(PLACES - 1);
  figures["from stop to the freed slot, in milliseconds"] = (performance.now() - beganMs).toFixed(0);
  await goOn(others);
  // Nothing of it comes after its end.
  assert.equal(arrivals.of(first.id).at(-1)?.type, "turn.ended");
});

// REQ-8, NFR-3
test("a fifth chat waits for a place and says so, and runs when one of the four ends", async () => {
  const { chats, prompts } = await allPlacesTaken("before it");
  const [fifth] = await opened(["the fifth"], "brief");
  assert.ok(fifth);
  const prompt = await fifth.prompt("What do you know about rain?");
  await goOn(chats);
  const { status } = await fifth.snapshot();
  assert.deepEqual({ kind: status.kind, turnId: status.turnId, queued: status.queued }, { kind: "running", turnId: undefined, queued: 1 });
  assert.equal((await prompt.state()).state, "queued");
  assert.equal(arrivals.pieces(fifth.id).length, 0);
  const beganMs = performance.now();
  await chats[0]?.cancel();
  await arrivals.until("the fifth is answered", () => arrivals.pieces(fifth.id).length > 0);
  figures["from stop to the first word of the fifth, in milliseconds"] = (performance.now() - beganMs).toFixed(0);
  assert.equal(await busySlots(), PLACES);
  assert.deepEqual(await prompt.outcome(), { kind: "completed" });
  const states = await Promise.all(prompts.map((each) => each.state()));
  assert.deepEqual(states.map(({ state }) => state), ["ended", "running", "running", "running"]);
});

// REQ-11
test("what the model cannot hold fails in its own chat with the model's reason, and another goes on", async () => {
  const [long, other] = await opened(["too long", "beside it"]);
  assert.ok(long && other);
  await other.prompt("Tell me a long story.");
  await goOn([other]);
  const outcome = await (await long.prompt("tree ".repeat(5000))).outcome();
  assert.equal(outcome.kind, "failed");
  const { failure } = /** @type {Extract<typeof outcome, { kind: "failed" }>} */ (outcome);
  assert.equal(failure.kind, "model_refused");
  assert.equal(failure.retryable, false);
  assert.match(failure.message, /context/);
  await goOn([other]);
});

// NFR-3, REQ-8
test("the desk shows four chats that write at once, and a fifth that waits", { skip: missing() }, async (context) => {
  const { chats } = await allPlacesTaken("on the desk");
  const [fifth] = await opened(["not yet"]);
  await fifth?.prompt("Tell me a long story.");
  const browser = await launch();
  context.after(() => browser.close());
  const { page, faults } = await openPage(browser, link.href);
  page.setDefaultTimeout(WAIT_MS);
  const shows = (/** @type {string[]} */ ids, /** @type {string} */ signal) =>
    page.waitForFunction(
      ([rows, text]) => rows.every((id) => document.querySelector(`[data-chat="${id}"] .row-signal`)?.textContent?.startsWith(text)),
      /** @type {const} */ ([ids, signal]),
    );
  const ids = chats.map(({ id }) => id);
  await shows(ids, "Writing");
  await shows(["not yet"], "Waiting for a place");
  await page.click(`[data-chat="${ids[0]}"]`);
  await page.getByRole("button", { name: "Stop" }).click();
  await shows(ids.slice(0, 1), "Stopped");
  await shows(["not yet", ...ids.slice(1)], "Writing");
  assert.deepEqual(faults, []);
});
