/**
 * The real program, serving HTTP.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/**
 * Starts the program on a free port; resolves once it can be reached.
 *
 * @param {string} command
 * @param {string[]} args
 */
export async function serveHttp(command, args) {
  const child = spawn(command, ["serve", "--memory", "--listen", "127.0.0.1:0", ...args], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([
    once(lines, "line"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`the program ended with ${code}`))),
  ]);
  const link = new URL(String(line).trim());
  return {
    child,
    port: Number(link.port),
    /** The world that is there without being asked for. */
    url: `${link.origin}/v1/worlds/home`,
    /** Who comes by the link. */
    token: link.searchParams.get("token") ?? undefined,
  };
}
