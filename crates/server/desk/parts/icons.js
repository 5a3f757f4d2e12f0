/**
 * The pictures on buttons. Each stands beside words, seen or unseen.
 *
 * @module
 */

import { html } from "./hooks.js";

/** @type {Readonly<Record<string, string>>} */
const PATHS = Object.freeze({
  plus: "M12 5v14M5 12h14",
  more: "M5 11.5v1M12 11.5v1M19 11.5v1",
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  theme: "M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z",
  help: "M9.5 9a2.5 2.5 0 1 1 3.6 2.3c-.7.4-1.1.9-1.1 1.7v.5M12 17h.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  pulse: "M3 12h4l3-8 4 16 3-8h4",
  archive: "M4 5h16v4H4zM6 9v10h12V9M10 13h4",
  down: "M6 9l6 6 6-6",
});

/** @param {{ name: string }} props */
export function Icon({ name }) {
  return html`<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"
    ><path d=${PATHS[name]} /></svg>`;
}
