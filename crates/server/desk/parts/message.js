/**
 * One message: of the person, of an agent, or a tool's result that came without its call.
 *
 * @module
 */

import { html, memo, useSnapshot, useState } from "./hooks.js";
import { Markdown, Plain } from "./markdown.js";
import { Copy } from "./message-copy.js";
import { Editor, isUnsaved, takeUnsaved } from "./composer-editor.js";
import { isShut } from "./signal.js";
import { ToolCard } from "./tool.js";
import { Parts } from "./tool-parts.js";
import { failureText } from "./turn-words.js";
import { wholeTime, when } from "./when.js";

/** @import { Pane } from "./chat.js" */
/** @import { Message as AnyMessage } from "./timeline-entries.js" */

/** @typedef {Extract<AnyMessage, { role: "user" }>} UserMessage */
/** @typedef {Extract<AnyMessage, { role: "assistant" }>} AssistantMessage */
/** @typedef {Extract<AnyMessage, { role: "tool" }>} ToolMessage */

/**
 * @type {new () => import("./hooks.js").Component<{ pane: Pane, message: AnyMessage, byline: string, isEnd: boolean }>}
 */
export const Message = memo((/** @type {{ pane: Pane, message: AnyMessage, byline: string, isEnd: boolean }} */ { pane, message, byline, isEnd }) => {
  if (message.role === "user") return html`<${FromUser} pane=${pane} message=${message} />`;
  if (message.role === "tool") return html`<${FromTool} message=${message} />`;
  return html`<${FromAgent} pane=${pane} message=${message} byline=${byline} isEnd=${isEnd} />`;
});

/** @param {{ pane: Pane, message: UserMessage }} props */
function FromUser({ pane, message }) {
  const { id, text, parts, metadata, at } = message;
  const name = `said/${pane.chatId}/${id}`;
  const shut = useSnapshot(pane.handle, isShut);
  const [edited, setEdited] = useState(isUnsaved(name));
  const others = parts.filter(({ type }) => type !== "text");
  const again = async (/** @type {string} */ words) => {
    const content = [...(words === "" ? [] : [{ type: /** @type {const} */ ("text"), text: words }]), ...others];
    const attached = Object.keys(metadata).length > 0 ? { metadata } : {};
    const sent = await pane.attempt("Not sent again", () => pane.handle.revise({ messageId: id, content, ...attached }));
    if (!sent) return;
    takeUnsaved(name);
    setEdited(false);
  };
  if (edited) {
    return html`
      <div class="said said-user">
        <${Editor} name=${name} label="The message, changed" value=${text} yes="Send again" note="Replaces this message and all after it." onDone=${again} onCancel=${() => setEdited(false)} />
      </div>
    `;
  }
  return html`
    <article class="said said-user" aria-label="You">
      <div class="bubble"><${Plain} text=${text} />${others.length > 0 && html`<${Parts} parts=${others} />`}</div>
      <div class="acts">
        <time class="quiet" title=${wholeTime(at)}>${when(at)}</time>
        <${Copy} text=${text} what="the message" />
        ${!shut && html`<button type="button" class="act" onClick=${() => setEdited(true)}>Edit<span class="unseen"> and send again</span></button>`}
        <${Fork} pane=${pane} messageId=${id} />
      </div>
    </article>
  `;
}

/** Why it broke off is said once: by the row that tells how its turn ended, if there is one. @param {{ pane: Pane, message: AssistantMessage, byline: string, isEnd: boolean }} props */
function FromAgent({ pane, message, byline, isEnd }) {
  const { id, text, reasoning, state, calls, failure, finish, omitted, startedAt, endedAt, parts } = message;
  const others = parts.filter(({ type }) => type === "blob");
  return html`
    <article class="said said-agent" aria-label=${byline || "Answer, continued"} aria-busy=${String(state === "open")}>
      ${byline && html`<p class="byline small"><b>${byline}</b> <time class="quiet" title=${wholeTime(startedAt)}>${when(startedAt)}</time></p>`}
      ${omitted.turns > 0 && html`<p class="quiet small">The model was not shown the first ${omitted.turns} turns.</p>`}
      ${reasoning && html`<${Thinking} text=${reasoning} isOver=${state !== "open" || text !== ""} />`}
      ${text && html`<div data-answer><${Markdown} text=${text} grows=${state === "open"} /></div>`}
      ${others.length > 0 && html`<${Parts} parts=${others} />`}
      ${calls.map((call) => html`<${ToolCard} key=${call.id} pane=${pane} call=${call} />`)}
      ${failure && !isEnd && html`<p class="fault small" dir="auto">${failureText(failure)}</p>`}
      ${finish === "length" && html`<p class="fault small">The answer ends here because it may not be longer.</p>`}
      ${finish === "filtered" && html`<p class="fault small">The provider held the rest of the answer back.</p>`}
      ${endedAt !== null && html`
        <div class="acts">${text && html`<${Copy} text=${text} what="the answer" />`}<${Fork} pane=${pane} messageId=${id} /></div>
      `}
    </article>
  `;
}

/** Folded; what is not looked at is not drawn. @param {{ text: string, isOver: boolean }} props */
function Thinking({ text, isOver }) {
  const [open, setOpen] = useState(false);
  return html`
    <details class="thinking small" onToggle=${(/** @type {any} */ event) => setOpen(event.currentTarget.open)}>
      <summary>${isOver ? "Thoughts" : "Thinking…"}</summary>
      ${open && html`<${Plain} text=${text} />`}
    </details>
  `;
}

/** A result in copied history whose call was not copied with it. @param {{ message: ToolMessage }} props */
function FromTool({ message: { parts, failure, toolCallId } }) {
  return html`
    <article class="said tool" aria-label="A tool's result">
      <p class="tool-head small"><b>Result of ${toolCallId}</b></p>
      <${Parts} parts=${parts} />
      ${failure && html`<p class="fault small" dir="auto">${failureText(failure)}</p>`}
    </article>
  `;
}

/** @param {{ pane: Pane, messageId: number }} props */
function Fork({ pane, messageId }) {
  const [underWay, setUnderWay] = useState(false);
  const fork = async () => {
    setUnderWay(true);
    await pane.attempt("Not forked", async () => {
      const copy = await pane.world.chat(pane.chatId).fork(messageId);
      // What was opened meanwhile stays open.
      if (pane.store.getSnapshot().selected === pane.chatId) pane.store.select(copy.id);
    });
    setUnderWay(false);
  };
  return html`<button type="button" class="act" title="A new chat that has all up to here" disabled=${underWay} onClick=${fork}>Fork<span class="unseen"> from here</span></button>`;
}
