/**
 * A server that is a child of this process and is spoken to over its standard input and output.
 * For Node only.
 *
 * The child shuts down in order when its input ends, so that is how it is told to.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { streamTransport } from "./streams.js";

/**
 * @typedef {object} ChildOptions
 * @property {string} command
 * @property {string[]} args
 * @property {Record<string, string | undefined> | undefined} env added to this process's own
 * @property {string | undefined} cwd
 * @property {"inherit" | "ignore" | ((text: string) => void)} stderr
 * @property {number} closeMsMax how long a child may take to end before it is killed
 * @property {import("../framing.js").Framing} framing
 * @property {number} frameBytesMax
 * @property {import("../clock.js").Clock} clock
 */

/**
 * Starts the child; resolves once it runs.
 *
 * @param {ChildOptions} options
 * @returns {Promise<import("../peer.js").Transport>}
 */
export function openChild({ command, args, env, cwd, stderr, framing, frameBytesMax, closeMsMax, clock }) {
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", typeof stderr === "function" ? "pipe" : stderr],
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
    windowsHide: true,
  });
  if (typeof stderr === "function") child.stderr?.setEncoding("utf8").on("data", stderr);
  const ended = new Promise((/** @type {(value: void) => void} */ resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const close = async () => {
    child.stdin?.end();
    // Nobody reads any more, and a child that cannot write could not end.
    child.stdout?.resume();
    const spare = clock.after(closeMsMax, () => child.kill("SIGKILL"));
    await ended;
    spare();
  };
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("spawn", () => {
      const { stdout: readable, stdin: writable } = child;
      if (readable === null || writable === null) return reject(new Error("the child has no pipes"));
      resolve(streamTransport({ readable, writable, framing, frameBytesMax, close }));
    });
  });
}
