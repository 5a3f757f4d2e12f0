/**
 * A menu: opened by its button, or where the pointer is. Arrows move, Enter chooses, Escape closes.
 *
 * @module
 */

import { html, useEffect, useLayoutEffect, useRef } from "./hooks.js";

/**
 * One entry: something to do, a place to go, or a line in between.
 *
 * @typedef {object} Item
 * @property {string} text
 * @property {() => void} [run]
 * @property {string} [href] is fetched and kept as a file
 * @property {boolean} [danger]
 * @property {boolean} [checked] for one of several choices
 * @property {string} [keys]
 */

/**
 * An open menu, below an element or at a point.
 *
 * @param {object} props
 * @param {string} props.label
 * @param {readonly Item[]} props.items
 * @param {{ x: number, y: number }} props.at
 * @param {() => void} props.onClose
 */
export function Menu({ label, items, at, onClose }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  useLayoutEffect(() => {
    const [menu, before] = [box.current, document.activeElement];
    place(menu, at);
    const all = entries(box.current);
    (all.find((entry) => entry.ariaChecked === "true") ?? all[0])?.focus();
    return () => {
      // Unless something else has taken it, the focus goes back to where it came from.
      const now = document.activeElement;
      if (before instanceof HTMLElement && (now === document.body || menu?.contains(now))) before.focus();
    };
  }, []);
  useEffect(() => {
    const away = (/** @type {Event} */ event) => {
      if (!box.current?.contains(/** @type {Node} */ (event.target))) onClose();
    };
    document.addEventListener("pointerdown", away);
    window.addEventListener("resize", onClose);
    return () => {
      document.removeEventListener("pointerdown", away);
      window.removeEventListener("resize", onClose);
    };
  }, [onClose]);

  const choose = (/** @type {Item} */ item) => () => {
    onClose();
    item.run?.();
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    event.stopPropagation();
    const all = entries(box.current);
    const place = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      return onClose();
    }
    const next = step(event.key, place, all.length);
    if (next === null) return;
    event.preventDefault();
    all[next]?.focus();
  };
  return html`
    <div class="menu" ref=${box} role="menu" aria-label=${label} onKeyDown=${onKeyDown}>
      ${items.map((item) => {
        const role = item.checked === undefined ? "menuitem" : "menuitemradio";
        const checked = item.checked === undefined ? undefined : String(item.checked);
        const inside = html`<span class="nowrap">${item.text}</span>${item.keys && html`<kbd>${item.keys}</kbd>`}`;
        const kind = `menu-item ${item.danger ? "danger" : ""}`;
        return item.href
          ? html`<a class=${kind} role=${role} tabindex="-1" href=${item.href} download onClick=${choose(item)}>${inside}</a>`
          : html`<button type="button" class=${kind} role=${role} tabindex="-1" aria-checked=${checked} onClick=${choose(item)}>${inside}</button>`;
      })}
    </div>
  `;
}

/** @param {HTMLElement | null} box @returns {HTMLElement[]} */
function entries(box) {
  return [.../** @type {NodeListOf<HTMLElement>} */ (box?.querySelectorAll(".menu-item") ?? [])];
}

/** Around in a ring. @param {string} key @param {number} place @param {number} count */
function step(key, place, count) {
  if (key === "ArrowDown") return (place + 1) % count;
  if (key === "ArrowUp") return (place + count - 1) % count;
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : null;
}

/** Within the window, whatever was asked. @param {HTMLElement | null} box @param {{ x: number, y: number }} at */
function place(box, { x, y }) {
  if (!box) return;
  const { width, height } = box.getBoundingClientRect();
  const left = Math.max(8, Math.min(x, window.innerWidth - width - 8));
  const top = y + height + 8 > window.innerHeight ? Math.max(8, y - height) : y;
  box.style.setProperty("left", `${left}px`);
  box.style.setProperty("top", `${top}px`);
}
