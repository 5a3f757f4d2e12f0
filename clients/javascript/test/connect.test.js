import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "../src/index.js";
import { encodeFrame, frameDecoder } from "../src/framing.js";
import { findBinary } from "../src/transport/binary.js";
import { settled } from "../testkit/clock.js";
import { FakeServer } from "../testkit/server.js";

/** @typedef {import("../src/framing.js").Framing} Framing */

/** A folder of its own, gone after the test. @param {import("node:test").TestContext} t */
async function folder(t) {
  const path = await mkdtemp(join(tmpdir(), "polychat-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

test("the program is the one named, or of the environment, or among the app's resources", async (t) => {
  const resourcesPath = await folder(t);
  const env = { POLYCHAT_BIN: "/of/environment" };
  assert.equal(findBinary("/named", { env, resourcesPath }), "/named");
  assert.equal(findBinary(undefined, { env, resourcesPath }), "/of/environment");
  assert.throws(() => findBinary(undefined, { env: {}, resourcesPath }), { code: "binary_not_found" });
  assert.throws(() => findBinary(undefined, { env: {}, resourcesPath: undefined }), { code: "binary_not_found" });
  const path = join(resourcesPath, process.platform === "win32" ? "polychat.exe" : "polychat");
  await writeFile(path, "");
  await chmod(path, 0o755);
  assert.equal(findBinary(undefined, { env: {}, resourcesPath }), path);
});

// Waiting mends nothing there, neither for who named a program nor for who relies on the app's own.
test("a program that is not there is told by what was looked for, and is not to be tried again", async (t) => {
  const path = await folder(t);
  const noProgram = join(path, "text");
  await writeFile(noProgram, "no program");
  for (const command of ["no-such-program", "/no/such/program", join(noProgram, "below"), noProgram]) {
    await assert.rejects(connect({ command, restart: true }), (/** @type {any} */ error) => {
      const { code, retryable, facts, message } = error;
      assert.deepEqual({ code, retryable, facts }, { code: "binary_not_found", retryable: false, facts: { looked: [command] } });
      assert.ok(message.includes(command), message);
      return true;
    });
  }
  // The system says the same of a folder that is not there.
  for (const cwd of [join(path, "none"), noProgram]) {
    await assert.rejects(connect({ command: process.execPath, cwd }), { code: "invalid_input", message: /^cwd/ });
  }
  await assert.rejects(connect({ command: "" }), { code: "invalid_input", message: /^command/ });
});

test("a program that ends at once is an error and not a hang", async () => {
  await assert.rejects(connect({ command: process.execPath, args: ["-e", "0"] }), { code: "connection_lost" });
});

test("a child that ends before it answered is named, with its code", async () => {
  const ending = connect({ command: process.execPath, args: ["-e", "process.exit(3)"] });
  await assert.rejects(ending, { code: "connection_lost", message: /ended with code 3/ });
});

test("options that are misspelt, of two ways, or no value are refused before anything is done", async () => {
  const wrong = [
    { sokcet: "/s" },
    { socket: "/s", command: "polychat" },
    { socket: "/s", restart: true },
    { socket: undefined },
    { command: "/no/such/program", framing: "line" },
    { command: "/no/such/program", reconnect: { pauseMin: 1 } },
  ];
  for (const options of wrong) {
    await assert.rejects(connect(/** @type {any} */ (options)), { code: "invalid_input" }, JSON.stringify(options));
  }
});

test("a child hears of the end by its input, and is waited for", async () => {
  // Answers `initialize`, and says on its way out that it was not killed.
  const code = `
    let text = "";
    process.stdin.setEncoding("utf8").on("data", (more) => {
      text += more;
      if (!text.includes("\\n")) return;
      const result = { protocolVersion: 1, worldId: "child", server: { name: "" } };
      process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id: 1, result }) + "\\n");
      text = "";
    }).on("end", () => process.stderr.write("ended in order"));`;
  let log = "";
  const stderr = (/** @type {string} */ text) => void (log += text);
  const connection = await connect({ command: process.execPath, args: ["-e", code], stderr });
  assert.equal(connection.world.id, "child");
  await connection.close();
  assert.equal(log, "ended in order");
  assert.equal(connection.state, "closed");
});

test("over a socket, messages are told apart as the framing says", async (t) => {
  for (const framing of /** @type {Framing[]} */ (["lines", "content-length"])) {
    const path = join(await folder(t), "s");
    const listener = createServer((socket) => {
      const decoder = frameDecoder(framing, 1 << 20);
      socket.on("data", (chunk) => {
        for (const frame of decoder.push(chunk)) {
          const { id, params } = JSON.parse(frame.rejected ? "{}" : frame.text);
          const result = { protocolVersion: 1, worldId: "home", echo: params };
          socket.write(encodeFrame(framing, JSON.stringify({ jsonrpc: "2.0", id, result })));
        }
      });
    });
    await new Promise((resolve) => void listener.listen(path, () => resolve(undefined)));
    const connection = await connect({ socket: path, framing });
    const { echo } = /** @type {any} */ (await connection.request("echo", { text: "größe 🌍\n" }));
    assert.deepEqual(echo, { text: "größe 🌍\n" });
    await connection.close();
    await new Promise((resolve) => void listener.close(resolve));
  }
});

test("a socket that nobody serves is an error", async (t) => {
  await assert.rejects(connect({ socket: join(await folder(t), "none") }), { code: "connection_lost" });
});

/** A WebSocket to a fake server. */
class FakeWebSocket extends EventTarget {
  /** @type {FakeServer} */
  static server;
  /** @type {FakeWebSocket[]} */
  static all = [];
  bufferedAmount = 0;
  #transport;

  /** @param {string} url */
  constructor(url) {
    super();
    this.url = url;
    FakeWebSocket.all.push(this);
    this.#transport = FakeWebSocket.server.transport();
    queueMicrotask(() => this.#open());
  }

  #open() {
    this.#transport.start({
      message: (data) => this.dispatchEvent(Object.assign(new Event("message"), { data })),
      rejected: () => {},
      closed: () => this.dispatchEvent(new Event("close")),
    });
    this.dispatchEvent(new Event("open"));
  }

  /** @param {string} text */
  send(text) {
    void this.#transport.send(text);
  }

  close() {
    void this.#transport.close();
    this.dispatchEvent(new Event("close"));
  }
}

test("over a WebSocket, each message is a frame, and the connection comes back", async () => {
  const server = (FakeWebSocket.server = new FakeServer()).on("echo", (params) => params);
  const { ManualClock } = await import("../testkit/clock.js");
  const clock = new ManualClock();
  const url = "wss://example.org/polychat";
  const connection = await connect({ url, WebSocket: FakeWebSocket, clock, frameBytesMax: 1000 });
  assert.equal(FakeWebSocket.all[0]?.url, url);
  assert.deepEqual(await connection.request("echo", { a: 1 }), { a: 1 });
  const socket = /** @type {FakeWebSocket} */ (FakeWebSocket.all[0]);
  for (const data of ["x".repeat(1001), new Uint8Array(3)]) {
    socket.dispatchEvent(Object.assign(new Event("message"), { data }));
  }
  assert.equal(connection.rejected, 2);
  server.last.cut();
  await clock.pass(1_000);
  assert.equal(FakeWebSocket.all.length, 2);
  assert.deepEqual(await connection.request("echo", { b: 2 }), { b: 2 });
  await connection.close();
});

test("a WebSocket that is full holds up who writes, until there is room", async () => {
  FakeWebSocket.server = new FakeServer();
  const { openWebSocket } = await import("../src/transport/websocket.js");
  const { ManualClock } = await import("../testkit/clock.js");
  const clock = new ManualClock();
  const transport = await openWebSocket({ url: "ws://x", WebSocket: FakeWebSocket, frameBytesMax: 1, clock });
  const socket = /** @type {FakeWebSocket} */ (FakeWebSocket.all.at(-1));
  assert.equal(transport.send("1"), undefined);
  socket.bufferedAmount = 2 << 20;
  let written = false;
  void Promise.resolve(transport.send("2")).then(() => (written = true));
  await clock.pass(100);
  assert.equal(written, false);
  socket.bufferedAmount = 0;
  await clock.pass(100);
  assert.equal(written, true);
});

test("where there is no WebSocket, one has to be passed", async (t) => {
  if (globalThis.WebSocket !== undefined) return t.skip("this runtime has one");
  await assert.rejects(connect({ url: "ws://x" }), { code: "unsupported" });
});

test("connecting can be given up, wherever it stands", async () => {
  const silent = { start() {}, send() {}, close() {} };
  for (const transport of [silent, () => new Promise(() => {})]) {
    const abort = new AbortController();
    const connecting = connect({ transport: /** @type {any} */ (transport), signal: abort.signal });
    await settled();
    abort.abort(new Error("enough"));
    await assert.rejects(connecting, { message: "enough" });
  }
});

test("who does not say in time who it is, is not waited for, and what opens later is closed", async () => {
  const { ManualClock } = await import("../testkit/clock.js");
  const closed = { silent: 0, late: 0 };
  const silent = { start() {}, send() {}, close: () => void (closed.silent += 1) };
  let open = (/** @type {any} */ _) => {};
  const opening = new Promise((resolve) => (open = resolve));
  for (const transport of [silent, () => opening]) {
    const clock = new ManualClock();
    const connecting = connect({ transport: /** @type {any} */ (transport), clock, connectMsMax: 500, reconnect: false });
    const refused = assert.rejects(connecting, { code: "connection_lost", message: /within 500 ms.*framing/ });
    await settled();
    await clock.pass(499);
    assert.equal(clock.waiting, 1);
    await clock.pass(1);
    await refused;
    assert.equal(clock.waiting, 0);
  }
  open({ start() {}, send() {}, close: () => void (closed.late += 1) });
  await settled();
  assert.deepEqual(closed, { silent: 1, late: 1 });
});

test("a connection that is made, or given up, holds on to no clock", async () => {
  const { ManualClock } = await import("../testkit/clock.js");
  const clock = new ManualClock();
  const connection = await connect({ transport: new FakeServer().transport(), clock });
  assert.equal(clock.waiting, 0);
  await connection.close();
  const abort = new AbortController();
  const transport = /** @type {any} */ (() => new Promise(() => {}));
  const connecting = connect({ transport, clock, signal: abort.signal });
  await settled();
  abort.abort(new Error("enough"));
  await assert.rejects(connecting, { message: "enough" });
  assert.equal(clock.waiting, 0);
});
