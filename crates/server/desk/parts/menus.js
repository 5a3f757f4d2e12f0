/**
 * Which menu is open: that of a chat, of the agents that may answer in one, or of the worlds.
 *
 * @module
 */

import { addressOf } from "./address.js";
import { itemsOf } from "./header.js";
import { useCallback, useState } from "./hooks.js";

/** @import { Item } from "./menu.js" */
/** @import { Desk, Session } from "./session.js" */

/** @typedef {{ label: string, items: readonly Item[], at: { x: number, y: number } }} OpenMenu */

/** @param {{ session: Session, desk: Desk, ask: (kind: "rename" | "delete", chatId: string) => void }} props */
export function useMenus({ session, desk: { store, world, actions }, ask }) {
  const [menu, setMenu] = useState(/** @type {OpenMenu | null} */ (null));
  const closeMenu = useCallback(() => setMenu(null), []);

  const chatMenu = useCallback((/** @type {string} */ chatId, /** @type {MouseEvent} */ event) => {
    event.preventDefault();
    const at = placeOf(event);
    const row = store.getSnapshot().chats.find((each) => each.chatId === chatId);
    if (!row) return;
    const chat = { chatId, kind: row.busy.kind, archived: row.archived, exportLink: session.exportLink(world.id, chatId) };
    const items = itemsOf(chat, actions, (kind) => ask(kind, chatId));
    setMenu({ label: "The chat", items, at });
  }, [session, store, world, actions]);

  const agentMenu = async (/** @type {string} */ chatId, /** @type {string | null} */ chosen, /** @type {MouseEvent} */ event) => {
    const at = placeOf(event);
    const known = await actions.agents();
    // The choice is of the chat that is open.
    if (!known || store.getSnapshot().selected !== chatId) return;
    const items = known.agents.map(({ name, model }) => ({
      text: `${name}${name === model ? "" : ` · ${model}`}`,
      checked: name === (chosen ?? known.usual),
      run: () => void actions.choose(chatId, name),
    }));
    setMenu({ label: "Who answers", items, at });
  };

  const worldMenu = (/** @type {MouseEvent} */ event) => {
    const items = session.worlds.getSnapshot().map((worldId) => ({
      text: worldId,
      checked: worldId === world.id,
      run: () => void (worldId !== world.id && location.assign(addressOf(worldId, null))),
    }));
    setMenu({ label: "Worlds", items, at: placeOf(event) });
    void session.askWorlds();
  };

  return { menu, closeMenu, chatMenu, agentMenu, worldMenu };
}

/** Below a button, or where the pointer is. @param {MouseEvent} event */
function placeOf(event) {
  const { currentTarget: button } = event;
  if (event.type === "contextmenu" || !(button instanceof HTMLElement)) return { x: event.clientX, y: event.clientY };
  const { left, bottom } = button.getBoundingClientRect();
  return { x: left, y: bottom + 4 };
}
