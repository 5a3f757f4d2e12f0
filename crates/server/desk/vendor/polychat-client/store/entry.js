/**
 * What the store keeps of one chat, and what it shows of it.
 *
 * `state` is folded from this chat's events and from nothing else. Beside it stands what is not in
 * its log: what the world's feed said of it, and what the person in front of this window did.
 *
 * @module
 */

import { busyOf, emptyChat, unreadOf } from "../fold.js";
import { Cell, sameFields } from "./cell.js";

/** @import { ChatState } from "../fold/state.js" */
/** @import { Busy } from "../fold/view.js" */
/** @import { Attached, Content, Sending } from "../chat.js" */
/** @import { PolychatError } from "../errors.js" */

/** @typedef {Extract<import("#wire").WorldEvent, { type: "chat.status" }>} Signal what the world's feed says of a chat */
/** @typedef {import("../types.js").Summary} Summary */
/** @typedef {import("../types.js").OutcomeKind} OutcomeKind */

/**
 * Whether the events of a chat are read: `no`, `loading` its log, `live`, `parked` because others have all
 * the places (`chatsFollowedMax`), `ended` by the world (see {@link ChatState} `ended`), `broken` (see `error`).
 *
 * A chat that is drawn may be parked too, when more are drawn than there are places. Its `chat` is empty
 * then, and says nothing of what happens in it; `busy` and its row still do. It is read again by itself
 * once it is selected, or another one is drawn no more.
 *
 * @typedef {"no" | "loading" | "live" | "parked" | "ended" | "broken"} Following
 */

/**
 * A prompt on its way. It leaves the list once the chat's own events show it; a refused one stays
 * until it is sent again or let go, so that nothing typed is lost (REQ-7).
 *
 * @typedef {object} Send
 * @property {string} promptId
 * @property {Content} content
 * @property {Attached & Omit<Sending, "promptId" | "signal">} options
 * @property {"sending" | "accepted" | "refused"} state
 * @property {PolychatError | null} error Why it was refused.
 */

/**
 * One chat, for whoever draws it.
 *
 * @typedef {object} ChatSnapshot
 * @property {string} chatId
 * @property {ChatState} chat From its events alone; empty while it is `parked`.
 * @property {Following} following Whether `chat` is what the chat is now: only while it is `live`.
 * @property {PolychatError | null} error Why it is not followed any more.
 * @property {Busy} busy
 * @property {number} unread Answers that ended since it was last selected.
 * @property {boolean} selected
 * @property {string} draft What was typed and not sent.
 * @property {readonly Send[]} sends
 */

/**
 * One line in the list of all chats.
 *
 * @typedef {object} ChatRow
 * @property {string} chatId
 * @property {string} title Empty while nobody gave one.
 * @property {boolean} archived As far as it is known: the world's feed does not tell.
 * @property {number} updatedAt Likewise.
 * @property {number} activeAt When something last began or came to rest in it: unlike `updatedAt` it stands still while an
 *   answer is being written, so that a list in this order does too.
 * @property {OutcomeKind | null} outcome How its last turn ended; `null` while one runs or is to run, and while none has ended.
 * @property {Busy} busy
 * @property {number} unread Answers that ended since it was last selected, as far as it is followed.
 * @property {boolean} news Whether anything was recorded since it was last selected.
 * @property {boolean} selected
 * @property {boolean} sending Whether a prompt is on its way.
 */

/** What a chat does in which a turn runs, or is to run. @type {ReadonlySet<string>} */
const AT_WORK = new Set(["running", "awaiting"]);

/** @type {Busy} */
const UNKNOWN = Object.freeze({ kind: "unknown", step: null, tools: [], queued: 0, turnId: null });

/** What the store keeps of one chat. */
export class Entry {
  /** From its events alone. @type {ChatState} */
  state;
  /** @type {Signal | null} */
  signal = null;
  /** @type {Summary | null} */
  summary = null;
  /** Whether it stands in the list, and the reading of the list that said so last. */
  listed = false;
  reading = 0;
  /** @type {Following} */
  following = "no";
  /** @type {PolychatError | null} */
  error = null;
  /** The log up to here is old, what comes after it has just happened; `null` while nobody knows. @type {number | null} */
  loadedAt = null;
  /** When it was last looked at, as a place in the order of looking. */
  used = 0;
  /** The last event that was seen; `null` while it is not known what was there before. @type {number | null} */
  seen = null;
  /** Answers that were unread when it was parked. */
  unreadBefore = 0;
  selected = false;
  draft = "";
  /** @type {readonly Send[]} */
  sends = [];
  /** @type {Cell<ChatSnapshot>} */
  cell;
  /** @type {ChatRow} */
  row;

  /** @param {string} chatId */
  constructor(chatId) {
    this.state = emptyChat(chatId);
    this.cell = new Cell(snapshotOf(this));
    this.row = rowOf(this, this.cell.getSnapshot(), null);
  }

  get chatId() {
    return this.state.chatId;
  }

  /** The last event that is known of, be it read or not. */
  get head() {
    return Math.max(this.state.head, this.signal?.head ?? 0, this.summary?.head ?? 0);
  }

