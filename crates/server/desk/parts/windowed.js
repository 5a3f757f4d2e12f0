/**
 * Which rows of a long list are drawn: those in sight, and a few beside them.
 *
 * @module
 */

/** Rows beyond the edge that are drawn as well, so that scrolling finds them there. */
const BESIDE = 6;

/**
 * @param {{ count: number, rowHeight: number, top: number, height: number }} list
 * @returns {{ first: number, last: number }} `last` is not drawn any more
 */
export function inSight({ count, rowHeight, top, height }) {
  const first = Math.max(0, Math.floor(top / rowHeight) - BESIDE);
  const last = Math.min(count, Math.ceil((top + height) / rowHeight) + BESIDE);
  return { first: Math.min(first, last), last };
}

/**
 * Where to scroll so that a row is seen whole; where it is already, that is where the list stands.
 *
 * @param {{ at: number, rowHeight: number, top: number, height: number }} list
 * @returns {number}
 */
export function scrolledTo({ at, rowHeight, top, height }) {
  const begin = at * rowHeight;
  if (begin < top) return begin;
  return Math.max(top, begin + rowHeight - height);
}
