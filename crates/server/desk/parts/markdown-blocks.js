/**
 * Markdown in blocks: what a text consists of, and the markup of one block.
 *
 * A text that grows is cut anew only near its end, so that an answer being written costs what is new of
 * it. Markup made here is not trusted: `markdown.js` sanitises it before it is shown.
 *
 * @module
 */

import { Lexer, Marked } from "../vendor/marked/marked.esm.js";

/**
 * `code` is shown as it is, `plain` as text because it is too long to be looked through, `rich` as Markdown; `link` says where a
 * name leads, and is shown as text where nothing has that name: then it was not meant so.
 *
 * @typedef {object} Block
 * @property {"code" | "plain" | "rich" | "link"} kind
 * @property {string} raw
 * @property {string} lang of code, as it was named; of a link, its name
 * @property {string} text of code and of a link
 */

/** @typedef {Readonly<Record<string, { href: string, title: string }>>} Links where the references of a text lead */

/**
 * @typedef {object} Cut
 * @property {string} text
 * @property {readonly Block[]} blocks
 * @property {readonly number[]} ends where each block ends in the text
 * @property {Links} links
 * @property {ReadonlySet<string>} named what the text refers to, where it says of anything where that leads
 */

/** Characters above which a block is not looked through. */
const RICH_MAX = 20_000;
/** Likewise signs that may mean something: what some texts take grows with their square. */
const SIGNS_MAX = 2000;
const SIGNS = /[_*~[\]!<`@\\]/g;
/** Quotes within quotes and lists within lists, deeper than any that says something. */
const DEEP = /^(?:[ \t]*(?:>[ \t]?|(?:[*+-]|\d{1,9}[.)])[ \t]+){17}|[ \t]{64,}(?:[*+-]|\d{1,9}[.)])[ \t])/m;
/** Blocks at the end of a growing text that what follows may still change. */
const UNSETTLED = 2;

/** @type {Cut} */
const NOTHING = Object.freeze({ text: "", blocks: [], ends: [], links: {}, named: new Set() });

const marked = new Marked({
  gfm: true,
  renderer: {
    // Markup in an answer is something that it says.
    html: ({ text, block }) => (block ? `<p>${escaped(text.trimEnd())}</p>` : escaped(text)),
    heading({ tokens, depth }) {
      const level = Math.min(6, depth + 2);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    // Nothing is fetched because an answer says so.
    image: ({ href, text }) => `<a href="${escaped(href)}">🖼 ${escaped(text || href)}</a>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

/**
 * What a text consists of.
 *
 * @param {string} source
 * @param {Cut} [before] what its beginning, if it is one, consists of
 * @returns {Cut}
 */
export function cut(source, before = NOTHING) {
  const text = source.replaceAll(/\r\n?/g, "\n");
  if (text === before.text) return before;
  const grew = before.text !== "" && text.startsWith(before.text);
  const settled = grew ? Math.max(0, before.blocks.length - UNSETTLED) : 0;
  const blocks = before.blocks.slice(0, settled);
  const ends = before.ends.slice(0, settled);
  const found = lexed(text.slice(ends.at(-1) ?? 0), ends.at(-1) ?? 0);
  const isKnown = Object.entries(found.links).every(([name, { href }]) => before.links[name]?.href === href);
  const links = grew && isKnown ? before.links : { ...(grew && before.links), ...found.links };
  blocks.push(...found.blocks);
  return { text, blocks, ends: [...ends, ...found.ends], links, named: namedIn(blocks) };
}

/** Characters at the end of a text that are looked through anew when it grows. @param {Cut} [cut] */
export function unsettledIn({ text, ends } = NOTHING) {
  return text.length - (ends.at(-1 - UNSETTLED) ?? 0);
}

/** What stands in brackets, in small letters as links are found. @param {readonly Block[]} blocks @returns {ReadonlySet<string>} */
function namedIn(blocks) {
  if (!blocks.some(({ kind }) => kind === "link")) return NOTHING.named;
  const texts = blocks.filter(({ kind }) => kind === "rich").flatMap(({ raw }) => [...raw.matchAll(/\[((?:\\.|[^[\]\\])+)\]/g)]);
  return new Set(texts.map(([, name = ""]) => name.trim().toLowerCase().replaceAll(/\s+/g, " ")));
}

/** @param {string} text @param {number} from */
function lexed(text, from) {
  /** @type {Block[]} */
  const blocks = [];
  /** @type {number[]} */
  const ends = [];
  try {
    if (DEEP.test(text)) throw new Error("nested too deep");
    const lexer = new Lexer(marked.defaults);
    let end = from;
    for (const token of lexer.blockTokens(text, lexer.tokens)) {
      end += token.raw.length;
      if (token.type === "space") continue;
      blocks.push(blockOf(token));
      ends.push(end);
    }
    // What does not add up cannot be gone on from.
    if (end === from + text.length) return { blocks, ends, links: /** @type {Links} */ (lexer.tokens.links) };
  } catch (error) {
    console.debug(`shown as plain text: ${error}`);
  }
  /** @type {Block} */
  const all = { kind: "plain", raw: text, lang: "", text };
  return { blocks: [all], ends: [from + text.length], links: /** @type {Links} */ ({}) };
}

/** @param {import("../vendor/marked/marked.esm.js").Token} token @returns {Block} */
function blockOf({ type, raw, ...token }) {
  if (type === "code") {
    const { lang = "", text } = /** @type {{ lang?: string, text: string }} */ (/** @type {unknown} */ (token));
    return { kind: "code", raw, lang: lang.split(/\s/)[0] ?? "", text };
  }
  if (type === "def") {
    const { tag } = /** @type {{ tag: string }} */ (/** @type {unknown} */ (token));
    return { kind: "link", raw, lang: tag, text: raw.trimEnd() };
  }
  const isLong = raw.length > RICH_MAX || (raw.match(SIGNS)?.length ?? 0) > SIGNS_MAX;
  return { kind: isLong ? "plain" : "rich", raw, lang: "", text: raw };
}

/**
 * The markup of one block; not to be trusted.
 *
 * @param {string} raw
 * @param {Links} links
 * @returns {string}
 */
export function markupOf(raw, links) {
  try {
    const lexer = new Lexer(marked.defaults);
    Object.assign(lexer.tokens.links, links);
    return marked.parser(lexer.lex(raw));
  } catch {
    return `<p>${escaped(raw)}</p>`;
  }
}

/** @type {Readonly<Record<string, string>>} */
const ENTITIES = Object.freeze({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" });

/** @param {string} text @returns {string} */
const escaped = (text) => text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);

/**
 * A long text in pieces that can be laid out one by one, cut where a line or a word ends if possible.
 *
 * @param {string} text
 * @param {number} [size]
 * @returns {string[]}
 */
export function slices(text, size = 16_384) {
  /** @type {string[]} */
  const pieces = [];
  let at = 0;
  while (text.length - at > size) {
    // Looked for in the piece alone: a text may have no other line.
    const piece = text.slice(at, at + size);
    const [line, word] = [piece.lastIndexOf("\n") + 1, piece.lastIndexOf(" ") + 1];
    const end = at + (line > size / 2 ? line : word > size / 2 ? word : size);
    const next = whole(text, end);
    pieces.push(text.slice(at, next));
    at = next;
  }
  pieces.push(text.slice(at));
  return pieces;
}

/** A place that does not part the halves of a character. @param {string} text @param {number} at */
function whole(text, at) {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff ? at + 1 : at;
}
