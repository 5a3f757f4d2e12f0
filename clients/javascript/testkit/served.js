/**
 * The real program, serving a socket.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "../src/index.js";

/**
 * Starts the program; resolves once it runs, which may be before it can be reached.
 *
 * @param {string} command
 * @param {string} path
 * @param {string[]} args
 */
export async function serveSocket(command, path, args) {
  const child = spawn(command, ["socket", path, ...args], { stdio: "ignore" });
  await once(child, "spawn");
  return child;
}

/**
 * Connects to a server that may not listen yet; tries for as long as the test may take.
 *
 * @param {import("../src/index.js").ConnectOptions} options
 */
export async function connectRetrying(options) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await connect(options);
    } catch (error) {
      if (tries === 600) throw error;
      await pause(50);
    }
  }
}
