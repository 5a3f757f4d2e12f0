/**
 * What is read off a page and its process: frames, long tasks, memory, processor time.
 *
 * @module
 */

import { readFileSync } from "node:fs";

/** @import { Browser, Page } from "playwright-core" */

/**
 * The frames of a stretch of time, and the tasks that kept them waiting.
 *
 * @param {Page} page
 * @param {number} ms
 */
export async function framesOf(page, ms) {
  const { gaps, tasks } = await page.evaluate(async (length) => {
    /** @type {number[]} */
    const found = [];
    /** @type {number[]} */
    const long = [];
    const observer = new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => long.push(duration)));
    observer.observe({ type: "longtask" });
    const began = performance.now();
    await new Promise((done) => {
      let before = began;
      const frame = (/** @type {number} */ at) => {
        found.push(at - before);
        before = at;
        if (at - began < length) requestAnimationFrame(frame);
        else done(undefined);
      };
      requestAnimationFrame(frame);
    });
    observer.disconnect();
    return { gaps: found.slice(1), tasks: long };
  }, ms);
  const sorted = gaps.toSorted((a, b) => a - b);
  const at = (/** @type {number} */ part) => `${(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1)} ms`;
  const sum = tasks.reduce((all, task) => all + task, 0);
  return {
    frames: gaps.length,
    "between frames: median, p95, p99, worst": `${at(0.5)}, ${at(0.95)}, ${at(0.99)}, ${at(1)}`,
    "long tasks: count, sum, longest": `${tasks.length}, ${sum.toFixed(0)} ms, ${Math.max(0, ...tasks).toFixed(0)} ms`,
  };
}

/** The JavaScript heap that is in use, in megabytes. @param {Page} page @param {{ collect?: boolean }} [options] */
export async function heapOf(page, { collect = false } = {}) {
  const session = await page.context().newCDPSession(page);
  if (collect) await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return (usedSize / 1e6).toFixed(1);
}

/** The processes that draw pages, the one that has worked most first. @param {Browser} browser @returns {Promise<number[]>} */
export async function renderers(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const found = processInfo.filter(({ type }) => type === "renderer").toSorted((a, b) => b.cpuTime - a.cpuTime);
  return found.map(({ id }) => id);
}

/** The processor time that a process has used. @param {number | undefined} pid */
export function cpuSeconds(pid) {
  // The name of the program stands in brackets and may hold anything.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The memory that a process holds. @param {number | undefined} pid */
export function residentMb(pid) {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kilobytes) / 1000);
}

/**
 * Milliseconds until a text stands in the open chat and was drawn: from opening the chat, or from the beginning of the page.
 *
 * @param {Page} page
 * @param {string | null} id
 * @param {string} text
 */
export async function inside(page, id, text) {
  return await page.evaluate(async ([chatId, wanted]) => {
    const began = chatId === null ? 0 : performance.now();
    if (chatId !== null) location.hash = `#/home/${encodeURIComponent(chatId)}`;
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    while (!document.querySelector("#main")?.textContent?.includes(wanted)) await frame();
    await frame();
    return Math.round(performance.now() - began);
  }, /** @type {const} */ ([id, text]));
}
