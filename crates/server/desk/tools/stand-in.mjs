/**
 * A server for work on the page without a build: its files as they lie here, under the policy that the
 * real server sends, and each WebSocket handed on to one `polychat socket`.
 *
 *     node tools/stand-in.mjs [--port 7788] [--memory]
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";

const DESK = fileURLToPath(new URL("..", import.meta.url));
const BUILT = fileURLToPath(new URL("../../../../target/debug/polychat", import.meta.url));
const SOCKET_PATH = /^\/v1\/worlds\/[^/]+\/socket$/;

/** @type {Readonly<Record<string, string>>} */
const TYPES = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml" };

export const POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
  "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
  "trusted-types dompurify",
].join("; ");

/**
 * @param {{ args?: string[], port?: number, command?: string }} [options] `args` of `polychat socket`
 */
export async function standIn({ args = ["--memory"], port = 0, command = process.env["POLYCHAT_BIN"] ?? BUILT } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "polychat-desk-"));
  const socket = join(folder, "home.sock");
  const child = spawn(command, ["socket", socket, ...args], { stdio: ["ignore", "ignore", "inherit"] });
  await once(child, "spawn");
  const server = createServer((request, response) => void answer(request.url ?? "/", response));
  const upgrades = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, stream, head) => {
    if (!SOCKET_PATH.test(request.url ?? "")) return void stream.destroy();
    upgrades.handleUpgrade(request, stream, head, (ws) => bridge(ws, socket));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: taken } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${taken}/`,
    /** Ends every connection, as a network may. */
    cut: () => upgrades.clients.forEach((ws) => ws.terminate()),
    async close() {
      upgrades.clients.forEach((ws) => ws.terminate());
      server.close();
      if (child.exitCode === null && child.kill()) await once(child, "exit");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** @param {string} url @param {import("node:http").ServerResponse} response */
async function answer(url, response) {
  const path = new URL(url, "http://stand-in").pathname;
  if (/^\/v1\/worlds\/home$/.test(path)) return void response.writeHead(200, { "content-type": "application/json" }).end("{}");
  const name = normalize(path === "/" ? "/index.html" : path);
  const type = TYPES[extname(name)];
  try {
    if (!type) throw new Error("no file of the page");
    const body = await readFile(join(DESK, name));
    response.writeHead(200, { "content-type": type, "content-security-policy": POLICY, "cache-control": "no-store" });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
}

/** One message per frame here, one per line there. @param {import("ws").WebSocket} ws @param {string} path */
function bridge(ws, path) {
  const pipe = connect(path);
  pipe.on("error", () => ws.close(1013));
  pipe.on("close", () => ws.close(1012));
  ws.on("close", () => pipe.destroy());
  ws.on("message", (data) => pipe.write(`${data}\n`));
  const lines = createInterface({ input: pipe });
  lines.on("error", () => {});
  lines.on("line", (line) => ws.readyState === ws.OPEN && ws.send(line));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , ...given] = process.argv;
  const at = given.indexOf("--port");
  const port = at < 0 ? 7788 : Number(given.splice(at, 2)[1]);
  const { url, close } = await standIn({ args: given.length > 0 ? given : ["--memory"], port });
  console.log(url);
  process.once("SIGINT", () => void close());
}
