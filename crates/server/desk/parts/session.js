/**
 * What this page holds of its world: the connection, the store, and how both stand.
 *
 * @module
 */

import { createStore } from "../vendor/polychat-client/store.js";
import { Actions } from "./actions.js";
import { chatIn, worldIn } from "./address.js";
import { bridge as ownBridge } from "./bridge.js";
import { Cell } from "./cell.js";
import { Diagnostics } from "./diagnostics.js";
import { everyFrame } from "./frames.js";
import { Names } from "./names.js";
import { Notices } from "./notices.js";

/** @typedef {import("../vendor/polychat-client/store.js").Store} Store */
/** @typedef {import("../vendor/polychat-client/index.js").World} World */
/** @typedef {import("../vendor/polychat-client/index.js").LinkState} LinkState */

/**
 * How the page stands: `asking` whether it may, `connecting` for the first time, `denied` by the server, `open`, and
 * `lost` while the connection is away, `closed` when it comes back no more.
 *
 * @typedef {object} Standing
 * @property {"asking" | "connecting" | "denied" | "missing" | "open" | "lost" | "closed"} phase
 * @property {string} worldId
 * @property {string} reason what the last try came to; empty when there is nothing to say
 */

/**
 * The world and what this page keeps of it, once there is a connection.
 *
 * @typedef {object} Desk
 * @property {World} world
 * @property {Store} store
 * @property {Names} names
 * @property {Notices} notices
 * @property {Actions} actions
 */

/** The pauses between tries to connect for the first time, in milliseconds; the last one goes on. */
const PAUSES_MS = [500, 1000, 2000, 5000];

/** One page at one world. */
export class Session {
  #bridge;
  #tries = 0;
  /** @type {LinkState} */
  #link = "connecting";
  /** @type {(() => void) | undefined} */
  #skipPause;

  /** @param {import("./bridge.js").Bridge} bridge @param {() => string} hash of the address, which may change before there is a connection */
  constructor(bridge, hash) {
    this.#bridge = bridge;
    const wanted = worldIn(hash());
    /** @type {Cell<Standing>} */
    this.standing = new Cell(/** @type {Standing} */ ({ phase: "asking", worldId: wanted ?? "", reason: "" }));
    /** @type {Cell<Desk | null>} */
    this.desk = new Cell(/** @type {Desk | null} */ (null));
    this.diagnostics = new Diagnostics();
    /** The worlds that this page may see, as they were when they were last asked for. @type {Cell<readonly string[]>} */
    this.worlds = new Cell(/** @type {readonly string[]} */ ([]));
    this.exportLink = bridge.exportLink;
    this.admit = (/** @type {string} */ text) => bridge.admit(text);
    void this.#open(wanted, () => chatIn(hash()));
  }

  /** Tries to connect now rather than later. */
  retry = () => this.#skipPause?.();

  /** Asks for the worlds. @returns {Promise<void>} */
  askWorlds = async () => {
    try {
      this.worlds.set(await this.#bridge.worlds());
    } catch {
      // A choice that cannot be offered is not offered.
    }
  };

  /** @param {string | null} wanted @param {() => string | null} wantedChat */
  async #open(wanted, wantedChat) {
    for (;;) {
      const worldId = await this.#mayEnter(wanted);
      if (worldId !== null && (await this.#connected(worldId, wantedChat))) return;
      await this.#pause();
    }
  }

  /** The world to enter, if the server lets this page. @param {string | null} wanted */
  async #mayEnter(wanted) {
    const { worldId, phase, reason } = await this.#bridge.enter(wanted);
    if (phase !== this.standing.getSnapshot().phase) this.#tries = 0;
    this.#become(phase, reason, worldId);
    return phase === "connecting" && reason === "" ? worldId : null;
  }

  /** @param {string} worldId @param {() => string | null} wantedChat @returns {Promise<boolean>} */
  async #connected(worldId, wantedChat) {
    const { diagnostics } = this;
    try {
      const connection = await this.#bridge.open(worldId, {
        onState: (state) => this.#linked(state),
        onDiagnostic: (diagnostic) => diagnostics.ofClient(diagnostic),
      });
      const store = createStore(connection.world, {
        schedule: everyFrame,
        followBusy: true,
        onWorldEvent: (event) => diagnostics.ofWorld(event),
        onRejected: (error) => diagnostics.ofChat(error),
      });
      selectIfPossible(store, wantedChat());
      const { world } = connection;
      const notices = new Notices();
      const actions = new Actions({ store, world, notices });
      void actions.agents();
      void this.askWorlds();
      this.desk.set({ world, store, names: new Names(world), notices, actions });
      return true;
    } catch (error) {
      this.#become("connecting", error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  /** @param {LinkState} state */
  #linked(state) {
    this.#link = state;
    if (state === "open") this.#become("open", "");
    else if (state === "closed" && this.desk.getSnapshot()) this.#become("closed", "");
    else if (state === "waiting") void this.#askWhy();
  }

  /** A browser does not tell why a WebSocket is refused: a server with a new token lets nobody in by the old one. */
  async #askWhy() {
    if (this.standing.getSnapshot().phase !== "denied") this.#become("lost", "");
    const { phase } = await this.#bridge.enter(this.standing.getSnapshot().worldId);
    if (this.#link === "open" || this.#link === "closed") return;
    this.#become(phase === "connecting" ? "lost" : phase, "");
  }

  /** @param {Standing["phase"]} phase @param {string} reason @param {string} [worldId] */
  #become(phase, reason, worldId = this.standing.getSnapshot().worldId) {
    this.standing.set({ phase, worldId, reason });
  }

  /** @returns {Promise<void>} */
  #pause() {
    const ms = PAUSES_MS[Math.min(this.#tries, PAUSES_MS.length - 1)];
    this.#tries += 1;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#skipPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Selects what an address names, which may be anything. @param {Store} store @param {string | null} chatId */
export function selectIfPossible(store, chatId) {
  try {
    store.select(chatId);
  } catch (error) {
    console.warn("the address names no chat", error);
  }
}

/**
 * The session of this page, at the world that its address names.
 *
 * @param {import("./bridge.js").Bridge} [bridge]
 * @returns {Session}
 */
export function openSession(bridge = ownBridge) {
  return new Session(bridge, () => location.hash);
}
