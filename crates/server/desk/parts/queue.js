/**
 * What was sent and does not run yet: prompts that wait, prompts on their way, and those that were refused.
 *
 * @module
 */

import { Editor, isUnsaved, keepUnsaved, takeUnsaved, unsavedOf } from "./composer-editor.js";
import { html, memo, useEffect, useSnapshot, useState } from "./hooks.js";
import { Plain } from "./markdown.js";

/** @import { Pane } from "./chat.js" */
/** @import { ChatSnapshot } from "./types.js" */
/** @import { Mode } from "./drafts.js" */

/** @typedef {ChatSnapshot["chat"]["queue"][number]} WaitingPrompt */
/** @typedef {ChatSnapshot["sends"][number]} Send */

/** Prompts that wait and are drawn before somebody asks for all. */
const DRAWN_MAX = 20;

/** @type {Readonly<Record<string, string>>} */
const MODES = Object.freeze({ queue: "Queued", steer: "Steers", interrupt: "Interrupts", reject: "Queued" });

/** How long a prompt may wait in a chat at rest before it is drawn as waiting, in milliseconds. */
const BRIEF_MS = 250;

/** Prompts that a chat at rest takes in a moment stand where their messages will. @param {{ pane: Pane }} props */
export function Pending({ pane }) {
  const sends = useSnapshot(pane.handle, (snapshot) => snapshot.sends);
  const queue = useSnapshot(pane.handle, ({ chat }) => chat.queue);
  const isHeldUp = useHeldUp(pane);
  if (isHeldUp && queue.length > 0) return null;
  const coming = onTheirWay(sends, queue).filter(({ state }) => state !== "refused");
  const texts = [...queue.map(({ promptId, parts }) => ({ promptId, content: parts })), ...coming];
  return texts.map(({ promptId, content }) => html`
    <li class="entry" key=${promptId}><div class="said said-user pending"><div class="bubble"><${Plain} text=${textOf(content)} /></div></div></li>
  `);
}

/** Whether what waits has to wait; what a chat at rest takes in a moment would come and go in the queue. @param {Pane} pane */
function useHeldUp({ handle }) {
  const isRunning = useSnapshot(handle, ({ chat }) => chat.turn !== null);
  const waits = useSnapshot(handle, ({ chat, sends }) => chat.queue.length + sends.length > 0);
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    if (!waits || isRunning) return void setLate(waits);
    const timer = setTimeout(() => setLate(true), BRIEF_MS);
    return () => clearTimeout(timer);
  }, [waits, isRunning]);
  return isRunning || (waits && isLate);
}

/** Those that the chat does not show yet. @param {readonly Send[]} sends @param {readonly WaitingPrompt[]} queue */
function onTheirWay(sends, queue) {
  const known = new Set(queue.map(({ promptId }) => promptId));
  return sends.filter(({ promptId }) => !known.has(promptId));
}

/** What waits, above the message field. @param {{ pane: Pane }} props */
export function Queue({ pane }) {
  const queue = useSnapshot(pane.handle, ({ chat }) => chat.queue);
  const sends = useSnapshot(pane.handle, (snapshot) => snapshot.sends);
  const isRunning = useSnapshot(pane.handle, ({ chat }) => chat.turn !== null);
  const isHeldUp = useHeldUp(pane);
  const shown = onTheirWay(sends, queue).filter(({ state }) => state === "refused" || isRunning || (isHeldUp && queue.length > 0));
  const [all, setAll] = useState(false);
  const following = useSnapshot(pane.handle, (snapshot) => snapshot.following);
  useEffect(() => rescue(pane), [following, queue]);
  const waiting = isHeldUp ? queue : [];
  if (waiting.length === 0 && shown.length === 0) return null;
  const drawn = all ? waiting : waiting.slice(0, DRAWN_MAX);
  return html`
    <section class="queue" aria-label="Messages that wait">
      ${waiting.length > 0 && html`
        <ol class="queue-rows">
          ${drawn.map((prompt, at) => html`<${Waiting} key=${prompt.promptId} pane=${pane} prompt=${prompt} place=${at + 1} />`)}
          ${drawn.length < waiting.length && html`<li class="queue-row"><button type="button" class="act" onClick=${() => setAll(true)}>Show all ${waiting.length}</button></li>`}
        </ol>
      `}
      ${shown.length > 0 && html`<ol class="queue-rows">${shown.map((send) => html`<${OnItsWay} key=${send.promptId} pane=${pane} send=${send} />`)}</ol>`}
    </section>
  `;
}

