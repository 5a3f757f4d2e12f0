/**
 * A server for work on the page without a build: its files as they lie here, under the policy that the
 * real server sends, and everything else handed on to one `polychat serve`.
 *
 *     node tools/stand-in.mjs [--port 7788] [--memory]
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { createServer, request as ask } from "node:http";
import { connect } from "node:net";
import { extname, join, normalize } from "node:path";

import { ended, serve } from "./server.mjs";
import { DESK } from "./vendor.mjs";

/** @import { IncomingMessage, ServerResponse } from "node:http" */
/** @import { Duplex } from "node:stream" */

/** @type {Readonly<Record<string, string>>} */
const TYPES = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml" };

/** @param {ServerResponse} response @param {string} path @param {string} policy */
async function file(response, path, policy) {
  const name = normalize(path === "/" ? "/index.html" : path);
  const type = TYPES[extname(name)];
  try {
    if (!type) throw new Error("no file of the page");
    const body = await readFile(join(DESK, name));
    response.writeHead(200, { "content-type": type, "content-security-policy": policy, "cache-control": "no-store" });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
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

/** @param {IncomingMessage} request @param {Duplex} near @param {Buffer} head @param {number} port */
function pipe(request, near, head, port) {
  const far = connect(port, "127.0.0.1");
  near.on("error", () => {}).on("close", () => far.destroy());
  far.on("error", () => {}).on("close", () => near.destroy());
  const lines = [`${request.method} ${request.url} HTTP/1.1`];
  for (let at = 0; at < request.rawHeaders.length; at += 2) lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
  far.write(`${lines.join("\r\n")}\r\n\r\n`);
  far.write(head);
  near.pipe(far).pipe(near);
}

const [, , ...given] = process.argv;
const at = given.indexOf("--port");
const port = at < 0 ? 7788 : Number(given.splice(at, 2)[1]);
const world = await serve(["--no-auth", ...(given.length > 0 ? given : ["--memory"])]);
const policy = (await fetch(`http://127.0.0.1:${world.port}/`)).headers.get("content-security-policy") ?? "";
const server = createServer((request, response) => {
  const path = new URL(request.url ?? "/", "http://stand-in").pathname;
  if (path.startsWith("/v1/")) handOn(request, response, world.port);
  else void file(response, path, policy);
});
server.on("upgrade", (request, near, head) => pipe(request, near, head, world.port));
server.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}/`));
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  process.once(signal, () => void ended(world.child, "SIGTERM").then(() => process.exit()));
}
