/**
 * The chat that is open: what was said, what waits, and the message field.
 *
 * It reads this chat and no other; the frame gives it a key, so another chat is another pane.
 *
 * @module
 */

import { Said } from "./announcer.js";
import { Composer } from "./composer.js";
import { Examples } from "./begin.js";
import { draftsOf } from "./drafts.js";
import { html, useEffect, useListener, useMemo, useRef, useSnapshot, useState } from "./hooks.js";
import { isLetter } from "./keys.js";
import { Notices } from "./notices.js";
import { Queue } from "./queue.js";
import { Timeline } from "./timeline.js";

/** @import { ChatSnapshot, Store, World } from "./types.js" */

/**
 * What every part of the pane is given.
 *
 * @typedef {object} Pane
 * @property {Store} store
 * @property {World} world
 * @property {string} chatId
 * @property {ReturnType<Store["chat"]>} handle
 * @property {import("./session.js").Session["standing"]} standing how the connection stands
 * @property {import("./drafts.js").Drafts} drafts
 * @property {Notices["attempt"]} attempt
 * @property {() => void} toComposer
 * @property {() => void} toEnd
 * @property {{ current: (() => void) | null }} ender
 */

/**
 * @param {object} props
 * @param {Store} props.store
 * @param {World} props.world
 * @param {string} props.chatId
 * @param {Pane["standing"]} props.standing
 * @param {{ messageId: number } | null} [props.at] a message to be scrolled to
 * @param {() => void} [props.onShown] hears that it was
 * @param {Notices} [props.notices] where it is said that something did not work
 * @param {import("./actions.js").Actions} [props.actions] knows who answers, for what may be tried in a chat in which nothing was said yet
 */
export function ChatPane({ store, world, chatId, standing, at = null, onShown = () => {}, notices, actions }) {
  const ender = useRef(/** @type {(() => void) | null} */ (null));
  const pane = useMemo(() => {
    /** @type {Pane} */
    const made = {
      store,
      world,
      chatId,
      handle: store.chat(chatId),
      standing,
      drafts: draftsOf(world.id),
      attempt: (notices ?? new Notices()).attempt,
      toComposer: () => document.getElementById("message")?.focus(),
      toEnd: () => ender.current?.(),
      ender,
    };
    return made;
  }, [store, world, chatId, standing]);
  const isRead = useRead(pane);
  useListener(document, "keydown", (event) => {
    if (event.code !== "KeyA" || !event.altKey || isLetter(event) || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const first = /** @type {HTMLElement | null} */ (document.querySelector(".approval button:enabled, .approval input"));
    if (!first) return;
    event.preventDefault();
    first.focus();
  });
  return html`
    <section class="chat" aria-label="The chat">
      <div class="chat-said">
        ${isRead ? html`<${Timeline} pane=${pane} at=${at} onShown=${onShown} />` : html`<${Unread} pane=${pane} />`}
      </div>
      ${actions && html`<${Untouched} pane=${pane} actions=${actions} />`}
      <div class="chat-foot">
        <${State} pane=${pane} />
        <${Queue} pane=${pane} />
        <${Composer} pane=${pane} />
      </div>
      <${Announcer} pane=${pane} />
    </section>
  `;
}

/** Whether what is known of it is what it is, or was once: what was drawn stays when the reading breaks off. @param {Pane} pane */
function useRead({ handle }) {
  const following = useSnapshot(handle, (snapshot) => snapshot.following);
  const isEmpty = useSnapshot(handle, ({ chat }) => chat.head === 0);
  const [was, setWas] = useState(following === "live");
  useEffect(() => {
    if (following === "live") setWas(true);
    if (isEmpty) setWas(false);
  }, [following, isEmpty]);
  return !isEmpty && (following === "live" || was || following === "ended" || following === "broken");
}

/** Before anything was said in it. @param {{ pane: Pane, actions: import("./actions.js").Actions }} props */
function Untouched({ pane: { handle, attempt }, actions }) {
  const isNew = useSnapshot(handle, ({ chat, busy, sends, following }) => following === "live" && busy.kind === "idle" && chat.history.length + sends.length === 0);
  const agent = useSnapshot(handle, ({ chat }) => chat.agent);
  if (!isNew) return null;
  return html`<${Examples} actions=${actions} agent=${agent} onChoose=${(/** @type {string} */ text) => void attempt("Not sent", () => handle.send(text))} />`;
}

/** While it is not read. @param {{ pane: Pane }} props */
function Unread({ pane: { handle } }) {
  const following = useSnapshot(handle, (snapshot) => snapshot.following);
  const error = useSnapshot(handle, (snapshot) => snapshot.error);
  if (following === "ended" || following === "broken") {
    return html`<div class="chat-state-alone" role="status"><p>This chat cannot be read${error ? `: ${error.message}` : ""}.</p>
      <button type="button" class="button" onClick=${handle.follow}>Try again</button></div>`;
  }
  const text = following === "parked" ? "More chats are being read than there are places; this one comes as soon as there is one." : "Reading the chat…";
  return html`<p class="chat-state-alone quiet soon" role="status">${text}</p>`;
}

/** What is out of order with the chat as a whole. @param {{ pane: Pane }} props */
function State({ pane }) {
  const { handle, attempt, world, chatId } = pane;
  const kind = useSnapshot(handle, ({ busy }) => busy.kind);
  const following = useSnapshot(handle, (snapshot) => snapshot.following);
  const error = useSnapshot(handle, (snapshot) => snapshot.error);
  const isThere = useSnapshot(handle, ({ chat }) => chat.head > 0);
  const reopen = () =>
    attempt("Not reopened", async () => {
      await world.chat(chatId).reopen();
      handle.follow();
    });
  if (kind === "deleted") return html`<p class="chat-state" role="status">This chat was deleted.</p>`;
  if (kind === "closed" || kind === "failed") {
    const text = kind === "closed" ? "This chat is closed: it takes no messages." : "This chat is out of order. Other chats go on.";
    return html`<p class="chat-state" data-kind=${kind} role="status"><span>${text}</span><button type="button" class="button" onClick=${reopen}>Reopen</button></p>`;
  }
  if (kind === "stalled") return html`<p class="chat-state" data-kind="failed" role="status">What is said here cannot be stored at the moment. It goes on by itself once it can.</p>`;
  if (isThere && following === "broken") {
    return html`<p class="chat-state" data-kind="failed" role="status"><span>This chat is not read on${error ? `: ${error.message}` : ""}.</span><button type="button" class="button" onClick=${handle.follow}>Read it again</button></p>`;
  }
  return null;
}

/** Tells who does not see it when the answer is there; never each word. That chats wait or failed the frame tells, of all of them. @param {{ pane: Pane }} props */
function Announcer({ pane }) {
  const last = useSnapshot(pane.handle, lastEnded);
  const said = useRef({ nth: -1, text: "" });
  // What had ended when the chat was opened is no news; what is tried again makes an earlier turn the last.
  if (last && last.id > said.current.nth) said.current = { nth: last.id, text: said.current.nth < 0 || !last.outcome ? "" : ENDS[last.outcome.kind] };
  return html`<${Said} ...${said.current} />`;
}

const ENDS = Object.freeze({ completed: "The answer is complete.", cancelled: "Stopped.", interrupted: "Interrupted.", failed: "" });
/** @type {{ id: number, outcome: null }} */
const NOTHING_ENDED = Object.freeze({ id: 0, outcome: null });

/** The turn that ended last, once that is known. @param {ChatSnapshot} snapshot */
const lastEnded = ({ following, chat }) => (following === "live" ? (chat.turns.at(-1) ?? NOTHING_ENDED) : null);
