/**
 * A text that was sent or waits, being changed in its place.
 *
 * @module
 */

import { html, useLayoutEffect, useRef, useState } from "./hooks.js";
import { fit } from "./composer-field.js";

/** Texts being changed that are kept while nobody looks at them; the oldest give way. */
const UNSAVED_MAX = 100;

/** What was changed and not saved, by what it is of. @type {Map<string, string>} */
const unsaved = new Map();

/** Whether something of it was changed and not saved. @param {string} name */
export const isUnsaved = (name) => unsaved.has(name);

/** What was changed and not saved of it; empty for nothing. @param {string} name */
export const unsavedText = (name) => unsaved.get(name) ?? "";

/** The names of all that was changed and not saved, and begin so. @param {string} beginning */
export const unsavedOf = (beginning) => [...unsaved.keys()].filter((name) => name.startsWith(beginning));

/** Takes what was changed and not saved. @param {string} name @returns {string | undefined} */
export function takeUnsaved(name) {
  const text = unsaved.get(name);
  unsaved.delete(name);
  return text;
}

/** Keeps what was changed and not saved. @param {string} name @param {string} text */
export function keepUnsaved(name, text) {
  unsaved.delete(name);
  unsaved.set(name, text);
  const [oldest] = unsaved.keys();
  if (unsaved.size > UNSAVED_MAX && oldest !== undefined) unsaved.delete(oldest);
}

/**
 * @param {object} props
 * @param {string} props.name what the text is of: what was changed is there again when somebody comes back
 * @param {string} props.label
 * @param {string} props.value
 * @param {string} props.yes
 * @param {string} [props.note]
 * @param {(text: string) => unknown} props.onDone
 * @param {() => void} props.onCancel
 */
export function Editor({ name, label, value, yes, note = "", onDone, onCancel }) {
  const [text, setText] = useState(unsaved.get(name) ?? value);
  const [underWay, setUnderWay] = useState(false);
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(text.length, text.length);
  }, []);
  useLayoutEffect(() => fit(field.current), [text]);
  const change = (/** @type {string} */ next) => {
    setText(next);
    keepUnsaved(name, next);
  };
  const done = async () => {
    if (underWay || text.trim() === "") return;
    setUnderWay(true);
    await onDone(text);
    setUnderWay(false);
  };
  const cancel = () => {
    takeUnsaved(name);
    onCancel();
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing || (event.key !== "Escape" && event.key !== "Enter") || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") cancel();
    else void done();
  };
  return html`
    <form class="editor" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), void done())}>
      <textarea class="field" ref=${field} aria-label=${label} dir="auto" rows="1" value=${text} onKeyDown=${onKeyDown}
        onInput=${(/** @type {any} */ event) => change(event.target.value)}></textarea>
      <div class="editor-buttons">
        <span class="quiet small">${note}</span>
        <button type="button" class="button" onClick=${cancel}>Cancel</button>
        <button type="submit" class="button primary" disabled=${underWay || text.trim() === ""}>${yes}</button>
      </div>
    </form>
  `;
}
