/**
 * Where something cannot be drawn, that is said in its place, and everything beside it goes on (law 6).
 *
 * @module
 */

import { useErrorBoundary } from "./hooks.js";

/**
 * @param {object} props
 * @param {(again: () => void) => unknown} props.instead what is drawn then; `again` tries once more
 * @param {(error: unknown) => void} [props.onBroken] hears why, once
 * @param {any} props.children
 */
export function Boundary({ instead, onBroken = () => {}, children }) {
  const [error, again] = useErrorBoundary((/** @type {unknown} */ why) => {
    console.error(why);
    onBroken(why);
  });
  return error === undefined ? children : instead(again);
}
