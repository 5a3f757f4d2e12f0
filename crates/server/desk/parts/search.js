/**
 * Messages in which words stand, wherever they are: what was found, and the way there.
 *
 * @module
 */

import { html, useEffect, useState } from "./hooks.js";

/** @import { Hit, World } from "./types.js" */

/** How long somebody has not typed before it is looked, in milliseconds. */
const REST_MS = 250;
/** Characters below which everything would be found. */
const LENGTH_MIN = 2;
/** Hits that are shown; whoever wants others types more. */
const HITS_MAX = 50;

/** @typedef {{ state: "none" | "looking" | "found" | "unsupported" | "failed", hits: readonly Hit[], more: boolean }} Found */

/** @type {Found} */
const NONE = Object.freeze({ state: /** @type {const} */ ("none"), hits: [], more: false });

/**
 * What is found for these words, a moment after they rest; older searches are given up.
 *
 * @param {World} world
 * @param {string} words
 * @returns {Found}
 */
export function useSearch(world, words) {
  const [found, setFound] = useState(NONE);
  const text = words.trim();
  useEffect(() => {
    if (text.length < LENGTH_MIN) return void setFound(NONE);
    const given = new AbortController();
    const timer = setTimeout(async () => {
      setFound((before) => ({ ...before, state: "looking" }));
      const next = await look(world, text, given.signal);
      if (!given.signal.aborted) setFound(next);
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      given.abort();
    };
  }, [world, text]);
  return found;
}

/** @param {World} world @param {string} text @param {AbortSignal} signal @returns {Promise<Found>} */
async function look(world, text, signal) {
  /** @type {Hit[]} */
  const hits = [];
  try {
    for await (const hit of world.search(text, { pageSize: HITS_MAX + 1, signal })) {
      if (hits.length === HITS_MAX) return { state: "found", hits, more: true };
      hits.push(hit);
    }
    return { state: "found", hits, more: false };
  } catch (error) {
    const { code } = /** @type {{ code?: string }} */ (error);
    return { state: code === "unsupported" ? "unsupported" : "failed", hits: [], more: false };
  }
}

/**
 * @param {object} props
 * @param {Found} props.found
 * @param {(chatId: string) => string} props.nameOf
 * @param {(hit: Hit) => void} props.onOpen
 */
export function Hits({ found: { state, hits, more }, nameOf, onOpen }) {
  if (state === "none") return null;
  return html`
    <section class="hits" aria-labelledby="hits-title" aria-busy=${String(state === "looking")}>
      <h2 id="hits-title" class="small quiet">Messages</h2>
      <p class="small quiet" role="status">${sayingOf(state, hits.length, more)}</p>
      <ul>
        ${hits.map((hit) => html`
          <li key=${`${hit.chatId} ${hit.messageId}`}>
            <button type="button" class="hit" onClick=${() => onOpen(hit)}>
              <span class="hit-chat nowrap" dir="auto">${nameOf(hit.chatId)}</span>
              <span class="hit-text small quiet" dir="auto"><${Marked} ...${hit.snippet} /></span>
            </button>
          </li>
        `)}
      </ul>
    </section>
  `;
}

/** @param {Found["state"]} state @param {number} count @param {boolean} more @returns {string} */
function sayingOf(state, count, more) {
  if (state === "unsupported") return "This server cannot search messages, only names of chats.";
  if (state === "failed") return "The search failed. Type on to try again.";
  if (state === "looking") return count === 0 ? "Looking…" : "";
  if (count === 0) return "No message has these words.";
  return more ? `The first ${count}` : "";
}

/** A snippet with its words marked. @param {Hit["snippet"]} props */
function Marked(props) {
  return pieces(props).map(({ text, marked }) => (marked ? html`<mark>${text}</mark>` : text));
}

/**
 * A snippet, cut at its marks, which count bytes of UTF-8.
 *
 * @param {Hit["snippet"]} snippet
 * @returns {{ text: string, marked: boolean }[]}
 */
export function pieces({ text, marks = [] }) {
  const bytes = new TextEncoder().encode(text);
  const cut = (/** @type {number} */ from, /** @type {number} */ to) => new TextDecoder().decode(bytes.subarray(from, to));
  /** @type {{ text: string, marked: boolean }[]} */
  const found = [];
  let at = 0;
  for (const { start, end } of marks) {
    found.push({ text: cut(at, start), marked: false }, { text: cut(start, end), marked: true });
    at = end;
  }
  found.push({ text: cut(at, bytes.length), marked: false });
  return found.filter((piece) => piece.text !== "");
}