  /** It was read to where it was when it was looked at first: from there on it is live. */
  arrive() {
    if (this.following !== "loading" || this.loadedAt === null) return;
    if (this.state.head === 0 || this.state.head < this.loadedAt) return;
    this.following = "live";
    this.seen ??= this.state.head;
  }

  /** Whether somebody looks at it: then it is read before those at which nobody does. */
  get lookedAt() {
    return this.selected || this.cell.listeners > 0;
  }

  /** Whether its events are being read. */
  get followed() {
    return this.following === "loading" || this.following === "live";
  }

  /** Whether anybody would miss it. */
  get needed() {
    const { listed, followed, selected, draft, sends, cell } = this;
    return listed || followed || selected || draft !== "" || sends.length > 0 || cell.listeners > 0;
  }

  /** Whether it stood in the list that was published last. */
  #shown = false;

  /** Publishes what changed. @returns {boolean} whether the list of all chats did */
  publish() {
    const before = this.cell.getSnapshot();
    const now = snapshotOf(this);
    // What is derived anew but says the same stays the same object.
    const snapshot = sameFields(now.busy, before.busy) ? { ...now, busy: before.busy } : now;
    const row = rowOf(this, snapshot, this.row);
    const changed = !sameFields(row, this.row);
    if (changed) this.row = row;
    this.cell.publish(snapshot);
    const came = this.listed !== this.#shown;
    this.#shown = this.listed;
    return came || (changed && this.listed);
  }
}

/** @param {Entry} entry @returns {ChatSnapshot} */
function snapshotOf(entry) {
  const { chatId, state, following, error, selected, draft, sends } = entry;
  const [busy, unread] = [busyNow(entry), unreadNow(entry)];
  return { chatId, chat: state, following, error, busy, unread, selected, draft, sends };
}

/**
 * @param {Entry} entry
 * @param {ChatSnapshot} snapshot
 * @param {ChatRow | null} before what was shown last: all that is known of a chat that is read no more and was never listed
 * @returns {ChatRow}
 */
function rowOf(entry, { busy, unread }, before) {
  const { chatId, state, summary, selected, sends, seen, head } = entry;
  const own = entry.following === "live" ? state : null;
  return {
    chatId,
    title: own?.title ?? saidLast(entry)?.title ?? before?.title ?? state.title,
    archived: own?.archived ?? summary?.archived ?? before?.archived ?? false,
    updatedAt: own?.updatedAt ?? summary?.updatedAt ?? before?.updatedAt ?? 0,
    activeAt: own ? activeAt(own) : (summary?.updatedAt ?? before?.activeAt ?? 0),
    outcome: outcomeNow(entry, busy),
    busy,
    unread,
    news: !selected && seen !== null && head > seen,
    selected,
    sending: sends.some(({ state }) => state === "sending"),
  };
}

/**
 * What the world said of it last: by its feed, or by a list that was read further than that.
 *
 * @param {Entry} entry
 * @returns {Signal | Summary | null}
 */
function saidLast({ signal, summary }) {
  return signal && !(summary && summary.head > signal.head) ? signal : summary;
}

/**
 * What the chat does: by its own log where that is read to its end, else by what the world said last.
 * That its actor failed or its store is away stands in no log.
 *
 * @param {Entry} entry
 * @returns {Busy}
 */
function busyNow(entry) {
  const { state, signal, following } = entry;
  const off = signal?.kind === "failed" || signal?.kind === "stalled" ? signal : null;
  if (following === "live" || following === "ended") {
    const own = busyOf(state);
    return off && own.kind !== "deleted" ? { ...own, kind: off.kind } : own;
  }
  const said = saidLast(entry);
  // Of chats in which nothing goes on only lists tell, and of all others the feed.
  if (said && said !== signal && (said.kind === "idle" || said.kind === "closed")) {
    return { ...UNKNOWN, kind: said.kind };
  }
  if (!signal) return UNKNOWN;
  const { kind, queued, turnId = null } = signal;
  return { kind, step: null, tools: [], queued, turnId };
}

/** @param {ChatState} state @returns {number} */
function activeAt({ turn, queue, updatedAt }) {
  return turn ? Math.max(turn.startedAt, queue.at(-1)?.at ?? 0) : updatedAt;
}

/**
 * How the last turn ended: like what the chat does, by its own log or else by what the world said last.
 *
 * @param {Entry} entry
 * @param {Busy} busy
 * @returns {OutcomeKind | null}
 */
function outcomeNow(entry, { kind, turnId }) {
  const { state, following } = entry;
  if (turnId !== null || AT_WORK.has(kind)) return null;
  if (following === "live" || following === "ended") return state.turns.at(-1)?.outcome.kind ?? null;
  const said = saidLast(entry);
  return said && !AT_WORK.has(said.kind) ? (said.lastOutcome ?? null) : null;
}

/** @param {Entry} entry @returns {number} */
function unreadNow({ state, selected, seen, following, unreadBefore }) {
  if (selected || seen === null) return 0;
  return following === "parked" ? unreadBefore : unreadOf(state, seen);
}
