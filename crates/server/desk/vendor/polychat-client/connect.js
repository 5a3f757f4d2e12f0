/**
 * The way in: connects to a world, wherever it is.
 *
 * @module
 */

import { systemClock } from "./clock.js";
import { PolychatError } from "./errors.js";
import { Hosting } from "./hosting.js";
import { Link } from "./link.js";
import { invalid, only } from "./options.js";
import { World } from "./world.js";

/** @typedef {import("./clock.js").Clock} Clock */
/** @typedef {import("./framing.js").Framing} Framing */
/** @typedef {import("./link.js").LinkState} LinkState */
/** @typedef {import("./link.js").ReconnectOptions} ReconnectOptions */
/** @typedef {import("./peer.js").Transport} Transport */
/** @typedef {import("./transport/websocket.js").WebSocketClass} WebSocketClass */
/** @typedef {import("./transport/websocket.js").WebSocketLike} WebSocketLike */
/** @typedef {import("./types.js").ClientDiagnostic} ClientDiagnostic */
/** @typedef {import("./types.js").PeerInfo} PeerInfo */
/** @typedef {import("./types.js").ServerInfo} ServerInfo */

/**
 * A server as a child of this process. For Node only.
 *
 * @typedef {object} ToChild
 * @property {string | undefined} [command] the program; left out: `POLYCHAT_BIN`, or the one in the app's resources folder
 * @property {string[]} [args] default: `stdio`, in the framing of the options
 * @property {Record<string, string | undefined>} [env] added to this process's own
 * @property {string} [cwd]
 * @property {"inherit" | "ignore" | ((text: string) => void)} [stderr] where its log goes; default `inherit`
 * @property {number} [closeMsMax] how long it may take to end in order before it is killed; default 10,000
 * @property {boolean} [restart] whether a child that ended is started again; default no
 */

/** @typedef {{ [option in keyof ToChild]?: undefined }} NoChild */
/** @typedef {{ [option in keyof ToUrl]?: undefined }} NoUrl */
/** @typedef {{ socket: string }} ToSocket a server that listens on a Unix socket; for Node only */

/**
 * A server that is reached by WebSocket.
 *
 * @typedef {object} ToUrl
 * @property {string | URL} url the world's address, `http://host:port/v1/worlds/{world}`, or that of its WebSocket
 * @property {string} [token] who asks, as `Authorization: Bearer`. Not in a browser, which sends no headers
 *   but its cookie: there the server's link is opened once
 * @property {Record<string, string>} [headers] further headers of the request that opens it; not in a browser either
 * @property {number} [pingMs] how long nothing may come before the server is asked whether it is there, in
 *   milliseconds; when nothing comes then either, the connection is lost. `Infinity` for never; default 10,000
 * @property {WebSocketClass} [WebSocket] default: the one that the runtime has
 */

/**
 * A way of your own. A function is called again to reconnect; a transport itself is used once.
 *
 * @typedef {{ transport: Transport | (() => Transport | Promise<Transport>) }} ToTransport
 */

/**
 * @typedef {object} ConnectOptions
 * @property {Framing} [framing] how messages are told apart, where bytes are sent; default `lines`
 * @property {string} [worldId] the world that it must be; any when left out
 * @property {PeerInfo} [client] who this is, for the server's logs
 * @property {ReconnectOptions | boolean} [reconnect] whether a lost connection comes back; default
 *   yes, but not for a child and for a transport that is used once
 * @property {(diagnostic: ClientDiagnostic) => void} [onDiagnostic] hears what was rejected and what went wrong
 * @property {(state: LinkState) => void} [onState] hears how the connection stands
 * @property {number} [frameBytesMax] bytes of a message; default 64 MiB
 * @property {number} [requestsInFlightMax] calls that are under way, and streams that are just being subscribed; further ones
 *   of either kind wait; default 256 of each
 * @property {number} [requestsWaitingMax] calls that wait, and streams likewise; further ones fail as `overloaded`; default 10,000
 * @property {number} [eventsWaitingMax] events of one stream that wait for their reader; the world keeps the others; default 64
 * @property {number} [connectMsMax] how long it may take until the server has said who it is, each time; default 30,000, and
 *   `Infinity` for as long as it likes
 * @property {AbortSignal | undefined} [signal] gives up connecting
 * @property {Clock} [clock] for tests
 * @property {() => number} [random] for tests
 */

