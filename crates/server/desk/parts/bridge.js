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
 * @property {() => Promise<readonly string[]>} worlds the worlds that this page may see; none where nobody tells
 * @property {(text: string) => Promise<string>} admit lets this page in by a token, or by a link that has one; else says why not
 * @property {(worldId: string, chatId: string) => string} exportLink where a chat can be fetched as Markdown
 */

/** Said to who comes by a link whose token the server does not know. */
const OLD_LINK = "The token of this link is not known, or not any more. A server that was started anew has printed a new link: open that one.";

/** Whether the address had a token when the page was loaded. */
let cameByToken = false;

/** @type {Bridge} */
export const bridge = {
  open(worldId, callbacks) {
    const url = new URL(`${worldPath(worldId)}/socket`, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.hash = "";
    return connect({ url, worldId, client: { name: "polychat-desk" }, reconnect: { pauseMsMax: 5000 }, ...callbacks });
  },

  async enter(wanted) {
    // A token that did not lead in stays in no address.
    cameByToken ||= new URLSearchParams(location.search).has("token");
    if (location.search !== "") history.replaceState(null, "", location.pathname + location.hash);
    try {
      const usual = wanted ?? "home";
      const entrance = await entranceOf(usual);
      if (wanted !== null || entrance.phase !== "missing") return entrance;
      const [first] = await this.worlds();
      return first === undefined ? entrance : await entranceOf(first);
    } catch {
      return { worldId: wanted ?? "", phase: "connecting", reason: "The server does not answer. It is asked again and again." };
    }
  },

  async worlds() {
    const response = await fetch("/v1/worlds");
    if (!response.ok) return [];
    /** @type {{ worlds?: { worldId: string }[] }} */
    const { worlds = [] } = await response.json();
    return worlds.map(({ worldId }) => worldId);
  },

  async admit(text) {
    const token = tokenIn(text);
    // What no header may carry is no token.
    if (!/^[\x21-\x7e]+$/.test(token)) return "That is neither a token nor a link with one.";
    const { status } = await fetch("/v1/worlds", { headers: { authorization: `Bearer ${token}` } });
    if (status === 401) return "This token does not open the server. Was it started anew since?";
    if (status !== 200) return `The server does not answer as it should (${status}). Try again in a moment.`;
    // The server keeps it where no script can read it, and leads back here.
    location.assign(`/?token=${encodeURIComponent(token)}${location.hash}`);
    return "";
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
  if (status === 401 || status === 403) return { worldId, phase: "denied", reason: cameByToken ? OLD_LINK : "" };
  return { worldId, phase: status === 404 ? "missing" : "connecting", reason: "" };
}

/** The token of the printed link, or what was given. @param {string} text */
function tokenIn(text) {
  const given = text.trim();
  return (URL.canParse(given) && new URL(given).searchParams.get("token")) || given;
}
