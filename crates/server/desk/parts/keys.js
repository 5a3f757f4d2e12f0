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
  { verb: "help", shown: "?", text: "These keys", typing: false, fits: plain("?") },
  { verb: "help", shown: "F1", text: "These keys", typing: true, fits: plain("F1") },
  { verb: "new", shown: "Alt+N", text: "New chat", typing: true, fits: alt("KeyN") },
  { verb: "search", shown: "/", text: "Filter and search", typing: false, fits: plain("/") },
  { verb: "search", shown: "Alt+K", text: "Filter and search", typing: true, fits: alt("KeyK") },
  { verb: "next", shown: "Alt+↓", text: "Next chat in the list", typing: true, fits: alt("ArrowDown") },
  { verb: "previous", shown: "Alt+↑", text: "Previous chat in the list", typing: true, fits: alt("ArrowUp") },
  { verb: "attention", shown: "Alt+W", text: "Next chat that waits or has news", typing: true, fits: alt("KeyW") },
  { verb: "list", shown: "Alt+L", text: "To the list of chats", typing: true, fits: alt("KeyL") },
  { verb: "composer", shown: "Alt+M", text: "To the message field", typing: true, fits: alt("KeyM") },
  { verb: "rename", shown: "F2", text: "Rename the chat that is open", typing: true, fits: plain("F2") },
  { verb: "diagnostics", shown: "Alt+D", text: "Diagnostics", typing: true, fits: alt("KeyD") },
  { verb: "theme", shown: "Alt+T", text: "Light, dark, or as the system", typing: true, fits: alt("KeyT") },
]);

/** Keys that work in places of their own, for the help. @type {readonly { where: string, keys: readonly { shown: string, text: string }[] }[]} */
const ELSEWHERE = Object.freeze([
  {
    where: "In the list",
    keys: [
      { shown: "↑ ↓", text: "Move" },
      { shown: "Enter", text: "Open the chat" },
    ],
  },
  {
    where: "In the message field",
    keys: [
      { shown: "Enter", text: "Send" },
      { shown: "Shift+Enter", text: "Begin a new line" },
      { shown: "Alt+1", text: "While it works: queue" },
      { shown: "Alt+2", text: "While it works: steer" },
      { shown: "Alt+3", text: "While it works: interrupt" },
      { shown: "Esc", text: "Leave the field" },
    ],
  },
  {
    where: "In the chat",
    keys: [
      { shown: "Alt+S", text: "Stop it" },
      { shown: "Alt+A", text: "To what waits for you" },
    ],
  },
]);

/** What this key is for, if for anything. @param {KeyboardEvent} event @returns {Verb | null} */
export function verbOf(event) {
  if (event.defaultPrevented || event.isComposing || isLetter(event)) return null;
  const types = isTyping(event.target);
  const key = KEYS.find(({ fits, typing }) => fits(event) && (typing || !types));
  return key?.verb ?? null;
}

/**
 * Whether a key with Alt is one that somebody types: on a Mac, Option writes letters and signs.
 *
 * @param {KeyboardEvent} event
 * @param {string} [platform]
 */
export function isLetter({ altKey, key, target }, platform = globalThis.navigator?.platform ?? "") {
  if (!altKey || !/^(?:Mac|iP)/.test(platform) || !isTyping(target)) return false;
  return key === "Dead" || ([...key].length === 1 && !/^[a-z0-9]$/i.test(key));
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** What can be done anywhere, each once with all its keys. */
function anywhere() {
  /** @type {Map<Verb, { shown: string, text: string }>} */
  const found = new Map();
  for (const { verb, shown, text } of KEYS) found.set(verb, { shown: [found.get(verb)?.shown, shown].filter(Boolean).join(" "), text });
  return { where: "Anywhere", keys: [...found.values()] };
}

/** @param {{ onClose: () => void }} props */
export function Help({ onClose }) {
  return html`
    <${Dialog} title="Keys" width="wide" onClose=${onClose}>
      <div class="keys">
        ${[anywhere(), ...ELSEWHERE].map(({ where, keys }) => html`
          <section class="keys-part" aria-label=${where}>
            <h3 class="small quiet">${where}</h3>
            <dl>
              ${keys.map(({ shown, text }) => html`<div class="key"><dt>${shown.split(" ").map((key) => html`<kbd>${key}</kbd> `)}</dt><dd>${text}</dd></div>`)}
            </dl>
          </section>
        `)}
      </div>
    <//>
  `;
}
