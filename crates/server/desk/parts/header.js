/**
 * The head of the chat that is open: its name, what it does, who answers, and what can be done with it.
 *
 * @module
 */

import { html, useEffect, useSnapshot } from "./hooks.js";
import { Icon } from "./icons.js";
import { nameOf, queuedOf, signalOf } from "./signal.js";

/** @import { Item } from "./menu.js" */

/**
 * @param {object} props
 * @param {import("./session.js").Desk} props.desk
 * @param {string} props.chatId
 * @param {(event: MouseEvent) => void} props.onMenu
 * @param {(event: MouseEvent, agent: string | null) => void} props.onAgent
 */
export function Header({ desk: { store, names, actions }, chatId, onMenu, onAgent }) {
  const { chat, busy, sends, following } = useSnapshot(store.chat(chatId));
  const first = following === "live" ? (chat.history[0] ?? chat.turn?.messages[0]) : undefined;
  useEffect(() => {
    if (first) names.learn(chatId, first.parts);
  }, [first]);
  useSnapshot(names);
  const { usual } = useSnapshot(actions.known);
  const listed = useRowTitle(store, chatId);
  const title = chat.title || listed;
  const outcome = chat.turns.at(-1)?.outcome.kind ?? null;
  const signal = signalOf({ busy, outcome, sending: sends.some(({ state }) => state === "sending") });
  const queued = queuedOf(busy);
  const name = nameOf(title, names.opening(chatId));
  return html`
    <header class="head" data-chat=${chatId}>
      <button type="button" class="button plain icon head-back" onClick=${() => store.select(null)}><${Icon} name="back" /><span class="unseen">Back to the list</span></button>
      <div class="head-words">
        <h2 class="head-name nowrap" dir="auto" title=${`${name}\n${chatId}`}>${name}</h2>
        <p class="head-signal small nowrap" data-tone=${signal.tone}>
          <span class="lamp" data-tone=${signal.tone} aria-hidden="true"></span><span data-signal=${busy.kind}>${signal.text}</span>${queued && html`<span class="quiet">· ${queued}</span>`}
          ${chat.archived && html`<span class="quiet">· archived</span>`}
        </p>
      </div>
      <button type="button" class="button plain head-agent" aria-haspopup="menu" title="Who answers in this chat"
        onClick=${(/** @type {MouseEvent} */ event) => onAgent(event, chat.agent)}><span class="nowrap"><span class="unseen">Agent: </span>${chat.agent ?? usual}</span><${Icon} name="down" /></button>
      <button type="button" class="button plain icon" aria-haspopup="menu" onClick=${onMenu}><${Icon} name="more" /><span class="unseen">More about this chat</span></button>
    </header>
  `;
}

/** Its title while its own events are not read yet. @param {import("./types.js").Store} store @param {string} chatId */
function useRowTitle(store, chatId) {
  return useSnapshot(store, ({ chats }) => chats.find((row) => row.chatId === chatId)?.title ?? "");
}

/**
 * What can be done with a chat, as a menu.
 *
 * @param {object} chat
 * @param {string} chat.chatId
 * @param {import("./types.js").Busy["kind"]} chat.kind
 * @param {boolean} chat.archived
 * @param {string} chat.exportLink
 * @param {import("./actions.js").Actions} actions
 * @param {(kind: "rename" | "delete") => void} ask
 * @returns {Item[]}
 */
export function itemsOf({ chatId, kind, archived, exportLink }, actions, ask) {
  if (kind === "deleted") return [];
  const isShut = kind === "closed" || kind === "failed";
  return [
    { text: "Rename…", keys: "F2", run: () => ask("rename") },
    { text: "Export as Markdown", href: exportLink },
    isShut ? { text: "Reopen", run: () => void actions.reopen(chatId) } : { text: "Close to new messages", run: () => void actions.close(chatId) },
    archived
      ? { text: "Take out of the archive", run: () => void actions.archive(chatId, false) }
      : { text: "Archive", run: () => void actions.archive(chatId, true) },
    { text: "Delete…", danger: true, run: () => ask("delete") },
  ];
}
