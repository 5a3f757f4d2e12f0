/**
 * A server that is a child of this process and is spoken to over its standard input and output.
 * For Node only.
 *
 * The child shuts down in order when its input ends, so that is how it is told to.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { whyNotStarted } from "./binary.js";
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

/** How long a child whose pipe has closed is waited for, until it is told that only the pipe has. */
const EXIT_MS = 1_000;

/**
 * Starts the child; resolves once it runs, and rejects as `binary_not_found` where there is no such program.
 *
 * @param {ChildOptions} options
 * @returns {Promise<import("../peer.js").Transport>}
 */
export async function openChild({ command, args, env, cwd, stderr, framing, frameBytesMax, closeMsMax, clock }) {
  const why = (/** @type {unknown} */ error) => whyNotStarted(/** @type {Error} */ (error), { command, cwd });
  /** @type {import("node:child_process").ChildProcess} */
  let child;
  try {
    child = spawn(command, args, {
      stdio: ["pipe", "pipe", typeof stderr === "function" ? "pipe" : stderr],
      env: { ...process.env, ...env },
      ...(cwd !== undefined && { cwd }),
      windowsHide: true,
    });
  } catch (error) {
    // Some of what the system says comes so, and the rest as an event.
    throw why(error);
  }
  if (typeof stderr === "function") child.stderr?.setEncoding("utf8").on("data", stderr);
  /** @type {Promise<Error | undefined>} */
  const ended = new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(endOf(command, code, signal)));
    child.once("error", () => resolve(undefined));
  });
  const close = async () => {
    child.stdin?.end();
    // Nobody reads any more, and a child that cannot write could not end.
    child.stdout?.resume();
    const spare = clock.after(closeMsMax, () => child.kill("SIGKILL"));
    await ended;
    spare();
  };
  // A pipe that has closed says little; the end of the child, which comes with it, says more.
  const tell = (/** @type {import("../peer.js").TransportHandlers} */ { closed }) => (/** @type {Error | undefined} */ error) => {
    const spare = clock.after(EXIT_MS, () => closed(error));
    void ended.then((end) => (spare(), closed(end ?? error)));
  };
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(why(error)));
    child.once("spawn", () => {
      const { stdout: readable, stdin: writable } = child;
      if (readable === null || writable === null) return reject(new Error("the child has no pipes"));
      const pipes = streamTransport({ readable, writable, framing, frameBytesMax, close });
      resolve({ ...pipes, start: (handlers) => pipes.start({ ...handlers, closed: tell(handlers) }) });
    });
  });
}

/** @param {string} command @param {number | null} code @param {string | null} signal */
function endOf(command, code, signal) {
  const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
  return new Error(`${command} ${how}; what it had to say is on its standard error`);
}
