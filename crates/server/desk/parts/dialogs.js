/**
 * Dialogs, one at a time: a name, a last question before something is gone for good, help.
 *
 * @module
 */

import { html, useLayoutEffect, useRef, useState } from "./hooks.js";
import { Icon } from "./icons.js";

/**
 * @param {object} props
 * @param {string} props.title
 * @param {"narrow" | "wide"} [props.width] a wide one is for reading, and closed by a button in its corner
 * @param {() => void} props.onClose
 * @param {unknown} props.children
 */
export function Dialog({ title, width = "narrow", onClose, children }) {
  const box = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    box.current?.showModal();
    return () => box.current?.close();
  }, []);
  // A click beside it meets the dialog itself and nothing in it.
  const onClick = (/** @type {MouseEvent} */ event) => event.target === box.current && onClose();
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => event.stopPropagation();
  return html`
    <dialog class="dialog" data-width=${width} ref=${box} aria-labelledby="dialog-title" onClose=${onClose} onClick=${onClick} onKeyDown=${onKeyDown}>
      <div class="dialog-body">
        <div class="dialog-top">
          <h2 id="dialog-title">${title}</h2>
          ${width === "wide" && html`<button type="button" class="button plain icon" onClick=${onClose}><${Icon} name="close" /><span class="unseen">Close</span></button>`}
        </div>
        ${children}
      </div>
    </dialog>
  `;
}

/**
 * @param {object} props
 * @param {string} props.title
 * @param {string} props.value
 * @param {(value: string) => void} props.onDone
 * @param {() => void} props.onClose
 */
export function Rename({ title, value, onDone, onClose }) {
  const [text, setText] = useState(value);
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  useLayoutEffect(() => field.current?.select(), []);
  const onSubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    onClose();
    onDone(text.trim());
  };
  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <form onSubmit=${onSubmit}>
        <label class="small quiet" for="rename-field">Title</label>
        <input id="rename-field" class="field" ref=${field} value=${text} maxlength="200" autocomplete="off" dir="auto"
          onInput=${(/** @type {any} */ event) => setText(event.target.value)} />
        <div class="dialog-buttons">
          <button type="button" class="button" onClick=${onClose}>Cancel</button>
          <button type="submit" class="button primary" disabled=${text.trim() === ""}>Rename</button>
        </div>
      </form>
    <//>
  `;
}

/**
 * Asks once; the harmless answer has the focus.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {string} props.text
 * @param {string} props.yes
 * @param {() => void} props.onDone
 * @param {() => void} props.onClose
 */
export function Confirm({ title, text, yes, onDone, onClose }) {
  const sure = () => {
    onClose();
    onDone();
  };
  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <p>${text}</p>
      <div class="dialog-buttons">
        <button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button type="button" class="button danger" onClick=${sure}>${yes}</button>
      </div>
    <//>
  `;
}
