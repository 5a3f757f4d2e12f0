/**
 * The chat that is open. (A place holder: the pane itself is being written.)
 *
 * @module
 */

import { html } from "./hooks.js";

/**
 * @param {object} props
 * @param {import("../vendor/polychat-client/store.js").Store} props.store
 * @param {import("../vendor/polychat-client/index.js").World} props.world
 * @param {string} props.chatId
 * @param {{ messageId: number } | null} [props.at] a message to be scrolled to; a new object each time somebody asks for it
 */
export function ChatPane({ chatId }) {
  return html`<p>${chatId}</p>`;
}
