/**
 * The real server for tests in a browser: `polychat serve`, behind a line that a test can cut.
 *
 * The page talks to the line, which hands on bytes and nothing else: so the address stays the same when the server
 * is killed and started again, whatever port it gets.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** @import { ChildProcess } from "node:child_process" */
/** @import { AddressInfo, Socket } from "node:net" */

const BUILT = fileURLToPath(new URL("../../../../target/debug/polychat", import.meta.url));

/** The program that is tested. */
export const PROGRAM = process.env["POLYCHAT_BIN"] || BUILT;

/** @typedef {{ child: ChildProcess, port: number, path: string }} Serving a server, and where its link leads */

/**
 * Starts it, until it has printed its link.
 *
 * @param {readonly string[]} args of `polychat serve`
 * @returns {Promise<Serving>}
 */
export async function serve(args) {
  const child = spawn(PROGRAM, ["serve", "--listen", "127.0.0.1:0", ...args], {
    stdio: ["ignore", "pipe", process.env["POLYCHAT_LOG"] ? "inherit" : "ignore"],
  });
  // Whoever ends this program early leaves no server behind.
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  const lines = createInterface({ input: child.stdout });
  const [link] = await Promise.race([once(lines, "line"), once(child, "exit").then(() => [])]);
  const url = URL.canParse(String(link)) ? new URL(String(link)) : null;
  if (!url?.port) throw new Error(`polychat serve printed no link: ${link}`);
  return { child, port: Number(url.port), path: `${url.pathname}${url.search}` };
}

/** @param {ChildProcess} child @param {NodeJS.Signals} signal */
export async function ended(child, signal) {
  if (child.exitCode === null && child.signalCode === null && child.kill(signal)) await once(child, "exit");
}

/**
 * A server behind a line.
 *
 * @param {{ args?: readonly string[], auth?: boolean }} [options] with `auth` it lets nobody in without the token of its `link`
 */
export async function serving({ args = ["--memory"], auth = false } = {}) {
  const given = auth ? args : ["--no-auth", ...args];
  let server = await serve(given);
  /** @type {Set<Socket>} */
  const open = new Set();
  const line = createServer((near) => {
    const far = connect(server.port, "127.0.0.1");
    for (const [one, other] of /** @type {const} */ ([[near, far], [far, near]])) {
      open.add(one);
      one.setNoDelay(true);
      one.on("error", () => {});
      one.on("close", () => (open.delete(one), other.destroy()));
      one.pipe(other);
    }
  });
  line.listen(0, "127.0.0.1");
  await once(line, "listening");
  const { port } = /** @type {AddressInfo} */ (line.address());
  const cut = () => open.forEach((socket) => socket.destroy());
  return {
    url: `http://127.0.0.1:${port}/`,
    /** What the server printed, and leads to the page. */
    link: () => `http://127.0.0.1:${port}${server.path}`,
    pid: () => server.child.pid,
    /** Ends every connection, as a network may. */
    cut,
    /** Ends the server as a loss of power would. */
    kill: () => ended(server.child, "SIGKILL"),
    /** Starts it again. */
    async start() {
      server = await serve(given);
    },
    async close() {
      line.close();
      cut();
      await ended(server.child, "SIGTERM");
    },
  };
}
