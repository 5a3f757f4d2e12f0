/**
 * The frame of the page: the list of chats beside the one that is open.
 *
 * @module
 */

import { ChatPane } from "./chat.js";
import { html, useSnapshot } from "./hooks.js";

/** @param {{ session: import("./session.js").Session }} props */
export function Frame({ session }) {
  const desk = useSnapshot(session.desk);
  if (!desk) return html`<p>${session.standing.getSnapshot().phase}</p>`;
  return html`<${Open} ...${desk} />`;
}

/** @param {import("./session.js").Desk} props */
function Open({ store, world }) {
  const chatId = useSnapshot(store, ({ selected }) => selected);
  const rows = useSnapshot(store, ({ chats }) => chats);
  return html`
    <nav>${rows.map((row) => html`<button key=${row.chatId} onClick=${() => store.select(row.chatId)}>${row.title || row.chatId}</button>`)}</nav>
    <main>${chatId !== null && html`<${ChatPane} key=${chatId} store=${store} world=${world} chatId=${chatId} />`}</main>
  `;
}
