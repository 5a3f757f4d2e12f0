/**
 * A tool call: what was asked for, how far it is, and what came of it.
 *
 * @module
 */

import { Approval, questionOf } from "./approval.js";
import { html, memo, useLayoutEffect, useRef } from "./hooks.js";
import { brief, Parts, pretty } from "./tool-parts.js";
import { Elapsed } from "./turn.js";
import { duration, failureText, size } from "./turn-words.js";

/** @import { Pane } from "./chat.js" */

/** @typedef {Extract<import("./timeline-entries.js").Message, { role: "assistant" }>["calls"][number]} Call */

/** @type {Readonly<Record<Call["state"], { tone: string, text: string }>>} */
const STATES = Object.freeze({
  asked: { tone: "rest", text: "asked for" },
  awaiting: { tone: "wait", text: "waits for you" },
  decided: { tone: "rest", text: "decided" },
  running: { tone: "work", text: "runs" },
  answered: { tone: "good", text: "done" },
  failed: { tone: "bad", text: "failed" },
});

/** @type {new () => import("./hooks.js").Component<{ pane: Pane, call: Call }>} */
export const ToolCard = memo((/** @type {{ pane: Pane, call: Call }} */ { pane, call }) => {
  const { id, name, state, startedAt, endedAt, decision, failure, result, cutBytes, unshownBytes } = call;
  const { tone, text } = STATES[state];
  return html`
    <section class="tool" data-state=${state} data-call=${id} aria-label=${`Tool ${name}: ${text}`}>
      <p class="tool-head small">
        <span class="lamp" data-tone=${tone} aria-hidden="true"></span>
        <b class="tool-name">${name}</b>
        <span class="quiet nowrap tool-brief">${state === "awaiting" ? "" : briefOf(call)}</span>
        <span class="quiet tool-state">${text}${decisionText(decision)}
          ${state === "running" && startedAt !== null && html` · <${Elapsed} pane=${pane} since=${startedAt} />`}
          ${endedAt !== null && startedAt !== null && call.approval !== "question" && ` · ${duration(endedAt - startedAt)}`}
        </span>
      </p>
      ${state === "awaiting"
        ? html`<${Approval} pane=${pane} call=${call} />`
        : brief(call.arguments) && html`<details class="tool-arguments small"><summary>Arguments</summary><pre tabindex="0" dir="ltr">${pretty(call.arguments)}</pre></details>`}
      ${call.progress !== null && html`<${Progress} progress=${call.progress} />`}
      ${call.output && html`<${Output} text=${call.output} />`}
      ${result.length > 0 && html`<div class="tool-result" tabindex="0" role="group" aria-label="Result"><${Parts} parts=${result} /></div>`}
      ${cutBytes > 0 && html`<p class="quiet small">${size(cutBytes)} more were cut off.</p>`}
      ${unshownBytes > 0 && html`<p class="quiet small">${size(unshownBytes)} of its output were not shown.</p>`}
      ${failure && html`<p class="fault small" dir="auto">${failureText(failure)}</p>`}
    </section>
  `;
});

/** What it was called with, in one line; of a question, the question. @param {Call} call */
function briefOf(call) {
  return call.approval === "question" ? questionOf(call).question : brief(call.arguments);
}

/** @param {Call["decision"]} decision */
function decisionText(decision) {
  if (!decision) return "";
  return { allowOnce: ", allowed once", allowForChat: ", allowed in this chat", deny: ", denied", answer: ", answered" }[decision.kind];
}

/** What it says while it runs; the end is in sight. @param {{ text: string }} props */
function Output({ text }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  return html`<pre class="tool-output" ref=${box} tabindex="0" aria-label="Output" dir="auto">${text.length > 20_000 ? text.slice(-20_000) : text}</pre>`;
}

/** Tools say `progress`, `total` and `message`, as in the protocol MCP; some say `done`. @param {{ progress: NonNullable<Call["progress"]> }} props */
function Progress({ progress }) {
  const { done, total, message } = fieldsOf(progress);
  return html`
    <div class="tool-progress small">
      ${total > 0 ? html`<progress value=${Math.min(done, total)} max=${total} aria-label="Progress"></progress>` : html`<progress aria-label="Progress"></progress>`}
      <span class="quiet" dir="auto">${total > 0 && `${Math.round((Math.min(done, total) / total) * 100)} %${message && " · "}`}${message}</span>
    </div>
  `;
}

/** @param {NonNullable<Call["progress"]>} progress */
function fieldsOf(progress) {
  if (typeof progress === "string") return { done: 0, total: 0, message: progress };
  const { progress: now, done = now, total, message } = /** @type {Record<string, unknown>} */ (progress);
  return {
    done: typeof done === "number" ? done : 0,
    total: typeof total === "number" && typeof done === "number" ? total : 0,
    message: typeof message === "string" ? message : "",
  };
}