const Waiting = memo((/** @type {{ pane: Pane, prompt: WaitingPrompt, place: number }} */ { pane, prompt, place }) => {
  const { promptId, mode, parts } = prompt;
  const name = nameOf(pane, promptId);
  const [edited, setEdited] = useState(isUnsaved(name));
  const text = textOf(parts);
  const others = parts.filter(({ type }) => type !== "text");
  const change = (/** @type {{ content?: any, mode?: Mode }} */ to) =>
    pane.attempt("Not changed", async () => {
      await pane.handle.edit(promptId, to);
      return true;
    });
  const save = async (/** @type {string} */ words) => {
    takeUnsaved(name);
    if (await change({ content: [{ type: "text", text: words }, ...others] })) return setEdited(false);
    keepUnsaved(name, words);
    rescue(pane);
  };
  const withdraw = () => pane.attempt("Not withdrawn", () => pane.handle.withdraw(promptId));
  if (edited) {
    return html`<li class="queue-row"><${Editor} name=${name} label="The waiting message" value=${text} yes="Save" onDone=${save} onCancel=${() => setEdited(false)} /></li>`;
  }
  const as = (/** @type {Mode} */ to, /** @type {string} */ word) => mode !== to && html`<button type="button" class="act" onClick=${() => change({ mode: to })}>${word}</button>`;
  return html`
    <li class="queue-row" data-prompt=${promptId} data-mode=${mode}>
      <span class="queue-mode small">${place}. ${MODES[mode]}</span>
      <span class="queue-text" dir="auto" title=${text.slice(0, 2000)}>${text.slice(0, 500)}</span>
      <span class="queue-acts">
        ${as("steer", "Steer")}${as("interrupt", "Interrupt")}${mode !== "queue" && mode !== "reject" && as("queue", "Queue")}
        <button type="button" class="act" onClick=${() => setEdited(true)}>Edit</button>
        <button type="button" class="act" onClick=${withdraw}>Withdraw</button>
      </span>
    </li>
  `;
});

/** By what a change of a prompt that waits is kept. @param {Pane} pane @param {string} promptId */
const nameOf = ({ chatId }, promptId) => `waits/${chatId}/${promptId}`;

/** What was being changed when its message began to run stands in the field then. @param {Pane} pane */
function rescue(pane) {
  const { handle } = pane;
  const { following, chat } = handle.getSnapshot();
  if (following !== "live") return;
  const waiting = new Set(chat.queue.map(({ promptId }) => nameOf(pane, promptId)));
  for (const name of unsavedOf(nameOf(pane, ""))) {
    if (waiting.has(name)) continue;
    const [text, { draft }] = [takeUnsaved(name) ?? "", handle.getSnapshot()];
    handle.setDraft(draft === "" ? text : `${text}\n${draft}`);
  }
}

const OnItsWay = memo((/** @type {{ pane: Pane, send: Send }} */ { pane, send }) => {
  const { promptId, content, state, error } = send;
  const text = textOf(content);
  const { handle } = pane;
  const edit = () => {
    handle.dismiss(promptId);
    const { draft } = handle.getSnapshot();
    handle.setDraft(draft === "" ? text : `${text}\n${draft}`);
    pane.toComposer();
  };
  return html`
    <li class="queue-row" data-send=${state}>
      <span class="queue-mode small">${state === "refused" ? "Not sent" : "Sending"}</span>
      <span class="queue-text" dir="auto">${text.slice(0, 500)}${error && html`<span class="fault small" role="alert"><span class="unseen">Not sent:</span> ${error.message}</span>`}</span>
      ${state === "refused" && html`
        <span class="queue-acts">
          <button type="button" class="act urged" onClick=${() => void handle.resend(promptId)}>Send again</button>
          <button type="button" class="act" onClick=${edit}>Edit</button>
          <button type="button" class="act" onClick=${() => handle.dismiss(promptId)}>Let it go</button>
        </span>
      `}
    </li>
  `;
});

/** @param {string | readonly WaitingPrompt["parts"][number][]} content @returns {string} */
export function textOf(content) {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}
