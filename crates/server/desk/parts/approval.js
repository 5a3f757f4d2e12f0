/**
 * A call that waits for the person: may it, and what is the answer.
 *
 * @module
 */

import { isUnsaved, keepUnsaved, takeUnsaved, unsavedText } from "./composer-editor.js";
import { html, useLayoutEffect, useRef, useState } from "./hooks.js";
import { pretty } from "./tool-parts.js";

/** @import { Pane } from "./chat.js" */
/** @import { Call } from "./tool.js" */

/** @typedef {import("../vendor/polychat-client/index.js").ApprovalDecision} Decision */

/** @param {{ pane: Pane, call: Call }} props */
export function Approval({ pane, call }) {
  const [underWay, setUnderWay] = useState(false);
  const name = `decides/${pane.chatId}/${call.id}`;
  const decide = async (/** @type {Decision} */ decision) => {
    setUnderWay(true);
    const done = await pane.attempt("Not decided", async () => {
      await pane.handle.decide(call.id, decision);
      return true;
    });
    if (done) takeUnsaved(name);
    else setUnderWay(false);
  };
  const Asked = call.approval === "question" ? Question : Permission;
  return html`<${Asked} call=${call} name=${name} underWay=${underWay} decide=${decide} />`;
}

/** @param {{ call: Call, name: string, underWay: boolean, decide: (decision: Decision) => void }} props */
function Permission({ call, name, underWay, decide }) {
  const [denying, setDenying] = useState(isUnsaved(name));
  const shown = pretty(call.arguments);
  return html`
    <div class="approval" role="group" aria-label=${`May ${call.name} run?`}>
      <p>May <b>${call.name}</b> run${shown === "{}" ? "?" : " with this?"}</p>
      ${shown !== "{}" && html`<pre class="approval-arguments" tabindex="0" dir="ltr">${shown}</pre>`}
      ${denying
        ? html`<${Words} name=${name} label="Why not, for the model" yes="Deny" isDanger underWay=${underWay} onCancel=${() => setDenying(false)}
            onDone=${(/** @type {string} */ reason) => decide({ kind: "deny", reason: reason || "The user denied it." })} />`
        : html`
            <div class="approval-buttons">
              <button type="button" class="button primary" disabled=${underWay} onClick=${() => decide({ kind: "allowOnce" })}>Allow once</button>
              <button type="button" class="button" disabled=${underWay} onClick=${() => decide({ kind: "allowForChat" })}>Allow in this chat</button>
              <button type="button" class="button" disabled=${underWay} onClick=${() => setDenying(true)}>Deny…</button>
            </div>
          `}
    </div>
  `;
}

/** @param {{ call: Call, name: string, underWay: boolean, decide: (decision: Decision) => void }} props */
function Question({ call, name, underWay, decide }) {
  const { question, options } = questionOf(call);
  const answer = (/** @type {string} */ data) => decide({ kind: "answer", data });
  return html`
    <div class="approval" role="group" aria-label=${question}>
      <p class="approval-question" dir="auto">${question}</p>
      ${options.length > 0 && html`
        <div class="approval-buttons">
          ${options.map((option) => html`<button type="button" key=${option} class="button" disabled=${underWay} onClick=${() => answer(option)}><span dir="auto">${option}</span></button>`)}
        </div>
      `}
      <${Words} name=${name} label=${options.length > 0 ? "Or in your own words" : "Your answer"} yes="Answer" underWay=${underWay} isNeeded onDone=${answer} />
    </div>
  `;
}

/**
 * @param {object} props
 * @param {string} props.name what is decided: what was typed is there again when somebody comes back
 * @param {string} props.label
 * @param {string} props.yes
 * @param {boolean} props.underWay
 * @param {(text: string) => void} props.onDone
 * @param {() => void} [props.onCancel]
 * @param {boolean} [props.isNeeded]
 * @param {boolean} [props.isDanger]
 */
function Words({ name, label, yes, underWay, onDone, onCancel, isNeeded = false, isDanger = false }) {
  const [text, setText] = useState(unsavedText(name));
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  // What was asked for by a button has the focus.
  useLayoutEffect(() => void (onCancel && field.current?.focus()), []);
  const onSubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!isNeeded || text.trim() !== "") onDone(text.trim());
  };
  const change = (/** @type {string} */ next) => {
    setText(next);
    if (next === "") takeUnsaved(name);
    else keepUnsaved(name, next);
  };
  const cancel = () => {
    takeUnsaved(name);
    onCancel?.();
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && onCancel && cancel();
  return html`
    <form class="words" onSubmit=${onSubmit}>
      <input class="field" aria-label=${label} placeholder=${label} value=${text} autocomplete="off" dir="auto" onKeyDown=${onKeyDown}
        ref=${field} onInput=${(/** @type {any} */ event) => change(event.target.value)} />
      ${onCancel && html`<button type="button" class="button" onClick=${cancel}>Cancel</button>`}
      <button type="submit" class=${`button ${isDanger ? "danger" : "primary"}`} disabled=${underWay || (isNeeded && text.trim() === "")}>${yes}</button>
    </form>
  `;
}

/** What tools that ask put into their arguments: `question` and `options`; others ask with all they have. @param {Call} call */
export function questionOf({ name, arguments: given }) {
  const { question, options } = /** @type {Record<string, unknown>} */ (typeof given === "object" && given !== null ? given : {});
  return {
    question: typeof question === "string" ? question : `${name}: ${pretty(given)}`,
    options: Array.isArray(options) ? options.filter((option) => typeof option === "string") : [],
  };
}
