/**
 * A text that was sent or waits, being changed in its place.
 *
 * @module
 */

import { html, useLayoutEffect, useRef, useState } from "./hooks.js";
import { fit } from "./composer-field.js";

/**
 * @param {object} props
 * @param {string} props.label
 * @param {string} props.value
 * @param {string} props.yes
 * @param {string} [props.note]
 * @param {(text: string) => unknown} props.onDone
 * @param {() => void} props.onCancel
 */
export function Editor({ label, value, yes, note = "", onDone, onCancel }) {
  const [text, setText] = useState(value);
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(value.length, value.length);
  }, []);
  useLayoutEffect(() => fit(field.current), [text]);
  const done = () => text.trim() !== "" && void onDone(text);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing || (event.key !== "Escape" && event.key !== "Enter") || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") onCancel();
    else done();
  };
  return html`
    <form class="editor" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), done())}>
      <textarea class="field" ref=${field} aria-label=${label} dir="auto" rows="1" value=${text} onKeyDown=${onKeyDown}
        onInput=${(/** @type {any} */ event) => setText(event.target.value)}></textarea>
      <div class="editor-buttons">
        <span class="quiet small">${note}</span>
        <button type="button" class="button" onClick=${onCancel}>Cancel</button>
        <button type="submit" class="button primary" disabled=${text.trim() === ""}>${yes}</button>
      </div>
    </form>
  `;
}