/**
 * One of the ways, and nothing of the others.
 *
 * @typedef {ConnectOptions & (
 *   | ToChild & NoUrl & { socket?: undefined, transport?: undefined }
 *   | ToSocket & NoChild & NoUrl & { transport?: undefined }
 *   | ToUrl & NoChild & { socket?: undefined, transport?: undefined }
 *   | ToTransport & NoChild & NoUrl & { socket?: undefined }
 * )} AnyConnectOptions
 */

/** The options of each way beside {@link ConnectOptions}; the first names it. */
const WAYS = {
  transport: ["transport"],
  socket: ["socket"],
  url: ["url", "token", "headers", "pingMs", "WebSocket"],
  child: ["command", "args", "env", "cwd", "stderr", "closeMsMax", "restart"],
};
const COMMON = [
  "framing", "worldId", "client", "reconnect", "onDiagnostic", "onState", "frameBytesMax", "requestsInFlightMax",
  "requestsWaitingMax", "eventsWaitingMax", "connectMsMax", "signal", "clock", "random",
];

/**
 * Connects to a world: starts a server, or reaches one that runs.
 *
 * @param {AnyConnectOptions} [options]
 * @returns {Promise<Connection>} rejects with a `PolychatError` when that fails; the first attempt is
 *   not repeated
 *
 * @example
 * const connection = await connect({ command: "polychat", args: ["stdio", "--memory"] });
 * const chat = await connection.world.openChat("first");
 * console.log(await (await chat.prompt("hello")).answer());
 * await connection.close();
 */
export async function connect(options = {}) {
  check(options);
  const hosting = new Hosting();
  const link = new Link({
    open: opener(options),
    reconnect: reconnection(options),
    client: { version: "0.1.0", ...(options.client ?? { name: "polychat-client" }) },
    worldId: options.worldId,
    requestsInFlightMax: options.requestsInFlightMax ?? 256,
    requestsWaitingMax: options.requestsWaitingMax ?? 10_000,
    eventsWaitingMax: Math.max(1, options.eventsWaitingMax ?? 64),
    connectMsMax: options.connectMsMax ?? 30_000,
    pingMs: options.url === undefined ? Infinity : (options.pingMs ?? 10_000),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    diagnose: told(options.onDiagnostic),
    changed: told(options.onState),
    calls: hosting,
  });
  hosting.attach(link);
  const giveUp = () => void link.close();
  options.signal?.throwIfAborted();
  options.signal?.addEventListener("abort", giveUp, { once: true });
  try {
    await link.start();
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", giveUp);
  }
  return new Connection(link, new World(link, hosting));
}

/** A connection to a world. Closing it cancels nothing there. */
export class Connection {
  #link;

  /** @param {Link} link @param {World} world */
  constructor(link, world) {
    this.#link = link;
    /** The world at the other end. */
    this.world = world;
  }

  /** How it stands: `connecting`, `open`, `waiting` (before the next try) or `closed`. */
  get state() {
    return this.#link.state;
  }

  /** Messages of the server that were rejected so far, because they belong to nobody here. */
  get rejected() {
    return this.#link.rejectedCount;
  }

  /** What the server says of itself; `undefined` while the connection is away. @returns {ServerInfo | undefined} */
  get server() {
    return this.#link.session?.server;
  }

  /**
   * Asks the server by method, for what has no function here. What it answers is not checked.
   *
   * @param {string} method
   * @param {unknown} params
   * @param {{ signal?: AbortSignal | undefined }} [options]
   * @returns {Promise<unknown>}
   */
  request(method, params, options) {
    return this.#link.request(method, params, options);
  }

  /** Ends the connection; a child is told to end, and is waited for. Streams end. @returns {Promise<void>} */
  close() {
    return this.#link.close();
  }

}

/**
 * A callback of the embedder: what it throws is its own matter, and no reason to lose a connection.
 *
 * @template T
 * @param {((value: T) => void) | undefined} callback
 * @returns {(value: T) => void}
 */
