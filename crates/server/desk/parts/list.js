/**
 * The list of chats: one stop for the keyboard, however many there are, and only those in sight are drawn.
 *
 * Arrows move along it, Enter opens. What is open is known by the store; where the keys are, is known here.
 *
 * @module
 */

import { html, useCallback, useEffect, useLayoutEffect, useRef, useState } from "./hooks.js";
import { Row, rowId } from "./row.js";
import { inSight, scrolledTo } from "./windowed.js";

/** @import { ChatRow } from "./types.js" */

/** The height of a line in pixels, as `style.css` has it. */
const ROW_HEIGHT = 58;

/**
 * @param {object} props
 * @param {readonly ChatRow[]} props.rows
 * @param {string | null} props.selected
 * @param {(row: ChatRow) => string} props.nameOf
 * @param {(rows: readonly ChatRow[]) => void} props.onSeen hears which are drawn
 * @param {(chatId: string) => void} props.onOpen hears of a chat that was opened by keys
 * @param {(chatId: string) => void} props.onPick hears of one that was pointed at
 * @param {(chatId: string, event: MouseEvent) => void} props.onMenu
 * @param {string} props.nothing what to say when there are none
 * @param {boolean} props.isShort whether it leaves room below that it does not need
 * @param {string} props.filter names which chats these are
 */
export function List({ rows, selected, nameOf, onSeen, onOpen, onPick, onMenu, nothing, isShort, filter }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const sight = useSight(box);
  const [at, setAt] = useKept(selected);
  const placeNow = () => Math.max(0, rows.findIndex(({ chatId }) => chatId === at()));
  const place = placeNow();
  const { first, last } = inSight({ count: rows.length, rowHeight: ROW_HEIGHT, ...sight });
  const drawn = rows.slice(first, last);
  // The one that the keys are at is there, in sight or not, so that it can be named.
  const far = rows[place] && (place < first || place >= last) ? rows[place] : null;
  useEffect(() => onSeen(drawn), [rows, first, last]);
  useShown(box, rows, selected, filter);

  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    // With Alt, arrows go from chat to chat, here as anywhere.
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const now = placeNow();
    const next = moved(event.key, { place: now, count: rows.length, page: Math.max(1, Math.floor(sight.height / ROW_HEIGHT) - 1) });
    const row = rows[next ?? now];
    if (next === null && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (!row) return;
    if (next === null) return onOpen(row.chatId);
    setAt(row.chatId);
    reveal(box.current, next);
  };

  const draw = (/** @type {ChatRow} */ row, /** @type {number} */ index) => html`
    <${Row} key=${row.chatId} row=${row} name=${nameOf(row)} at=${index} count=${rows.length} top=${index * ROW_HEIGHT}
      active=${index === place} onMenu=${onMenu} />
  `;
  const pressing = usePressing(onPick);
  // A list box without an option is none.
  return html`
    <div class="list" id="chats" ref=${box} tabindex="0" role=${rows.length > 0 ? "listbox" : "group"} aria-label="Chats" aria-activedescendant=${rows[place] ? rowId(rows[place].chatId) : undefined}
      style=${{ maxHeight: isShort ? `${Math.max(1, rows.length) * ROW_HEIGHT + 8}px` : "" }} onKeyDown=${onKeyDown} ...${pressing}>
      <div class="list-all" role="presentation" style=${{ height: `${rows.length * ROW_HEIGHT}px` }}>
        ${drawn.map((row, index) => draw(row, first + index))}
        ${far && draw(far, place)}
      </div>
      ${rows.length === 0 && html`<p class="list-nothing quiet" role="presentation">${nothing}</p>`}
    </div>
  `;
}

/**
 * Who presses a line means that one, also when the list moves before the button is let go.
 *
 * @param {(chatId: string) => void} onPick
 */
function usePressing(onPick) {
  const pressed = useRef(/** @type {string | undefined} */ (undefined));
  return {
    onMouseDown: (/** @type {MouseEvent} */ event) => void (pressed.current = chatAt(event)),
    onClick: (/** @type {MouseEvent} */ event) => {
      // A click that no pointer made was not pressed.
      const chatId = event.detail > 0 ? pressed.current : chatAt(event);
      if (chatId !== undefined) onPick(chatId);
    },
  };
}

/** The chat of the line where something happened. @param {Event} event @returns {string | undefined} */
function chatAt({ target }) {
  const line = target instanceof Element ? target.closest("[data-chat]") : null;
  return line instanceof HTMLElement ? line.dataset["chat"] : undefined;
}

/** Where a key leads; `null` when nowhere. @param {string} key @param {{ place: number, count: number, page: number }} list */
export function moved(key, { place, count, page }) {
  /** @type {Record<string, number>} */
  const places = { ArrowDown: place + 1, ArrowUp: place - 1, PageDown: place + page, PageUp: place - page, Home: 0, End: count - 1 };
  const next = places[key];
  return next === undefined ? null : Math.max(0, Math.min(count - 1, next));
}

/**
 * Where the keys are. It is read when it is needed, because keys may come faster than the list is drawn.
 *
 * @param {string | null} selected takes the keys along whenever another chat is opened
 * @returns {[() => string | null, (chatId: string | null) => void]}
 */
function useKept(selected) {
  const [, draw] = useState(/** @type {string | null} */ (null));
  const kept = useRef({ selected, at: selected });
  if (kept.current.selected !== selected) kept.current = { selected, at: selected };
  const set = (/** @type {string | null} */ chatId) => {
    kept.current = { ...kept.current, at: chatId };
    draw(chatId);
  };
  return [() => kept.current.at, set];
}

/** How far the list is scrolled, and how high it is. @param {{ current: HTMLDivElement | null }} box */
function useSight(box) {
  const [sight, setSight] = useState({ top: 0, height: 800 });
  const look = useCallback(() => {
    const { scrollTop = 0, clientHeight = 0 } = box.current ?? {};
    // Half a screen is drawn beside, so not every pixel matters.
    const top = Math.floor(scrollTop / ROW_HEIGHT) * ROW_HEIGHT;
    setSight((before) => (before.top === top && before.height === clientHeight ? before : { top, height: clientHeight }));
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    look();
    element.addEventListener("scroll", look, { passive: true });
    const sizes = new ResizeObserver(look);
    sizes.observe(element);
    return () => {
      element.removeEventListener("scroll", look);
      sizes.disconnect();
    };
  }, []);
  return sight;
}

/**
 * What was just opened is in sight, also among other chats; afterwards it may move and nobody's list moves with it.
 *
 * @param {{ current: HTMLDivElement | null }} box
 * @param {readonly ChatRow[]} rows
 * @param {string | null} selected
 * @param {string} filter
 */
function useShown(box, rows, selected, filter) {
  const shown = useRef("");
  useLayoutEffect(() => {
    const wanted = `${filter} ${selected}`;
    if (shown.current === wanted) return;
    const place = rows.findIndex(({ chatId }) => chatId === selected);
    // As long as nobody knows when something happened in a new one, it stands at the far end.
    if (selected !== null && !rows[place]?.activeAt) return;
    shown.current = wanted;
    if (place >= 0) reveal(box.current, place);
  }, [selected, rows, filter]);
}

/** @param {HTMLDivElement | null} box @param {number} at */
function reveal(box, at) {
  if (box) box.scrollTop = scrolledTo({ at, rowHeight: ROW_HEIGHT, top: box.scrollTop, height: box.clientHeight });
}
