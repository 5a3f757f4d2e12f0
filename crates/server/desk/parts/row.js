/**
 * One line of the list.
 *
 * @module
 */

import { Boundary } from "./boundary.js";
import { html, memo, useEffect, useRef } from "./hooks.js";
import { hasNews, queuedOf, signalOf } from "./signal.js";
import { when, wholeTime } from "./when.js";

/** @import { ChatRow } from "./types.js" */

/**
 * @typedef {object} RowProps
 * @property {ChatRow} row
 * @property {string} name
 * @property {number} at its place in the list
 * @property {number} count how many there are
 * @property {number} top where it stands, in pixels
 * @property {boolean} active whether the keys are at it
 * @property {(chatId: string, event: MouseEvent) => void} onMenu
 */

/** What is new in a chat. @param {{ row: ChatRow }} props */
function News({ row }) {
  const { unread } = row;
  if (unread > 0) return html`<span class="badge">${unread > 99 ? "99+" : unread}<span class="unseen"> unread</span></span>`;
  return hasNews(row) ? html`<span class="badge dot"><span class="unseen">news</span></span>` : null;
}

export const Row = memo((/** @type {RowProps} */ props) => html`
  <${Boundary} instead=${(/** @type {() => void} */ again) => html`<${Broken} ...${props} again=${again} />`}><${Line} ...${props} /><//>
`);

/** @param {RowProps} props */
function Line({ row, name, at, count, top, active, onMenu }) {
  const signal = signalOf(row);
  const queued = queuedOf(row.busy);
  return html`
    <div id=${rowId(row.chatId)} role="option" class=${`row ${active ? "active" : ""}`} style=${{ transform: `translateY(${top}px)` }}
      aria-selected=${row.selected ? "true" : "false"} aria-posinset=${at + 1} aria-setsize=${count} data-chat=${row.chatId} data-signal=${row.busy.kind} data-news=${String(hasNews(row))}
      onContextMenu=${(/** @type {MouseEvent} */ event) => onMenu(row.chatId, event)}>
      <span class="lamp" data-tone=${signal.tone} aria-hidden="true"></span>
      <span class="row-name nowrap" dir="auto" title=${name}>${name}</span>
      <span class="row-when quiet" title=${wholeTime(row.activeAt)}>${when(row.activeAt)}</span>
      <span class="row-signal nowrap" data-tone=${signal.tone}>${signal.text}${queued && html`<span class="row-queued">${signal.text && " · "}${queued}</span>`}</span>
      <${News} row=${row} />
    </div>
  `;
}

/** A line that cannot be drawn: it can be opened like any other, and is tried anew when it changes. @param {RowProps & { again: () => void }} props */
function Broken({ row, at, count, top, active, onMenu, again }) {
  const { chatId, selected } = row;
  const first = useRef(row);
  useEffect(() => {
    if (row !== first.current) again();
  }, [row]);
  return html`
    <div id=${rowId(chatId)} role="option" class=${`row ${active ? "active" : ""}`} style=${{ transform: `translateY(${top}px)` }}
      aria-selected=${selected ? "true" : "false"} aria-posinset=${at + 1} aria-setsize=${count} data-chat=${chatId} data-broken="true"
      onContextMenu=${(/** @type {MouseEvent} */ event) => onMenu(chatId, event)}>
      <span class="lamp" data-tone="bad" aria-hidden="true"></span>
      <span class="row-name nowrap">${chatId}</span>
      <span class="row-signal nowrap" data-tone="bad">This line cannot be drawn</span>
    </div>
  `;
}

/** The id of its element; ids of chats may hold spaces, those of elements may not. @param {string} chatId */
export const rowId = (chatId) => `row-${encodeURIComponent(chatId)}`;
