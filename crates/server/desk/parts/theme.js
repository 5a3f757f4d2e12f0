/**
 * Light, dark, or as the system has it.
 *
 * @module
 */

import { Cell } from "./cell.js";

/** @typedef {"auto" | "light" | "dark"} Theme */

const KEY = "polychat-theme";
/** @type {readonly Theme[]} */
const THEMES = ["auto", "light", "dark"];

/** @type {Readonly<Record<Theme, string>>} */
export const THEME_NAMES = Object.freeze({ auto: "as the system", light: "light", dark: "dark" });

/** @type {Cell<Theme>} */
export const theme = new Cell(kept());
show(theme.getSnapshot());

/** From one to the next. */
export function nextTheme() {
  const at = THEMES.indexOf(theme.getSnapshot());
  const next = THEMES[(at + 1) % THEMES.length] ?? "auto";
  show(next);
  theme.set(next);
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // A browser that keeps nothing shows it for as long as the page is open.
  }
}

/** @returns {Theme} */
function kept() {
  try {
    const name = localStorage.getItem(KEY);
    return THEMES.find((each) => each === name) ?? "auto";
  } catch {
    return "auto";
  }
}

/** @param {Theme} name */
function show(name) {
  document.documentElement.dataset["theme"] = name;
}
