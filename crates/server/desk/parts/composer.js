/**
 * The message field of one chat. Nothing that goes on in this chat or in another keeps it from being typed into and sent (REQ-1, REQ-7).
 *
 * @module
 */

import { html, useLayoutEffect, useListener, useRef, useSnapshot, useState } from "./hooks.js";
import { fit } from "./composer-field.js";
import { leaveField } from "./focus.js";
import { isLetter } from "./keys.js";
import { isShut } from "./signal.js";
import { useUnsent } from "./unsent.js";

/** @import { Pane } from "./chat.js" */
/** @import { Mode } from "./drafts.js" */

/** What a message asks for while the chat is busy. @type {readonly { mode: Mode, text: string, code: string, hint: string }[]} */
const MODES = Object.freeze([
  { mode: "queue", text: "Queue", code: "Digit1", hint: "Waits for its turn (Alt+1)" },
  { mode: "steer", text: "Steer", code: "Digit2", hint: "Joins the running turn at its next step (Alt+2)" },
  { mode: "interrupt", text: "Interrupt", code: "Digit3", hint: "Stops the running turn and goes first (Alt+3)" },
]);

/** @param {{ pane: Pane }} props */
export function Composer({ pane }) {
  const { handle, drafts, chatId, attempt } = pane;
  const draft = useSnapshot(handle, (snapshot) => snapshot.draft);
  const isBusy = useSnapshot(handle, ({ busy }) => busy.kind === "running" || busy.kind === "awaiting");
  const canStop = useSnapshot(handle, ({ busy }) => busy.turnId !== null);
  const shut = useSnapshot(handle, isShut);
  const [mode, setMode] = useState(/** @type {Mode} */ (drafts.of(chatId).mode ?? "queue"));
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  useDraft(pane, draft);
  useUnsent(pane);
  useLayoutEffect(() => fit(field.current), [draft]);

  const choose = (/** @type {Mode} */ next) => {
    setMode(next);
    drafts.keep(chatId, { mode: next === "queue" ? undefined : next });
  };
  const stop = () => attempt("Not stopped", () => handle.stop());
  const send = () => {
    if (draft.trim() === "" || shut) return;
    void attempt("Not sent", () => handle.send(undefined, isBusy ? { mode } : {}));
    pane.toEnd();
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape" && !event.isComposing) return leaveField();
    if (event.isComposing || event.key !== "Enter" || event.shiftKey || event.altKey) return;
    event.preventDefault();
    send();
  };
  useListener(document, "keydown", (event) => {
    if (!event.altKey || isLetter(event) || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const chosen = isBusy && MODES.find(({ code }) => code === event.code);
    if (chosen) choose(chosen.mode);
    else if (event.code === "KeyS" && canStop) void stop();
    else return;
    event.preventDefault();
  });

  return html`
    <form class="composer" data-shut=${String(shut)} onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), send())}>
      <label class="unseen" for="message">Message</label>
      <textarea id="message" class="composer-field" ref=${field} rows="1" dir="auto" placeholder=${placeholderOf(shut, isBusy)} value=${draft}
        disabled=${shut} onKeyDown=${onKeyDown} onInput=${(/** @type {any} */ event) => handle.setDraft(event.target.value)}></textarea>
      <div class="composer-bar">
        ${isBusy
          ? html`<${Modes} mode=${mode} choose=${choose} />`
          : html`<span class="quiet small composer-hint"><kbd>Enter</kbd> sends, <kbd>Shift+Enter</kbd> begins a line</span>`}
        <span class="composer-gap"></span>
        ${canStop && html`<button type="button" class="button stop" title="Stop this chat (Alt+S)" onClick=${stop}><span class="stop-mark" aria-hidden="true"></span>Stop</button>`}
        <button type="submit" class="button primary send" disabled=${draft.trim() === "" || shut}>${isBusy ? MODES.find((each) => each.mode === mode)?.text : "Send"}</button>
      </div>
    </form>
  `;
}

/** @param {boolean} shut @param {boolean} isBusy */
function placeholderOf(shut, isBusy) {
  if (shut) return "No message can be sent here";
  return isBusy ? "Write on: there is no need to wait" : "Message";
}

/** @param {{ mode: Mode, choose: (mode: Mode) => void }} props */
function Modes({ mode, choose }) {
  return html`
    <fieldset class="modes">
      <legend class="unseen">This chat is busy: the message is to</legend>
      ${MODES.map(({ mode: each, text, hint, code }) => html`
        <label key=${each} class="mode" title=${hint}>
          <input type="radio" name="mode" value=${each} checked=${each === mode} onChange=${() => choose(each)} />
          <span>${text}<kbd aria-hidden="true">${code.slice(-1)}</kbd></span>
        </label>
      `)}
    </fieldset>
  `;
}

/** What was typed outlives a reload. @param {Pane} pane @param {string} draft */
function useDraft({ handle, drafts, chatId }, draft) {
  useLayoutEffect(() => {
    const kept = drafts.of(chatId).draft;
    if (kept && handle.getSnapshot().draft === "") handle.setDraft(kept);
  }, []);
  const isFirst = useRef(true);
  // At once: who reloads the page does not wait for it to be painted.
  useLayoutEffect(() => {
    if (!isFirst.current || draft !== "") drafts.keep(chatId, { draft });
    isFirst.current = false;
  }, [draft]);
}
