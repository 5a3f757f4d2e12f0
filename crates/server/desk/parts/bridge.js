/**
 * The way from this page to its world: the only part that knows how.
 *
 * In a window of Electron, replace this file by one that calls `connectToMain` of
 * `polychat-client/electron/renderer` with the same callbacks; nothing else of the page changes.
 *
 * @module
 */

import { connect } from "../vendor/polychat-client/index.js";

/** @typedef {import("../vendor/polychat-client/index.js").ClientDiagnostic} ClientDiagnostic */
/** @typedef {import("../vendor/polychat-client/index.js").Connection} Connection */
/** @typedef {import("../vendor/polychat-client/index.js").LinkState} LinkState */

/**
 * Whether this page may enter a world: `denied` without a token that opens it, `missing` when there is no such world.
 *
 * @typedef {{ worldId: string, phase: "connecting" | "denied" | "missing", reason: string }} Entrance
 */

/**
 * @typedef {object} Bridge
 * @property {(worldId: string, callbacks: { onState: (state: LinkState) => void, onDiagnostic: (diagnostic: ClientDiagnostic) => void }) => Promise<Connection>} open
 * @property {(wanted: string | null) => Promise<Entrance>} enter which world this page may enter; the one wanted, if any
 * @property {(worldId: string, chatId: string) => string} exportLink where a chat can be fetched as Markdown
 */

/** @type {Bridge} */
export const bridge = {
  open(worldId, callbacks) {
    const url = new URL(`${worldPath(worldId)}/socket`, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.hash = "";
    return connect({ url, worldId, client: { name: "polychat-desk" }, reconnect: { pauseMsMax: 5000 }, ...callbacks });
  },

  async enter(wanted) {
    try {
      const usual = wanted ?? "home";
      const entrance = await entranceOf(usual);
      if (wanted !== null || entrance.phase !== "missing") return entrance;
      const first = await firstWorld();
      return first === undefined ? entrance : await entranceOf(first);
    } catch {
      return { worldId: wanted ?? "", phase: "connecting", reason: "the server does not answer" };
    }
  },

  exportLink(worldId, chatId) {
    return `${worldPath(worldId)}/chats/${encodeURIComponent(chatId)}/export?format=markdown`;
  },
};

/** @param {string} worldId */
const worldPath = (worldId) => `/v1/worlds/${encodeURIComponent(worldId)}`;

/** @param {string} worldId @returns {Promise<Entrance>} */
async function entranceOf(worldId) {
  const { status } = await fetch(worldPath(worldId));
  if (status === 401 || status === 403) return { worldId, phase: "denied", reason: "" };
  return { worldId, phase: status === 404 ? "missing" : "connecting", reason: "" };
}

/** The first world that this page may see, if the server lists any. @returns {Promise<string | undefined>} */
async function firstWorld() {
  const response = await fetch("/v1/worlds");
  if (!response.ok) return undefined;
  /** @type {{ worlds?: ({ worldId?: string } | string)[] }} */
  const { worlds = [] } = await response.json();
  const [first] = worlds;
  return typeof first === "string" ? first : first?.worldId;
}
