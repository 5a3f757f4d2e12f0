/**
 * Text as Markdown: the one place of the page where markup that nobody here wrote becomes elements.
 *
 * `markdown-blocks.js` makes the markup, in which what the text itself has of markup is text already; here
 * it is sanitised to the few elements below, and only then put into the page. Of links, none leads
 * anywhere but to the web or to mail, and nothing is fetched.
 *
 * @module
 */

import DOMPurify from "../vendor/dompurify/purify.es.js";
import { Copy } from "./message-copy.js";
import { html, memo, useLayoutEffect, useMemo, useReducer, useRef } from "./hooks.js";
import { cut, markupOf, slices, unsettledIn } from "./markdown-blocks.js";
import { whenLeft } from "./markdown-use.js";

/** @import { Cut, Links } from "./markdown-blocks.js" */

/** Characters above which a text is not looked through at all. */
const TEXT_MAX = 200_000;
/** Characters above which the end of a text that grows is not looked through with each frame, and how long it rests in between, in milliseconds. */
const LARGE = 3000;
const REST_MS = 150;

const ALLOWED = Object.freeze({
  ALLOWED_TAGS: [
    "a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong", "table", "tbody", "td",
    "th", "thead", "tr", "ul", "#text",
  ],
  ALLOWED_ATTR: ["href", "title", "align", "start"],
  // Else they are held for addresses, and dropped because they are none.
  ADD_URI_SAFE_ATTR: ["align", "start"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: /** @type {const} */ (true),
});

/** @type {typeof DOMPurify | null} */
let purifier = null;

/** Made with the first text, so that this module can be loaded where there is no page. */
function purify() {
  if (purifier) return purifier;
  purifier = DOMPurify(window);
  purifier.addHook("afterSanitizeAttributes", (node) => {
    if (!(node instanceof Element)) return;
    if (node.localName === "a" && node.hasAttribute("href")) {
      node.setAttribute("target", "_blank");
      node.setAttribute("rel", "noopener noreferrer nofollow");
    }
    // What scrolls by itself must be reached by keyboard.
    if (node.localName === "pre" || node.localName === "table") node.setAttribute("tabindex", "0");
  });
  return purifier;
}

/**
 * A text as Markdown, which may still grow.
 *
 * @type {new () => import("./hooks.js").Component<{ text: string, grows: boolean }>}
 */
export const Markdown = memo((/** @type {{ text: string, grows: boolean }} */ { text, grows }) => {
  const before = useRef(/** @type {Cut | undefined} */ (undefined));
  const taken = useRested(text, grows && unsettledIn(before.current) > LARGE);
  if (text.length > TEXT_MAX) return html`<${Plain} text=${text} />`;
  const { blocks, links, named } = (before.current = cut(taken, before.current));
  return html`
    <div class="md">
      ${blocks.map(({ kind, raw, lang, text: code }, at) => {
        if (kind === "code") return html`<${Code} key=${at} text=${code} lang=${lang} />`;
        if (kind === "link") return named.has(lang) ? null : html`<${Plain} key=${at} text=${code} />`;
        if (kind === "plain") return html`<${Plain} key=${at} text=${raw} />`;
        return html`<${Rich} key=${at} raw=${raw} links=${links} grows=${grows} />`;
      })}
    </div>
  `;
});

/** A text that grows, as it was when it was taken last: at once, or now and then. @param {string} text @param {boolean} rests @returns {string} */
function useRested(text, rests) {
  const [, again] = useReducer((/** @type {number} */ count, /** @type {void} */ _) => count + 1, 0);
  const taken = useRef({ text, at: performance.now() });
  const rest = rests ? taken.current.at + REST_MS - performance.now() : 0;
  if (rest <= 0 && taken.current.text !== text) taken.current = { text, at: performance.now() };
  const isBehind = taken.current.text !== text;
  useLayoutEffect(() => {
    if (!isBehind) return;
    const timer = setTimeout(() => again(), rest);
    return () => clearTimeout(timer);
  });
  return taken.current.text;
}

/** Whoever selects in it, or is in it by keyboard, is left there while it grows. */
const Rich = memo((/** @type {{ raw: string, links: Links, grows: boolean }} */ { raw, links, grows }) => {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const drawn = useRef(/** @type {{ raw: string, links: Links } | null} */ (null));
  useLayoutEffect(() => {
    const { current: element } = box;
    if (!element || (drawn.current?.raw === raw && drawn.current.links === links)) return;
    const draw = () => {
      drawn.current = { raw, links };
      element.replaceChildren(purify().sanitize(markupOf(raw, links), ALLOWED));
    };
    if (grows && drawn.current) return whenLeft(element, draw);
    draw();
  }, [raw, links, grows]);
  return html`<div class="md-block" dir="auto" ref=${box}></div>`;
});

const Code = memo((/** @type {{ text: string, lang: string }} */ { text, lang }) => html`
  <div class="code" dir="ltr">
    <div class="code-head"><span class="nowrap">${lang || "text"}</span><${Copy} text=${text} what="the code" /></div>
    <pre tabindex="0"><code ref=${useGrown(text)}></code></pre>
  </div>
`);

/** Has a text in an element; where it grows at its end, what is selected in it stays so. @param {string} text */
function useGrown(text) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => {
    const shown = box.current?.firstChild;
    if (shown instanceof Text && text.startsWith(shown.data)) shown.appendData(text.slice(shown.data.length));
    else box.current?.replaceChildren(text);
  }, [text]);
  return box;
}

/**
 * A text as it is, in pieces of which the browser lays out those in sight.
 *
 * @type {new () => import("./hooks.js").Component<{ text: string }>}
 */
export const Plain = memo((/** @type {{ text: string }} */ { text }) => {
  const pieces = useMemo(() => slices(text), [text]);
  return html`<div class="plain" dir="auto">${pieces.map((piece, at) => html`<${Piece} key=${at} text=${piece} />`)}</div>`;
});

const Piece = memo((/** @type {{ text: string }} */ { text }) => html`<div class="plain-piece" ref=${useGrown(text)}></div>`);
