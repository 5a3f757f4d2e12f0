/**
 * The panel of diagnostics: refusals, restarts, rejected records, each with the ids that it concerns (NFR-4).
 *
 * @module
 */

import { html, useEffect, useLayoutEffect, useRef, useSnapshot } from "./hooks.js";
import { Icon } from "./icons.js";
import { clockTime, wholeTime } from "./when.js";

/** @import { Entry } from "./diagnostics.js" */

/** What they mean, in words. @type {Readonly<Record<string, string>>} */
const MEANINGS = Object.freeze({
  refused: "A command was refused",
  restarted: "A chat was started again",
  gave_up: "A chat is out of order",
  quarantined: "A log is damaged",
  foreign_record: "A record of another chat was rejected",
  rejected_input: "An input was rejected",
  rejected: "An event was rejected by this page",
  not_drawn: "A chat cannot be drawn by this page",
  stalled: "A chat cannot be stored",
  recovered: "A chat can be stored again",
  turn_failed: "A turn failed",
  limit_reached: "A limit was reached",
  tool_source: "A source of tools",
  task_lingers: "A task does not end",
  connection: "The connection",
  host: "Models and tools",
  skipped: "Diagnostics were left out",
});

/**
 * @param {object} props
 * @param {import("./session.js").Session} props.session
 * @param {import("./types.js").Store} props.store
 * @param {(chatId: string) => void} props.onOpen
 * @param {() => void} props.onClose
 */
export function DiagnosticsPanel({ session, store, onOpen, onClose }) {
  const { entries } = useSnapshot(session.diagnostics);
  const rejected = useSnapshot(store, (said) => said.rejected);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => box.current?.focus(), []);
  useEffect(session.diagnostics.seen, [entries]);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && onClose();
  return html`
    <aside class="panel" aria-labelledby="panel-title" tabindex="-1" ref=${box} onKeyDown=${onKeyDown}>
      <div class="panel-top">
        <h2 id="panel-title">Diagnostics</h2>
        <button type="button" class="button plain icon" onClick=${onClose}><${Icon} name="close" /><span class="unseen">Close diagnostics</span></button>
      </div>
      <p class="small quiet">Events that this page rejected because they did not fit their chat: <b data-rejected=${rejected}>${rejected}</b></p>
      ${entries.length === 0 && html`<p class="quiet">Nothing since this page was opened.</p>`}
      <ul>
        ${entries.toReversed().map((entry) => html`<${Line} key=${entry.id} entry=${entry} onOpen=${onOpen} />`)}
      </ul>
    </aside>
  `;
}

/** @param {{ entry: Entry, onOpen: (chatId: string) => void }} props */
function Line({ entry: { at, chatId, kind, text, repeats }, onOpen }) {
  return html`
    <li class="panel-line" data-kind=${kind}>
      <p><time class="quiet small" title=${wholeTime(at)}>${clockTime(at)}</time> <b>${MEANINGS[kind] ?? kind}</b>${repeats > 1 && html` <span class="quiet">× ${repeats}</span>`}</p>
      <p class="small panel-facts">${text}</p>
      ${chatId && html`<p class="small">chat <button type="button" class="link" onClick=${() => onOpen(chatId)}>${chatId}</button></p>`}
    </li>
  `;
}
