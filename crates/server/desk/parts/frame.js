/**
 * The frame of the page: the list of chats beside the one that is open.
 *
 * @module
 */

import { addressOf, chatIn, worldIn } from "./address.js";
import { Announcer } from "./announcer.js";
import { Begin } from "./begin.js";
import { Boundary } from "./boundary.js";
import { ChatPane } from "./chat.js";
import { ConnectionBanner, Entrance } from "./connection.js";
import { Confirm, Rename } from "./dialogs.js";
import { hasKeyboard, useFocusKept } from "./focus.js";
import { html, useCallback, useEffect, useListener, useSnapshot, useState } from "./hooks.js";
import { Header } from "./header.js";
import { Icon } from "./icons.js";
import { Help, verbOf } from "./keys.js";
import { Menu } from "./menu.js";
import { useMenus } from "./menus.js";
import { NoticeList } from "./notices.js";
import { wantsLook } from "./order.js";
import { DiagnosticsPanel } from "./panel.js";
import { selectIfPossible } from "./session.js";
import { Sidebar, useRows, useWanted } from "./sidebar.js";
import { nextTheme, theme, THEME_NAMES } from "./theme.js";

/** @import { Desk as DeskOf, Session } from "./session.js" */
/** @import { ChatRow, ChatSnapshot, Hit } from "./types.js" */

/** @param {{ session: Session }} props */
export function Frame({ session }) {
  const desk = useSnapshot(session.desk);
  return desk ? html`<${Desk} session=${session} desk=${desk} />` : html`<${Entrance} session=${session} />`;
}

/** @typedef {{ kind: "rename" | "delete", chatId: string, name: string } | { kind: "help" } | null} Asked */

/** @param {{ session: Session, desk: DeskOf }} props */
function Desk({ session, desk }) {
  const { store, world, actions, notices } = desk;
  const chatId = useSnapshot(store, ({ selected }) => selected);
  const [wanted, setWanted] = useWanted();
  const { rows, nameOf } = useRows(desk, wanted);
  const [asked, setAsked] = useState(/** @type {Asked} */ (null));
  const [panel, setPanel] = useState(false);
  const [at, setAt] = useState(/** @type {Hit | null} */ (null));
  // Whoever opens another chat, or comes back, did not ask for the message.
  useEffect(() => setAt((hit) => (hit?.chatId === chatId ? hit : null)), [chatId]);
  useAddress(desk, chatId);
  useTitle(desk);
  useFocusKept();

  const rowOf = (/** @type {string} */ id) => store.getSnapshot().chats.find((row) => row.chatId === id);
  const ask = (/** @type {"rename" | "delete"} */ kind, /** @type {string} */ id) => {
    const row = rowOf(id);
    if (row) setAsked({ kind, chatId: id, name: nameOf(row) });
  };
  const { menu, closeMenu, chatMenu, agentMenu, worldMenu } = useMenus({ session, desk, ask });
  const create = useCallback(async () => {
    // One that is new and untouched is as good as another.
    const { selected } = store.getSnapshot();
    const { activeElement } = document;
    const isThere = selected !== null && isUntouched(store.chat(selected).getSnapshot());
    // Who types elsewhere by then types on.
    if (isThere || ((await actions.create()) && document.activeElement === activeElement)) toComposer();
  }, [store, actions]);
  // Whoever points at a chat is about to write in it; whoever walks the list by keys walks on.
  const pick = useCallback((/** @type {string} */ id) => {
    store.select(id);
    if (hasKeyboard()) toComposer();
  }, [store]);
  const openHit = (/** @type {Hit} */ hit) => {
    store.select(hit.chatId);
    setAt({ ...hit });
  };

  useListener(document, "keydown", (event) => {
    // A dialog closes a moment before this page has heard of it.
    const verb = menu || element("dialog[open]") ? null : verbOf(event);
    if (verb === null) return;
    event.preventDefault();
    const verbs = {
      help: () => setAsked({ kind: "help" }),
      search: () => element("#find")?.focus(),
      new: () => void create(),
      next: () => store.select(beside(rows, chatId, 1)),
      previous: () => store.select(beside(rows, chatId, -1)),
      attention: () => store.select(needing(rows, chatId) ?? chatId),
      list: () => element("#chats")?.focus(),
      composer: toComposer,
      rename: () => chatId !== null && ask("rename", chatId),
      diagnostics: () => setPanel((open) => !open),
      theme: nextTheme,
    };
    verbs[verb]();
  });

  return html`
    <button type="button" class="button skip" onClick=${() => element("#main")?.focus()}>To the chat</button>
    <${ConnectionBanner} session=${session} />
    <div class="desk" data-open=${chatId === null ? "list" : "chat"} data-panel=${String(panel)}>
      <${Sidebar} desk=${desk} worlds=${session.worlds} onWorld=${worldMenu} rows=${rows} nameOf=${nameOf} wanted=${wanted} onWanted=${setWanted} onNew=${create} onPick=${pick} onHit=${openHit} onMenu=${chatMenu}>
        <${Tools} session=${session} panel=${panel} onPanel=${() => setPanel(!panel)} onHelp=${() => setAsked({ kind: "help" })} />
      <//>
      <main class="main" id="main" tabindex="-1">
        ${chatId === null
          ? html`<${Begin} desk=${desk} />`
          : html`
              <${Boundary} key=${chatId} onBroken=${(/** @type {unknown} */ error) => session.diagnostics.ofPage(chatId, error)} instead=${(/** @type {() => void} */ again) => html`<${Undrawn} again=${again} onBack=${() => store.select(null)} />`}>
              <${Header} key=${`head ${chatId}`} desk=${desk} chatId=${chatId} onMenu=${(/** @type {MouseEvent} */ event) => chatMenu(chatId, event)}
                onAgent=${(/** @type {MouseEvent} */ event, /** @type {string | null} */ agent) => agentMenu(chatId, agent, event)} />
              <${ChatPane} key=${chatId} store=${store} world=${world} chatId=${chatId} standing=${session.standing} at=${at?.chatId === chatId ? at : null} onShown=${() => setAt(null)} actions=${actions} notices=${notices} />
              <//>
            `}
      </main>
      ${panel && html`<${DiagnosticsPanel} session=${session} store=${store} onOpen=${store.select} onClose=${() => setPanel(false)} />`}
    </div>
    <${Announcer} desk=${desk} nameOf=${nameOf} />
    <${NoticeList} notices=${notices} />
    ${menu && html`<${Menu} key=${menu.label} ...${menu} onClose=${closeMenu} />`}
    <${AskedDialog} asked=${asked} actions=${actions} onClose=${() => setAsked(null)} />
  `;
}

