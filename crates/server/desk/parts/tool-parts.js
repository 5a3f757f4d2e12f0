/**
 * The parts of a message or a result that are no plain text, and JSON for people.
 *
 * @module
 */

import { html } from "./hooks.js";
import { Plain } from "./markdown.js";
import { size } from "./turn-words.js";

/** @typedef {import("./timeline-entries.js").Message["parts"][number]} Part */

/** Pictures that a browser draws and that can do nothing. */
const PICTURES = /^image\/(?:png|jpeg|gif|webp|avif)$/;

/** @param {{ parts: readonly Part[] }} props */
export function Parts({ parts }) {
  return parts.map((part, at) => html`<${One} key=${at} part=${part} />`);
}

/** @param {{ part: Part }} props */
function One({ part }) {
  if (part.type === "text") return html`<${Plain} text=${part.text} />`;
  if (part.type === "opaque") return html`<p class="quiet small">Data of ${part.provider}</p>`;
  const { mediaType, source } = part;
  if (source.type === "uri") {
    return /^https?:/i.test(source.uri)
      ? html`<p class="small"><a href=${source.uri} target="_blank" rel="noopener noreferrer nofollow">${mediaType}: ${source.uri}</a></p>`
      : html`<p class="small">${mediaType}: ${source.uri}</p>`;
  }
  if (PICTURES.test(mediaType)) return html`<img class="picture" src=${`data:${mediaType};base64,${source.data}`} alt=${`A picture (${mediaType})`} />`;
  return html`<p class="quiet small">${mediaType}, ${size(Math.floor(source.data.length * 0.75))}</p>`;
}

/** @param {unknown} value @returns {string} */
export function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** In one line, as far as it goes. @param {unknown} value @returns {string} */
export function brief(value) {
  if (isNothing(value)) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** @param {unknown} value */
function isNothing(value) {
  return value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
}
