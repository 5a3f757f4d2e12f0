/**
 * Worlds that are reached by URL, over WebSockets: of a fake server, and of the real program.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "undici";
import { ConnectionLost, connect } from "../src/index.js";
import { socketUrl } from "../src/transport/websocket.js";
import { polychat } from "../testkit/binary.js";
import { settled } from "../testkit/clock.js";
import { connected } from "../testkit/client.js";
import { serveHttp } from "../testkit/http-server.js";
import { FakeServer, SILENCE } from "../testkit/server.js";

const { path: command, skip } = polychat();
const URL_OF_WORLD = "http://127.0.0.1:7777/v1/worlds/home";

/** A class of WebSockets that lead to a fake server; what it was given is kept. @param {FakeServer} server */
function socketsTo(server) {
  /** @type {unknown[][]} */
  const opened = [];
  class FakeWebSocket extends EventTarget {
    bufferedAmount = 0;
    #transport;

    /** @param {string} url @param {unknown[]} more */
    constructor(url, ...more) {
      super();
      opened.push([url, ...more]);
      this.#transport = server.transport();
      this.#transport.start({
        message: (data) => this.dispatchEvent(Object.assign(new Event("message"), { data })),
        rejected: () => {},
        closed: () => this.dispatchEvent(Object.assign(new Event("close"), { code: 1006, reason: "" })),
      });
      queueMicrotask(() => this.dispatchEvent(new Event("open")));
    }

    /** @param {string} text */
    send(text) {
      void this.#transport.send(text);
    }

    close() {
      void this.#transport.close();
      queueMicrotask(() => this.dispatchEvent(Object.assign(new Event("close"), { code: 1000, reason: "" })));
    }
  }
  return { opened, FakeWebSocket };
}

/** @param {FakeServer} server @param {object} [options] */
async function connectedByUrl(server, options = {}) {
  const { opened, FakeWebSocket } = socketsTo(server);
  const ways = { url: URL_OF_WORLD, WebSocket: FakeWebSocket, ...options };
  return { opened, ...(await connected(/** @type {any} */ (ways), server)) };
}

test("the address of a world leads to its WebSocket, and that of a WebSocket to itself", () => {
  const addresses = [
    ["http://h:1/v1/worlds/home", "ws://h:1/v1/worlds/home/socket"],
    ["https://h/chats/v1/worlds/a%20b/", "wss://h/chats/v1/worlds/a%20b/socket"],
    ["ws://h/v1/worlds/home/socket", "ws://h/v1/worlds/home/socket"],
    ["wss://h/elsewhere", "wss://h/elsewhere"],
  ];
  for (const [url, expected] of addresses) assert.equal(socketUrl(/** @type {string} */ (url)), expected);
  assert.throws(() => socketUrl("/v1/worlds/home"), "relative to nothing");
});

test("who asks goes with the request, and without anything to say there is no second argument", async () => {
  const plain = await connectedByUrl(new FakeServer());
  assert.deepEqual(plain.opened, [["ws://127.0.0.1:7777/v1/worlds/home/socket"]]);
  const named = await connectedByUrl(new FakeServer(), { token: "t0ken", headers: { "x-request-id": "7" } });
  const headers = { "x-request-id": "7", authorization: "Bearer t0ken" };
  assert.deepEqual(named.opened, [["ws://127.0.0.1:7777/v1/worlds/home/socket", { headers }]]);
});

test("a browser, which sends no headers, is told so before anything is opened", async (t) => {
  const [ours, versions] = [globalThis.WebSocket, process.versions];
  t.after(() => {
    Object.defineProperty(globalThis, "WebSocket", { value: ours, configurable: true, writable: true });
    Object.defineProperty(process, "versions", { value: versions });
  });
  const { opened, FakeWebSocket } = socketsTo(new FakeServer());
  Object.defineProperty(globalThis, "WebSocket", { value: FakeWebSocket, configurable: true, writable: true });
  Object.defineProperty(process, "versions", { value: {}, configurable: true });
  await assert.rejects(connect({ url: URL_OF_WORLD, token: "t0ken" }), { code: "unsupported", message: /cookie/ });
  assert.deepEqual(opened, []);
});

test("options of a URL belong to a URL", async () => {
  for (const option of [{ token: "t" }, { headers: {} }, { pingMs: 1 }]) {
    const wrong = /** @type {any} */ ({ socket: "/nowhere", ...option });
    await assert.rejects(connect(wrong), { code: "invalid_input" }, JSON.stringify(option));
  }
});

// law 7
test("a server of which nothing comes is asked, and lost when nothing comes then either", async () => {
  const server = new FakeServer().on("ping", () => ({}));
  const { clock, connection, states, diagnostics } = await connectedByUrl(server);
  for (let n = 0; n < 10; n += 1) await clock.pass(10_000);
  // Every other time: an answer is something that has come.
  assert.equal(server.last.sent("ping").length, 5);
  assert.equal(server.connections.length, 1);

  // A busy one is not asked.
  for (let n = 0; n < 10; n += 1) {
    server.last.send({ method: "news" });
    await settled();
    await clock.pass(10_000);
  }
  assert.equal(server.last.sent("ping").length, 5);

  server.on("ping", () => SILENCE);
  const silent = server.last;
  await clock.pass(20_000);
  assert.deepEqual(states.at(-1), "waiting");
  assert.ok(!silent.isOpen);
  assert.match(JSON.stringify(diagnostics), /nothing was heard/);
  await clock.pass(10_000);
  assert.equal(connection.state, "open");
  assert.equal(server.connections.length, 2);
  assert.equal(connection.rejected, 0);
});

test("what was asked for otherwise is not asked", async () => {
  const server = new FakeServer();
  const { clock } = await connectedByUrl(server, { pingMs: Infinity });
  await clock.pass(1_000_000);
  assert.deepEqual(server.last.sent("ping"), []);
});

// REQ-1, REQ-15
test("chats of the real program are prompted over a WebSocket", { skip }, async (t) => {
  const { child, url } = await serveHttp(command, ["--no-auth"]);
  t.after(() => child.kill("SIGKILL"));
  const connection = await connect({ url, WebSocket });
  t.after(() => connection.close());
  assert.equal(connection.world.id, "home");
  const answers = ["a", "b"].map(async (id) => {
    const chat = await connection.world.openChat(id);
    await (await chat.prompt(`my name is ${id}`)).outcome();
    return (await chat.prompt("what is my name?")).answer();
  });
  assert.deepEqual(await Promise.all(answers), ["Your name is a.", "Your name is b."]);
  assert.equal(connection.rejected, 0);
});

test("the real program lets in who has its token, and nobody else", { skip }, async (t) => {
  const { child, url, token } = await serveHttp(command, []);
  t.after(() => child.kill("SIGKILL"));
  assert.ok(token);
  for (const wrong of [{}, { token: `${token}x` }]) {
    await assert.rejects(connect({ url, WebSocket, ...wrong }), (error) => error instanceof ConnectionLost);
  }
  const connection = await connect({ url, token, WebSocket });
  await connection.world.openChat("a");
  await connection.close();
});