function told(callback) {
  return (value) => {
    try {
      callback?.(value);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}

/** The way that these options take. @param {object} options @returns {keyof typeof WAYS} */
function wayOf(options) {
  if ("transport" in options) return "transport";
  if ("socket" in options) return "socket";
  return "url" in options ? "url" : "child";
}

/** Refuses options that would be no options at all. @param {AnyConnectOptions} options */
function check(options) {
  const way = wayOf(options);
  const { framing = "lines", reconnect } = options;
  if (way !== "child" && options[way] === undefined) throw invalid(way, "it is undefined");
  only(way === "child" ? "connect" : `connect by ${way}`, options, [...WAYS[way], ...COMMON]);
  if (framing !== "lines" && framing !== "content-length") {
    throw invalid("framing", "it is lines or content-length");
  }
  if (typeof reconnect === "object") only("reconnect", reconnect, ["pauseMsMin", "pauseMsMax", "attemptsMax"]);
}

/**
 * How a transport is opened, each time one is needed.
 *
 * @param {AnyConnectOptions} options
 * @returns {() => Promise<Transport> | Transport}
 */
function opener(options) {
  const { framing = "lines", frameBytesMax = 64 * 1024 * 1024, clock = systemClock } = options;
  if (options.transport !== undefined) {
    const { transport } = options;
    return typeof transport === "function" ? transport : () => transport;
  }
  if (options.socket !== undefined) {
    const path = options.socket;
    return async () => (await import("./transport/socket.js")).openSocket({ path, framing, frameBytesMax });
  }
  if (options.url !== undefined) {
    const WebSocket = options.WebSocket ?? ownWebSocket(options);
    const headers = headersOf(options);
    const { url } = options;
    return async () => {
      const { openWebSocket, socketUrl } = await import("./transport/websocket.js");
      return openWebSocket({ url: socketUrl(url), WebSocket, headers, frameBytesMax, clock });
    };
  }
  return () => startChild(options, { framing, frameBytesMax, clock });
}

/** The class that the runtime has, if it can do what is asked. @param {ToUrl} options @returns {WebSocketClass} */
function ownWebSocket(options) {
  const { WebSocket, process } = /** @type {any} */ (globalThis);
  if (WebSocket === undefined) {
    const facts = { what: "WebSocket" };
    throw new PolychatError("unsupported", "this runtime has no WebSocket: pass one", { facts });
  }
  if (headersOf(options) !== undefined && process?.versions?.node === undefined) {
    const facts = { what: "headers" };
    const message = "a browser sends no headers with a WebSocket: open the server's link, and its cookie says who asks";
    throw new PolychatError("unsupported", message, { facts });
  }
  return WebSocket;
}

/** The headers that are asked for; `undefined` for none. @param {ToUrl} options */
function headersOf({ token, headers }) {
  const all = { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
  return Object.keys(all).length === 0 ? undefined : all;
}

/**
 * @param {ToChild} options
 * @param {{ framing: Framing, frameBytesMax: number, clock: Clock }} pipe
 */
async function startChild({ command, args, env, cwd, stderr = "inherit", closeMsMax = 10_000 }, pipe) {
  const { findBinary } = await import("./transport/binary.js");
  const { openChild } = await import("./transport/child.js");
  return openChild({
    ...pipe,
    command: findBinary(command),
    args: args ?? ["stdio", "--framing", pipe.framing],
    env,
    cwd,
    stderr,
    closeMsMax,
  });
}

/**
 * @param {AnyConnectOptions} options
 * @returns {Required<ReconnectOptions> | false}
 */
function reconnection(options) {
  const way = wayOf(options);
  const isChild = way === "child";
  const byDefault = way === "transport" ? typeof options.transport === "function" : !isChild;
  const { reconnect = isChild ? (options.restart ?? false) : byDefault } = options;
  if (reconnect === false) return false;
  const { pauseMsMin = 100, pauseMsMax = 10_000, attemptsMax = Infinity } = reconnect === true ? {} : reconnect;
  return { pauseMsMin, pauseMsMax, attemptsMax };
}
