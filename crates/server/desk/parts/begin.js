/**
 * Where no chat is open: a message that begins one, and what may be tried.
 *
 * @module
 */

import { fit } from "./composer-field.js";
import { draftsOf } from "./drafts.js";
import { leaveField } from "./focus.js";
import { html, useLayoutEffect, useRef, useSnapshot, useState } from "./hooks.js";

/** By what the beginning of no chat yet is kept: no chat is called so. */
const NOWHERE = "";

/** @param {{ desk: import("./session.js").Desk }} props */
export function Begin({ desk: { store, world, actions } }) {
  const drafts = draftsOf(world.id);
  const isFirst = useSnapshot(store, ({ chats, list }) => list === "complete" && chats.length === 0);
  const [text, setText] = useState(drafts.of(NOWHERE).draft ?? "");
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  useLayoutEffect(() => fit(field.current), [text]);
  const write = (/** @type {string} */ draft) => {
    setText(draft);
    drafts.keep(NOWHERE, { draft });
  };
  const isUnderWay = useRef(false);
  const begin = async (/** @type {string} */ words) => {
    if (words.trim() === "" || isUnderWay.current) return;
    isUnderWay.current = true;
    const isBegun = await actions.begin(words);
    isUnderWay.current = false;
    if (isBegun && drafts.of(NOWHERE).draft === words) write("");
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape") return leaveField();
    if (event.isComposing || event.key !== "Enter" || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void begin(text);
  };
  return html`
    <div class="begin">
      <h2>${isFirst ? "Begin your first chat" : "Choose a chat, or begin one"}</h2>
      <p class="quiet">Any number of chats may work at once; none waits for another.</p>
      <form class="composer" onSubmit=${(/** @type {Event} */ event) => (event.preventDefault(), void begin(text))}>
        <label class="unseen" for="message">Message that begins a chat</label>
        <textarea id="message" class="composer-field" ref=${field} rows="1" dir="auto" placeholder="Message" value=${text} onKeyDown=${onKeyDown}
          onInput=${(/** @type {any} */ event) => write(event.target.value)}></textarea>
        <div class="composer-bar">
          <span class="quiet small composer-hint"><kbd>Enter</kbd> sends, <kbd>F1</kbd> shows all keys</span>
          <span class="composer-gap"></span>
          <button type="submit" class="button primary send" disabled=${text.trim() === ""}>Begin</button>
        </div>
      </form>
      <${Examples} actions=${actions} onChoose=${begin} />
    </div>
  `;
}

/** What shows what the built-in demo can, each in words of a person. @type {readonly { what: string, text: string }[]} */
const EXAMPLES = Object.freeze([
  { what: "It remembers, in this chat alone", text: "My name is Ada" },
  { what: "It writes on while you begin another", text: "/long 400" },
  { what: "It asks you something, and waits", text: "/ask Tea or coffee? | Tea | Coffee" },
  { what: "It uses a tool, and shows how far it is", text: '/tool wait {"seconds": 8}' },
  { what: "It thinks before it answers", text: "think about tea" },
  { what: "It fails, and you try again", text: "/error" },
]);

/**
 * What may be tried, where the demo would answer; other models need no telling.
 *
 * @param {{ actions: import("./actions.js").Actions, agent?: string | null, onChoose: (text: string) => void }} props
 */
export function Examples({ actions, agent = null, onChoose }) {
  const { agents, usual } = useSnapshot(actions.known);
  const model = agents.find(({ name }) => name === (agent ?? usual))?.model;
  if (model !== "demo") return null;
  return html`
    <section class="examples" aria-label="What you may try">
      <p class="quiet small">The built-in demo answers. Try:</p>
      <ul>
        ${EXAMPLES.map(({ what, text }) => html`
          <li key=${text}><button type="button" class="example" onClick=${() => onChoose(text)}><span>${what}</span><span class="quiet small example-text">${text}</span></button></li>
        `)}
      </ul>
    </section>
  `;
}
