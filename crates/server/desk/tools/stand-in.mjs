/**
 * A server for work on the page without a build: its files as they lie here, under the policy that the
 * real server sends, and everything else handed on to one `polychat serve`.
 *
 *     node tools/stand-in.mjs [--port 7788] [--memory]
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, request as ask } from "node:http";
import { connect } from "node:net";
import { extname, join, normalize } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** @import { IncomingMessage, ServerResponse } from "node:http" */
/** @import { Duplex } from "node:stream" */

const DESK = fileURLToPath(new URL("..", import.meta.url));
export const BUILT = fileURLToPath(new URL("../../../../target/debug/polychat", import.meta.url));

/** @type {Readonly<Record<string, string>>} */
const TYPES = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml" };

export const POLICY = [
  "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
  "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
  "trusted-types dompurify",
].join("; ");

/**
 * @param {{ args?: string[], port?: number, command?: string, auth?: boolean }} [options] `args` of `polychat serve`; with `auth` it lets
 *   nobody in without the token of its `link`
 */
export async function standIn({ args = ["--memory"], port = 0, command = process.env["POLYCHAT_BIN"] || BUILT, auth = false } = {}) {
  const given = auth ? args : ["--no-auth", ...args];
  let world = await serve(command, given);
  /** @type {Set<Duplex>} */
  const open = new Set();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://stand-in").pathname;
    if (path.startsWith("/v1/") || request.url?.startsWith("/?token=")) handOn(request, response, world.port);
    else void file(path, response);
  });
  server.on("upgrade", (request, stream, head) => {
    const pipe = connect(world.port, "127.0.0.1");
    for (const [one, other] of [[stream, pipe], [pipe, stream]]) {
      open.add(/** @type {Duplex} */ (one));
      one?.on("error", () => {});
      one?.on("close", () => (open.delete(/** @type {Duplex} */ (one)), other?.destroy()));
    }
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let at = 0; at < request.rawHeaders.length; at += 2) lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
    pipe.write(`${lines.join("\r\n")}\r\n\r\n`);
    pipe.write(head);
    stream.pipe(pipe).pipe(stream);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: taken } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${taken}/`,
    /** What the server printed, and leads to the page. */
    link: () => `http://127.0.0.1:${taken}${world.path}`,
    /** Ends every connection, as a network may. */
    cut: () => open.forEach((stream) => stream.destroy()),
    /** Ends the server as a loss of power would. */
    kill: () => ended(world.child, "SIGKILL"),
    /** Starts it again. */
    async start() {
      world = await serve(command, given);
    },
    async close() {
      open.forEach((stream) => stream.destroy());
      server.closeAllConnections();
      server.close();
      await ended(world.child, "SIGTERM");
    },
  };
}

/** @param {string} command @param {string[]} args */
async function serve(command, args) {
  const child = spawn(command, ["serve", "--listen", "127.0.0.1:0", ...args], { stdio: ["ignore", "pipe", process.env["POLYCHAT_LOG"] ? "inherit" : "ignore"] });
  const lines = createInterface({ input: child.stdout });
  const [link] = await Promise.race([once(lines, "line"), once(child, "exit").then(() => [])]);
  const url = URL.canParse(String(link)) ? new URL(String(link)) : null;
  if (!url?.port) throw new Error(`polychat serve printed no link: ${link}`);
  return { child, port: Number(url.port), path: `${url.pathname}${url.search}` };
}

/** @param {import("node:child_process").ChildProcess} child @param {NodeJS.Signals} signal */
async function ended(child, signal) {
  if (child.exitCode === null && child.signalCode === null && child.kill(signal)) await once(child, "exit");
}

/** @param {IncomingMessage} request @param {ServerResponse} response @param {number} port */
function handOn(request, response, port) {
  const { method, url, headers } = request;
  const next = ask({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  next.on("error", () => response.headersSent || response.writeHead(502).end());
  request.pipe(next);
}

/** @param {string} path @param {ServerResponse} response */
async function file(path, response) {
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , ...given] = process.argv;
  const at = given.indexOf("--port");
  const port = at < 0 ? 7788 : Number(given.splice(at, 2)[1]);
  const { url, close } = await standIn({ args: given.length > 0 ? given : ["--memory"], port });
  console.log(url);
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void close());
}
