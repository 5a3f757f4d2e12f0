/**
 * The rendering library, and how components read what is published.
 *
 * Every other part imports `html` and the hooks from here, so that one file names the vendored library.
 *
 * @module
 */

import { Component, h, useEffect, useLayoutEffect, useReducer, useRef } from "../vendor/htm-preact/standalone.module.js";

export {
  Component, h, html, render, useCallback, useEffect, useErrorBoundary, useLayoutEffect, useMemo, useReducer,
  useRef, useState,
} from "../vendor/htm-preact/standalone.module.js";

/**
 * Something that is published: the store, one chat of it, or a cell of this page.
 *
 * @template Value
 * @typedef {object} Subscribable
 * @property {() => Value} getSnapshot the same reference as long as nothing was published
 * @property {(listener: () => void) => () => void} subscribe
 */

/**
 * What is published now; the component is drawn again when that changes.
 *
 * With `select` it is drawn again only when the selected part changes, compared by reference.
 *
 * @template Value
 * @template [Part=Value]
 * @param {Subscribable<Value>} source
 * @param {(value: Value) => Part} [select]
 * @returns {Part}
 */
export function useSnapshot(source, select) {
  const [, again] = useReducer((/** @type {number} */ count, /** @type {void} */ _) => count + 1, 0);
  const read = () => /** @type {Part} */ (select ? select(source.getSnapshot()) : source.getSnapshot());
  const value = read();
  const drawn = useRef({ read, value });
  drawn.current = { read, value };
  useLayoutEffect(() => {
    const look = () => {
      if (drawn.current.read() !== drawn.current.value) again();
    };
    const end = source.subscribe(look);
    // What was published between drawing and subscribing.
    look();
    return end;
  }, [source]);
  return value;
}

/**
 * A component that is drawn again only when one of its properties is another one.
 *
 * @template {object} Props
 * @param {(props: Props) => unknown} draw
 * @returns {new () => Component<Props>}
 */
export function memo(draw) {
  return /** @type {any} */ (
    class extends Component {
      /** @override @param {any} next @returns {boolean} */
      shouldComponentUpdate(next) {
        return !sameProps(/** @type {any} */ (this.props), next);
      }

      /** @override @param {any} props */
      render(props) {
        return h(/** @type {any} */ (draw), props);
      }
    }
  );
}

/** @param {Record<string, unknown>} a @param {Record<string, unknown>} b */
function sameProps(a, b) {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/**
 * Listens for as long as the component is there.
 *
 * @param {EventTarget} target
 * @param {string} type
 * @param {(event: any) => void} listener
 */
export function useListener(target, type, listener) {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => {
    const hear = (/** @type {Event} */ event) => latest.current(event);
    target.addEventListener(type, hear);
    return () => target.removeEventListener(type, hear);
  }, [target, type]);
}
