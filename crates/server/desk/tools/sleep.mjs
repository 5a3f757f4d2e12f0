/**
 * Windows that sleep, as under a lid that was closed: their processes are stopped, whatever they were doing.
 *
 * A browser that draws for nobody does not freeze its pages when it is asked to.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";

import { cpuSeconds, renderers } from "./gauges.mjs";

/** @import { Browser } from "playwright-core" */

/**
 * Puts all windows of a browser to sleep.
 *
 * @param {Browser} browser
 * @returns {Promise<() => void>} wakes them, and fails if they did anything meanwhile
 */
export async function asleep(browser) {
  const pids = await renderers(browser);
  assert.ok(pids.length > 0);
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  while (!pids.every(isStopped)) await turn();
  const used = () => pids.map(cpuSeconds);
  const before = used();
  return () => {
    const now = used();
    for (const pid of pids) process.kill(pid, "SIGCONT");
    assert.deepEqual(now, before);
  };
}

/** Whether all its threads have stopped, which each does in its own time. @param {number} pid */
function isStopped(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.every((id) => readFileSync(`/proc/${pid}/task/${id}/stat`, "utf8").split(") ").at(-1)?.startsWith("T"));
}