/** In the place of a chat that cannot be drawn. @param {{ again: () => void, onBack: () => void }} props */
function Undrawn({ again, onBack }) {
  return html`
    <div class="chat-state-alone" role="alert">
      <p>This chat cannot be drawn. Other chats go on.</p>
      <button type="button" class="button" onClick=${again}>Try again</button>
      <button type="button" class="button head-back" onClick=${onBack}>Back to the list</button>
    </div>
  `;
}

/** @param {{ asked: Asked, actions: DeskOf["actions"], onClose: () => void }} props */
function AskedDialog({ asked, actions, onClose }) {
  if (!asked) return null;
  if (asked.kind === "help") return html`<${Help} onClose=${onClose} />`;
  const { kind, chatId, name } = asked;
  if (kind === "rename") {
    return html`<${Rename} title="Rename the chat" value=${name} onDone=${(/** @type {string} */ title) => void actions.rename(chatId, title)} onClose=${onClose} />`;
  }
  return html`<${Confirm} title="Delete this chat?" yes="Delete for good" onDone=${() => void actions.delete(chatId)} onClose=${onClose}
    text=${`“${name}” and all that was said in it will be gone. What runs in it is stopped; other chats go on.`} />`;
}

/** @param {{ session: Session, panel: boolean, onPanel: () => void, onHelp: () => void }} props */
function Tools({ session, panel, onPanel, onHelp }) {
  const { unseen } = useSnapshot(session.diagnostics);
  const name = useSnapshot(theme);
  return html`
    <div class="side-tools">
      <button type="button" class="button plain" aria-expanded=${String(panel)} onClick=${onPanel} title="Diagnostics (Alt+D)"><${Icon} name="pulse" />Diagnostics${unseen > 0 && html` <span class="badge">${unseen}<span class="unseen"> new</span></span>`}</button>
      <span class="side-gap"></span>
      <button type="button" class="button plain icon" onClick=${nextTheme} title=${`Colours: ${THEME_NAMES[name]} (Alt+T)`}><${Icon} name="theme" /><span class="unseen">Colours: ${THEME_NAMES[name]}</span></button>
      <button type="button" class="button plain icon" onClick=${onHelp} title="Keys (?)"><${Icon} name="help" /><span class="unseen">Keys</span></button>
    </div>
  `;
}

/**
 * The address leads back here after a reload; and one that is typed, or a link, leads to its chat.
 *
 * @param {DeskOf} desk
 * @param {string | null} chatId
 */
function useAddress({ world, store }, chatId) {
  // It may have become another one while the page was being drawn for the first time.
  useEffect(() => {
    const wanted = worldIn(location.hash) === world.id ? chatIn(location.hash) : null;
    if (wanted !== null && wanted !== chatId) selectIfPossible(store, wanted);
  }, [world]);
  useEffect(() => history.replaceState(null, "", addressOf(world.id, chatId)), [world, chatId]);
  useListener(window, "hashchange", ({ newURL }) => {
    // By now the address of a chat that was opened just before may stand there again.
    const { hash } = new URL(newURL);
    if (worldIn(hash) === world.id) return selectIfPossible(store, chatIn(hash));
    history.replaceState(null, "", hash);
    location.reload();
  });
}

/** The title of the page says how many chats want to be looked at. @param {DeskOf} desk */
function useTitle({ store }) {
  const count = useSnapshot(store, ({ chats }) => chats.filter(wantsLook).length);
  useEffect(() => {
    document.title = count > 0 ? `(${count}) Polychat` : "Polychat";
  }, [count]);
}

/** Whether nothing is in its log but that it was made, and nothing on its way there. @param {ChatSnapshot} snapshot */
function isUntouched({ following, chat, sends }) {
  return following === "live" && chat.head === 1 && sends.length === 0;
}

/** The chat beside this one in the list. @param {readonly ChatRow[]} rows @param {string | null} chatId @param {1 | -1} step */
function beside(rows, chatId, step) {
  const place = rows.findIndex((row) => row.chatId === chatId);
  const next = place < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, place + step));
  return rows[next]?.chatId ?? chatId;
}

/** The next chat that wants to be looked at, around in a ring. @param {readonly ChatRow[]} rows @param {string | null} chatId */
function needing(rows, chatId) {
  const place = rows.findIndex((row) => row.chatId === chatId);
  return [...rows.slice(place + 1), ...rows.slice(0, place + 1)].find(wantsLook)?.chatId;
}

/** @param {string} selector @returns {HTMLElement | null} */
const element = (selector) => document.querySelector(selector);

/** The message field of the chat that is open, once that is drawn. */
function toComposer() {
  requestAnimationFrame(() => element("#message")?.focus());
}
