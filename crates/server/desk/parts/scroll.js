/**
 * How a timeline is scrolled: it stays at its end while it was there, and where it was otherwise.
 *
 * @module
 */

import { useCallback, useLayoutEffect, useRef, useState } from "./hooks.js";

/** How near to the end is at the end, in pixels. */
const END = 12;
/** How near to an edge further rows are drawn, in pixels. */
const EDGE = 600;

/** @typedef {{ key: string, offset: number }} Place the row at the upper edge, and how far below the edge it begins */

/**
 * @param {object} props
 * @param {{ current: HTMLElement | null }} props.box what scrolls
 * @param {{ current: HTMLElement | null }} props.rows its rows, each with its `data-key`
 * @param {boolean} props.isWhole whether the end that is drawn is the end that there is
 * @param {Place | undefined} props.place where it was
 * @param {(place: Place | undefined) => void} props.onPlace
 * @param {(edge: "upper" | "lower") => void} props.onEdge
 * @param {() => unknown} props.version another one when something was said
 */
export function useScroll({ box, rows, isWhole, place, onPlace, onEdge, version }) {
  const stuck = useRef(place === undefined);
  const [away, setAway] = useState(/** @type {"no" | "yes" | "news"} */ (place === undefined ? "no" : "yes"));
  const latest = useRef({ isWhole, onPlace, onEdge, version });
  latest.current = { isWhole, onPlace, onEdge, version };
  /** What had been said when the end was left. */
  const known = useRef(version());
  /** What must stay where it is when rows come or go above it. @type {{ current: Place | null }} */
  const held = useRef(place ?? null);

  /** It is at its end, and stays there. */
  const arrive = useCallback(() => {
    stuck.current = true;
    setAway("no");
    latest.current.onPlace(undefined);
  }, []);

  const toEnd = useCallback(() => {
    arrive();
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, []);

  /** Keeps what is seen where it is, through the next change of the rows. */
  const hold = useCallback(() => {
    held.current = stuck.current ? null : (placeNow(box.current, rows.current) ?? null);
  }, []);

  useLayoutEffect(() => {
    const [scroller, content] = [box.current, rows.current];
    if (!scroller || !content) return undefined;
    let [top, height, frame] = [scroller.scrollTop, content.offsetHeight, 0];
    const look = () => {
      frame = 0;
      const { scrollTop, scrollHeight, clientHeight } = scroller;
      if (!stuck.current) latest.current.onPlace(placeNow(scroller, content));
      if (scrollTop < EDGE) latest.current.onEdge("upper");
      if (scrollHeight - scrollTop - clientHeight < EDGE) latest.current.onEdge("lower");
    };
    const onScroll = () => {
      const { scrollTop, scrollHeight, clientHeight } = scroller;
      const left = scrollHeight - scrollTop - clientHeight;
      // Only going up leaves the end, be it by a little: what is below otherwise came after it was scrolled to.
      const isNear = stuck.current || left <= END;
      const isEnd = ((isNear && scrollTop >= top) || left < 1) && latest.current.isWhole;
      top = scrollTop;
      if (isEnd !== stuck.current) {
        stuck.current = isEnd;
        setAway(isEnd ? "no" : "yes");
        known.current = latest.current.version();
        if (isEnd) latest.current.onPlace(undefined);
      }
      frame ||= requestAnimationFrame(look);
    };
    const onSize = () => {
      const grew = content.offsetHeight > height;
      height = content.offsetHeight;
      if (stuck.current) scroller.scrollTop = scroller.scrollHeight;
      else if (latest.current.isWhole && isAllInSight(scroller)) arrive();
      else if (grew && known.current !== latest.current.version()) setAway("news");
      top = scroller.scrollTop;
    };
    const sizes = new ResizeObserver(onSize);
    sizes.observe(content);
    sizes.observe(scroller);
    scroller.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      sizes.disconnect();
      scroller.removeEventListener("scroll", onScroll);
    };
  }, []);

  /** Once the rows are drawn: what was held is where it was. */
  const settle = useCallback(() => {
    if (stuck.current && box.current) box.current.scrollTop = box.current.scrollHeight;
    else if (held.current) putTo(box.current, rows.current, held.current);
    held.current = null;
    if (!stuck.current && latest.current.isWhole && isAllInSight(box.current)) arrive();
  }, []);

  /** Shows a row in the upper third. */
  const show = useCallback((/** @type {string} */ key) => {
    stuck.current = false;
    setAway("yes");
    held.current = { key, offset: (box.current?.clientHeight ?? 0) / 4 };
  }, []);

  return { away, toEnd, hold, settle, show };
}

/** Whether there is nothing to scroll to. @param {HTMLElement | null} box */
const isAllInSight = (box) => box !== null && box.scrollHeight <= box.clientHeight;

/** @param {HTMLElement} rows @returns {HTMLElement[]} */
const keyed = (rows) => /** @type {HTMLElement[]} */ ([...rows.children]).filter(({ dataset }) => dataset["key"]);

/** @param {HTMLElement | null} box @param {HTMLElement | null} rows @returns {Place | undefined} */
function placeNow(box, rows) {
  if (!box || !rows) return undefined;
  const edge = box.getBoundingClientRect().top;
  const all = keyed(rows);
  let [low, high] = [0, all.length - 1];
  // The first row that ends below the edge.
  while (low < high) {
    const middle = (low + high) >> 1;
    if (/** @type {HTMLElement} */ (all[middle]).getBoundingClientRect().bottom > edge) high = middle;
    else low = middle + 1;
  }
  const row = all[low];
  return row && { key: row.dataset["key"] ?? "", offset: Math.round(row.getBoundingClientRect().top - edge) };
}

/** @param {HTMLElement | null} box @param {HTMLElement | null} rows @param {Place} place */
function putTo(box, rows, { key, offset }) {
  const row = rows && keyed(rows).find(({ dataset }) => dataset["key"] === key);
  if (!box || !row) return;
  box.scrollTop += row.getBoundingClientRect().top - box.getBoundingClientRect().top - offset;
}
