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
import { html, memo, useLayoutEffect, useMemo, useRef } from "./hooks.js";
import { cut, markupOf, slices } from "./markdown-blocks.js";

/** @import { Cut, Links } from "./markdown-blocks.js" */

/** Characters above which a text is not looked through at all. */
const TEXT_MAX = 200_000;
/** Characters above which a block that grows is not drawn anew with each frame, and how long it rests in between, in milliseconds. */
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
  if (text.length > TEXT_MAX) return html`<${Plain} text=${text} />`;
  const { blocks, links } = (before.current = cut(text, before.current));
  return html`
    <div class="md">
      ${blocks.map(({ kind, raw, lang, text: code }, at) => {
        if (kind === "code") return html`<${Code} key=${at} text=${code} lang=${lang} />`;
        if (kind === "plain") return html`<${Plain} key=${at} text=${raw} />`;
        return html`<${Rich} key=${at} raw=${raw} links=${links} rests=${grows && at === blocks.length - 1 && raw.length > LARGE} />`;
      })}
    </div>
  `;
});

const Rich = memo((/** @type {{ raw: string, links: Links, rests: boolean }} */ { raw, links, rests }) => {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const drawnAt = useRef(0);
  useLayoutEffect(() => {
    const draw = () => {
      drawnAt.current = performance.now();
      box.current?.replaceChildren(purify().sanitize(markupOf(raw, links), ALLOWED));
    };
    const rest = rests ? drawnAt.current + REST_MS - performance.now() : 0;
    if (rest <= 0) return void draw();
    const timer = setTimeout(draw, rest);
    return () => clearTimeout(timer);
  }, [raw, links, rests]);
  return html`<div class="md-block" dir="auto" ref=${box}></div>`;
});

const Code = memo((/** @type {{ text: string, lang: string }} */ { text, lang }) => html`
  <div class="code" dir="ltr">
    <div class="code-head"><span class="nowrap">${lang || "text"}</span><${Copy} text=${text} what="the code" /></div>
    <pre tabindex="0"><code>${text}</code></pre>
  </div>
`);

/**
 * A text as it is, in pieces of which the browser lays out those in sight.
 *
 * @type {new () => import("./hooks.js").Component<{ text: string }>}
 */
export const Plain = memo((/** @type {{ text: string }} */ { text }) => {
  const pieces = useMemo(() => slices(text), [text]);
  return html`<div class="plain" dir="auto">${pieces.map((piece, at) => html`<${Piece} key=${at} text=${piece} />`)}</div>`;
});

const Piece = memo((/** @type {{ text: string }} */ { text }) => html`<div class="plain-piece">${text}</div>`);
