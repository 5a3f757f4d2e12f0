/**
 * What the page costs while many chats work, beside the same page while none does; by hand, and judged by nobody.
 *
 *     npm run measure -- [--seconds 30] [--streams 20]
 *
 * A program beside it brings the model: each stream says a word at a time, on time, until all are told to end; then each
 * answer that the page holds must be the one that was said. Needs `npm ci` in `clients/javascript` too.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

import { launch, openPage } from "./browser.mjs";
import { cpuSeconds, framesOf, heapOf, inside, renderers, residentMb } from "./gauges.mjs";
import { goTo } from "./pane.mjs";
import { PROGRAM, serving } from "./server.mjs";
import { showStore } from "./signals.mjs";
import { Speaker } from "./speaker.mjs";

/** @import { Browser, Page } from "playwright-core" */

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "30" }, streams: { type: "string", default: "20" }, chats: { type: "string", default: "100" },
    messages: { type: "string", default: "5000" } },
});
const [seconds, streams, chats, messages] = [values.seconds, values.streams, values.chats, values.messages].map(Number);
const WORDS_PER_SECOND = 50;

/** @typedef {{ browser: Browser, page: Page, server: Awaited<ReturnType<typeof serving>> }} Bench */

/** One stretch of time, watched from all sides. @param {Bench} bench @param {number} length in seconds */
async function watched({ browser, page, server }, length) {
  const [pid] = await renderers(browser);
  const before = { heap: await heapOf(page), page: cpuSeconds(pid), server: cpuSeconds(server.pid()) };
  const frames = await framesOf(page, length * 1000);
  const heap = await heapOf(page);
  return {
    ...frames,
    "CPU of the page, of one core": `${(((cpuSeconds(pid) - before.page) / length) * 100).toFixed(0)} %`,
    "CPU of the server": `${(((cpuSeconds(server.pid()) - before.server) / length) * 100).toFixed(0)} %`,
    "heap before, after, after a collection": `${before.heap} MB, ${heap} MB, ${await heapOf(page, { collect: true })} MB`,
    "memory of the page's process": `${residentMb(pid)} MB`,
  };
}

/** A page that draws nothing: what this machine makes of frames. @param {Browser} browser @param {string} url */
async function floor(browser, url) {
  const { page } = await openPage(browser, `${url}icon.svg`);
  const frames = await framesOf(page, 5000);
  await page.context().close();
  return frames;
}

/** @param {Bench} bench @param {Speaker} speaker */
async function manyChats(bench, speaker) {
  const { page } = bench;
  const ids = Array.from({ length: chats ?? 0 }, (_, n) => `chat ${n}`);
  for (const id of ids) await speaker.answered(id, ["a short question"]);
  const speaking = ids.slice(0, streams);
  await goTo(page, speaking[0] ?? "");
  const rest = await watched(bench, 10);
  const ends = await Promise.all(speaking.map((id) => speaker.begin(id)));
  await page.waitForFunction((all) => {
    const { store } = /** @type {any} */ (globalThis);
    return all.every((id) => store.chat(id).getSnapshot().busy.step === "writing");
  }, speaking);
  const began = speaker.words;
  const work = await watched(bench, seconds ?? 0);
  const rate = (speaker.words - began) / (seconds ?? 1) / speaking.length;
  speaker.end();
  await Promise.all(ends.map((prompt) => prompt.outcome()));
  for (const id of speaking) assert.equal(await lastAnswer(page, id), speaker.said.get(id), `${id}: not what was said`);
  return { rest, work: { ...work, "words a second, each stream": rate.toFixed(1), "words that came": `all ${speaker.words}` } };
}

/** The last answer of a chat as the page holds it, once its turn has ended there. @param {Page} page @param {string} id */
async function lastAnswer(page, id) {
  await page.waitForFunction((chatId) => /** @type {any} */ (globalThis).store.chat(chatId).getSnapshot().chat.turn === null, id);
  return await page.evaluate((chatId) => /** @type {any} */ (globalThis).store.chat(chatId).getSnapshot().chat.history.at(-1).text, id);
}

/** Opens a long chat that the page has followed, and the page itself at it and at a short one. @param {Bench} bench @param {Speaker} speaker */
async function longChat({ page }, speaker) {
  const count = (messages ?? 0) / 2;
  await speaker.answered("long", Array.from({ length: count }, (_, n) => `question ${n}`));
  const last = `an answer to question ${count - 1}`;
  await goTo(page, `chat ${(chats ?? 0) - 1}`);
  await page.reload();
  const short = await inside(page, null, "an answer to a short question");
  await goTo(page, "long");
  await page.reload();
  const long = await inside(page, null, last);
  await goTo(page, "chat 0");
  const opened = await inside(page, "long", last);
  const drawn = await page.evaluate(() => ({
    rows: document.querySelectorAll("#main [data-key]").length, elements: document.querySelectorAll("#main *").length,
  }));
  return {
    "the page loaded at a short chat": `${short} ms`, "the page loaded at this one, until its end is drawn": `${long} ms`,
    "opened in the page, which has read it": `${opened} ms`, "rows drawn": drawn.rows, "elements drawn": drawn.elements,
    "heap after a collection": `${await heapOf(page, { collect: true })} MB`,
  };
}

// A person sends fewer prompts than it takes to make a long chat.
const config = join(await mkdtemp(join(tmpdir(), "polychat-measure-")), "polychat.toml");
await writeFile(config, "[serve.limits]\nprompts_per_minute_max = 1000000\n");
const server = await serving({ args: ["--memory", "--config", config] });
const browser = await launch();
const speaker = await Speaker.at(server.url, WORDS_PER_SECOND);
try {
  console.log(`${PROGRAM}; Chromium ${browser.version()}; load ${loadavg().map((load) => load.toFixed(1)).join(" ")}`);
  const { page, faults } = await openPage(browser, server.url, {}, showStore);
  page.setDefaultTimeout(60_000);
  await page.waitForSelector(".desk");
  const bench = { browser, page, server };
  console.table({ "a page that draws nothing": await floor(browser, server.url) });
  const { rest, work } = await manyChats(bench, speaker);
  console.log(`${chats} chats, none of them at work`, rest);
  console.log(`${chats} chats, ${streams} of them streaming`, work);
  console.log(`a chat of ${messages} messages`, await longChat(bench, speaker));
  console.log(`load ${loadavg().map((load) => load.toFixed(1)).join(" ")}`);
  assert.deepEqual(faults, []);
} finally {
  await speaker.close();
  await browser.close();
  await server.close();
  await rm(dirname(config), { recursive: true });
}
