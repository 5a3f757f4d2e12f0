/**
 * What was sent and is not accepted yet, or was refused, outlives a reload: it stands in the message field then.
 *
 * @module
 */

import { useLayoutEffect, useRef, useSnapshot } from "./hooks.js";
import { textOf } from "./queue.js";

/** @import { Pane } from "./chat.js" */
/** @import { ChatSnapshot } from "./types.js" */

/** For as long as the chat is open. @param {Pane} pane */
export function useUnsent({ handle, drafts, chatId }) {
  const sends = useSnapshot(handle, (snapshot) => snapshot.sends);
  const isRead = useSnapshot(handle, ({ following }) => following === "live");
  const earlier = useRef(drafts.of(chatId).unsent ?? []);
  useLayoutEffect(() => {
    const own = sends.map(({ promptId, content }) => ({ promptId, text: textOf(content) }));
    const onTheirWay = new Set(own.map(({ promptId }) => promptId));
    earlier.current = earlier.current.filter(({ promptId }) => !onTheirWay.has(promptId));
    if (isRead && earlier.current.length > 0) {
      const { chat, draft } = handle.getSnapshot();
      const texts = earlier.current.filter(({ promptId }) => !isKnown(chat, promptId)).map(({ text }) => text);
      earlier.current = [];
      if (texts.length > 0) handle.setDraft([...texts, draft].filter((text) => text !== "").join("\n"));
    }
    const unsent = [...earlier.current, ...own];
    if (unsent.length > 0) drafts.keep(chatId, { unsent });
    else if (drafts.of(chatId).unsent) drafts.keep(chatId, { unsent: undefined });
  }, [sends, isRead]);
}

/** Whether the chat took it, so that it must not be sent again. @param {ChatSnapshot["chat"]} chat @param {string} promptId */
function isKnown({ queue, turn, turns }, promptId) {
  const run = turn ? [...turns, turn] : turns;
  return queue.some((prompt) => prompt.promptId === promptId) || run.some(({ promptIds }) => promptIds.includes(promptId));
}
