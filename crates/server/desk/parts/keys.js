/**
 * The keys of the page. Those of the composer and the timeline stand with them.
 *
 * @module
 */

import { Dialog } from "./dialogs.js";
import { html } from "./hooks.js";

/** @typedef {"help" | "search" | "new" | "previous" | "next" | "attention" | "rename" | "list" | "composer" | "diagnostics" | "theme"} Verb */

/**
 * @typedef {object} Key
 * @property {Verb} verb
 * @property {string} shown
 * @property {string} text
 * @property {boolean} typing whether it works while somebody types
 * @property {(event: KeyboardEvent) => boolean} fits
 */

/** @param {string} key */
const plain = (key) => (/** @type {KeyboardEvent} */ event) => event.key === key && !event.altKey && !event.ctrlKey && !event.metaKey;
/** By the place of the key, because with Alt some systems write other letters. @param {string} code */
const alt = (code) => (/** @type {KeyboardEvent} */ event) => event.code === code && event.altKey && !event.ctrlKey && !event.metaKey;

/** @type {readonly Key[]} */
export const KEYS = Object.freeze([
  { verb: "help", shown: "?", text: "This help", typing: false, fits: plain("?") },
  { verb: "new", shown: "Alt+N", text: "New chat", typing: true, fits: alt("KeyN") },
  { verb: "search", shown: "/", text: "Filter and search", typing: false, fits: plain("/") },
  { verb: "search", shown: "Alt+K", text: "Filter and search", typing: true, fits: alt("KeyK") },
  { verb: "next", shown: "Alt+↓", text: "Next chat in the list", typing: true, fits: alt("ArrowDown") },
  { verb: "previous", shown: "Alt+↑", text: "Previous chat in the list", typing: true, fits: alt("ArrowUp") },
  { verb: "attention", shown: "Alt+W", text: "Next chat that waits for you or has news", typing: true, fits: alt("KeyW") },
  { verb: "list", shown: "Alt+L", text: "To the list of chats", typing: true, fits: alt("KeyL") },
  { verb: "composer", shown: "Alt+M", text: "To the message field", typing: true, fits: alt("KeyM") },
  { verb: "rename", shown: "F2", text: "Rename the chat that is open", typing: true, fits: plain("F2") },
  { verb: "diagnostics", shown: "Alt+D", text: "Diagnostics", typing: true, fits: alt("KeyD") },
  { verb: "theme", shown: "Alt+T", text: "Light, dark, or as the system", typing: true, fits: alt("KeyT") },
]);

/** Keys that work in places of their own, for the help. */
const ELSEWHERE = [
  { shown: "↑ ↓ Enter", text: "In the list: move, open" },
  { shown: "Enter", text: "In the message field: send" },
  { shown: "Shift+Enter", text: "In the message field: a new line" },
  { shown: "Alt+1 Alt+2 Alt+3", text: "In a chat that is busy: queue, steer, interrupt" },
  { shown: "Alt+A", text: "To what waits for you in the chat" },
  { shown: "Alt+S", text: "Stops the chat that is open" },
  { shown: "Esc", text: "Closes what is open; leaves a field" },
];

/** What this key is for, if for anything. @param {KeyboardEvent} event @returns {Verb | null} */
export function verbOf(event) {
  if (event.defaultPrevented || event.isComposing) return null;
  const types = isTyping(event.target);
  const key = KEYS.find(({ fits, typing }) => fits(event) && (typing || !types));
  return key?.verb ?? null;
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** @param {{ onClose: () => void }} props */
export function Help({ onClose }) {
  return html`
    <${Dialog} title="Keys" onClose=${onClose}>
      <dl class="keys">
        ${[...KEYS, ...ELSEWHERE].map(({ shown, text }) => html`
          <div><dt>${shown.split(" ").map((key) => html`<kbd>${key}</kbd> `)}</dt><dd>${text}</dd></div>
        `)}
      </dl>
      <div class="dialog-buttons"><button type="button" class="button primary" onClick=${onClose}>Close</button></div>
    <//>
  `;
}
