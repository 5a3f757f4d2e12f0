/**
 * The side of the page: all chats, what each does, and the way to any of them.
 *
 * @module
 */

import { leaveField, toList } from "./focus.js";
import { html, useCallback, useEffect, useMemo, useSnapshot, useState } from "./hooks.js";
import { Icon } from "./icons.js";
import { List } from "./list.js";
import { counts, ordered, VIEWS } from "./order.js";
import { Hits, useSearch } from "./search.js";
import { nameOf as shownName } from "./signal.js";

/** @import { ChatRow, Hit, StoreSnapshot } from "./types.js" */
/** @import { View } from "./order.js" */

/**
 * The rows that the list shows, and how chats are called.
 *
 * @param {import("./session.js").Desk} desk
 * @param {{ view: View, words: string }} wanted
 */
export function useRows({ store, names }, { view, words }) {
  const { chats } = useSnapshot(store);
  const version = useSnapshot(names);
  const nameOf = useCallback((/** @type {ChatRow} */ row) => shownName(row.title, names.opening(row.chatId)), [version]);
  const rows = useMemo(() => ordered(chats, { view, words, nameOf }), [chats, view, words, nameOf]);
  return { rows, nameOf };
}

/**
 * @param {object} props
 * @param {import("./session.js").Desk} props.desk
 * @param {import("./cell.js").Cell<readonly string[]>} props.worlds
 * @param {(event: MouseEvent) => void} props.onWorld
 * @param {readonly ChatRow[]} props.rows
 * @param {(row: ChatRow) => string} props.nameOf
 * @param {{ view: View, words: string }} props.wanted
 * @param {(wanted: { view: View, words: string }) => void} props.onWanted
 * @param {() => void} props.onNew
 * @param {(chatId: string) => void} props.onPick hears of a chat that was pointed at
 * @param {(hit: Hit) => void} props.onHit
 * @param {(chatId: string, event: MouseEvent) => void} props.onMenu
 * @param {unknown} props.children what stands below the list
 */
export function Sidebar({ desk, worlds, onWorld, rows, nameOf, wanted, onWanted, onNew, onPick, onHit, onMenu, children }) {
  const { store, world, names } = desk;
  const { chats, selected, list, error, truncated } = useSnapshot(store);
  const hits = useSearch(world, wanted.words);
  const found = useMemo(() => counts(chats), [chats]);
  const onView = (/** @type {View} */ view) => onWanted({ ...wanted, view });
  const onSeen = useCallback((/** @type {readonly ChatRow[]} */ seen) => seen.forEach((row) => row.title === "" && names.want(row)), [names]);
  const byId = useMemo(() => new Map(hits.hits.length > 0 ? chats.map((row) => [row.chatId, row]) : []), [chats, hits]);
  useEffect(() => onSeen(hits.hits.flatMap(({ chatId }) => byId.get(chatId) ?? [])), [hits]);
  const hitName = (/** @type {string} */ chatId) => {
    const row = byId.get(chatId);
    return row ? nameOf(row) : chatId;
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing || event.altKey) return;
    const [first] = rows;
    if (event.key === "Enter" && wanted.words !== "" && first) onPick(first.chatId);
    else if (event.key === "ArrowDown") toList();
    else if (event.key === "Escape" && wanted.words === "") leaveField();
    else return;
    event.preventDefault();
  };
  return html`
    <nav class="side" aria-label="Chats">
      <div class="side-top">
        <div class="side-name"><img class="brand-mark" src="icon.svg" alt="" width="22" height="22" /><h1 class="brand">Polychat</h1><${WorldName} worldId=${world.id} worlds=${worlds} onWorld=${onWorld} /></div>
        <button type="button" class="button primary" onClick=${onNew} title="New chat (Alt+N)"><${Icon} name="plus" />New chat</button>
      </div>
      <div class="side-find" role="search">
        <label class="unseen" for="find">Filter chats and search messages</label>
        <input id="find" class="field" type="search" placeholder="Filter and search" value=${wanted.words} autocomplete="off" spellcheck=${false} dir="auto"
          onKeyDown=${onKeyDown} onInput=${(/** @type {any} */ event) => onWanted({ ...wanted, words: event.target.value })} />
        <${Archive} count=${found.archived} view=${wanted.view} onView=${onView} />
      </div>
      <${Views} found=${found} view=${wanted.view} onView=${onView} />
      ${list === "broken" && html`<p class="side-note" role="alert">The list goes on no more: ${error?.message}
        <button type="button" class="button" onClick=${store.retry}>Read it again</button></p>`}
      ${truncated && html`<p class="side-note small">There are more chats than can be shown.</p>`}
      <${List} rows=${rows} selected=${selected} nameOf=${nameOf} onSeen=${onSeen} onOpen=${store.select} onPick=${onPick} onMenu=${onMenu}
        nothing=${nothingOf(list, wanted)} isShort=${hits.state !== "none"} filter=${`${wanted.view} ${wanted.words}`} />
      <${Hits} found=${hits} nameOf=${hitName} onOpen=${onHit} />
      ${children}
    </nav>
  `;
}

/** Which world this is; where there are several, the way to the others. @param {{ worldId: string, worlds: import("./cell.js").Cell<readonly string[]>, onWorld: (event: MouseEvent) => void }} props */
function WorldName({ worldId, worlds, onWorld }) {
  const { length } = useSnapshot(worlds);
  if (length < 2) return html`<span class="quiet small nowrap" title="The world">${worldId}</span>`;
  return html`<button type="button" class="button plain small world" aria-haspopup="menu" title="The world: choose another" onClick=${onWorld}><span class="nowrap">${worldId}</span><${Icon} name="down" /></button>`;
}

/** @param {StoreSnapshot["list"]} list @param {{ view: View, words: string }} wanted */
function nothingOf(list, { view, words }) {
  if (list === "loading") return "Reading the chats…";
  if (words.trim() !== "") return "No chat has this name.";
  return view === "all" ? "No chats yet: begin one." : "None.";
}

/**
 * Which chats are listed. The views that are mostly empty are offered only when they are not.
 *
 * @param {{ found: Record<View, number>, view: View, onView: (view: View) => void }} props
 */
function Views({ found, view, onView }) {
  const offered = VIEWS.filter((each) => !each.apart && (!each.rare || found[each.view] > 0 || each.view === view));
  return html`
    <div class="views" role="group" aria-label="Which chats">
      ${offered.map((each) => html`
        <button type="button" key=${each.view} class="view" data-view=${each.view} aria-pressed=${String(each.view === view)} onClick=${() => onView(each.view)}>
          ${each.text}${each.view !== "all" && found[each.view] > 0 && html` <span class="view-count">${found[each.view]}</span>`}
        </button>
      `)}
    </div>
  `;
}

/** The way to what was put away, and back; nothing where nothing was. @param {{ count: number, view: View, onView: (view: View) => void }} props */
function Archive({ count, view, onView }) {
  const isOpen = view === "archived";
  if (count === 0 && !isOpen) return null;
  return html`
    <button type="button" class="button plain icon archive" data-view="archived" aria-pressed=${String(isOpen)} title=${`Archived chats: ${count}`}
      onClick=${() => onView(isOpen ? "all" : "archived")}><${Icon} name="archive" /><span class="unseen">Archived chats: ${count}</span></button>
  `;
}

/** What is listed, to begin with. */
export function useWanted() {
  return useState(/** @type {{ view: View, words: string }} */ ({ view: "all", words: "" }));
}
