/**
 * What was said in the chat that is open, and what is being said.
 *
 * What was said before the running turn changes once per turn, and of that the rows near what is seen are
 * drawn. With each frame in which the running turn changed, the list is compared and its last message drawn anew.
 *
 * @module
 */

import { html, memo, useEffect, useLayoutEffect, useMemo, useRef, useSnapshot, useState } from "./hooks.js";
import { Message } from "./message.js";
import { Pending } from "./queue.js";
import { useScroll } from "./scroll.js";
import { around, atEnd, entriesOf, entriesOfRunning, further, nearer, placeOf, trimmed, within } from "./timeline-entries.js";
import { RunningRow, TurnEnd } from "./turn.js";

/** @import { Pane } from "./chat.js" */
/** @import { Entry, Span } from "./timeline-entries.js" */

/** @param {{ pane: Pane, at: { messageId: number } | null, onShown: () => void }} props */
export function Timeline({ pane, at, onShown }) {
  const { handle, drafts, chatId } = pane;
  const history = useSnapshot(handle, ({ chat }) => chat.history);
  const turns = useSnapshot(handle, ({ chat }) => chat.turns);
  const turn = useSnapshot(handle, ({ chat }) => chat.turn);
  const isRunning = turn !== null;
  const entries = useMemo(() => entriesOf(history, turns, isRunning), [history, turns, isRunning]);
  const kept = useMemo(() => placeKept(drafts.of(chatId).place, entries, turn), []);
  const [span, setSpan] = useState(/** @type {Span} */ (kept && kept.at < entries.length ? around(kept.at, entries.length) : atEnd(entries.length)));
  const [marked, setMarked] = useState("");
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const rows = useRef(/** @type {HTMLElement | null} */ (null));
  const latest = useRef(entries);
  latest.current = entries;

  const scroll = useScroll({
    box,
    rows,
    isWhole: span.last === null,
    place: kept?.place,
    version: () => handle.getSnapshot().chat,
    onPlace: (place) => drafts.keep(chatId, { place }),
    onEdge: (edge) => {
      const count = latest.current.length;
      setSpan((before) => {
        const next = edge === "upper" ? further(before, count) : nearer(before, count);
        if (next.first === before.first && next.last === before.last) return before;
        scroll.hold();
        return next;
      });
    },
  });
  useLayoutEffect(() => {
    if (scroll.away === "no" || entries.length <= span.first) setSpan((before) => trimmed(before, entries.length));
  }, [entries.length, scroll.away]);
  useShown(at, entries, turn, (key, place) => {
    scroll.show(key);
    setSpan(place < entries.length ? around(place, entries.length) : atEnd(entries.length));
    setMarked(key);
    onShown();
  });
  useLayoutEffect(scroll.settle, [span, marked]);

  const { first, last } = within(span, entries.length);
  const isWhole = span.last === null;
  const drawn = [...entries.slice(first, last), ...(turn && isWhole ? entriesOfRunning(turn) : [])];
  const toEnd = () => {
    setSpan((before) => (before.last === null ? before : atEnd(latest.current.length)));
    scroll.toEnd();
  };
  useEffect(() => {
    pane.ender.current = toEnd;
    return () => void (pane.ender.current = null);
  }, []);
  return html`
    <div class="timeline" ref=${box} tabindex="0" role="region" aria-label="What was said">
      <ol class="rows" ref=${rows}>
        ${first > 0 && html`<li class="rows-more quiet small">Reading on…</li>`}
        ${drawn.map((entry) => html`<${Row} key=${entry.key} pane=${pane} entry=${entry} marked=${entry.key === marked} />`)}
        ${isWhole && !turn && html`<${Pending} pane=${pane} />`}
      </ol>
    </div>
    ${scroll.away !== "no" && html`
      <div class="below"><button type="button" class="button below-button" onClick=${toEnd}>${scroll.away === "news" ? "New below" : "To the end"} ↓</button></div>
    `}
  `;
}

const Row = memo((/** @type {{ pane: Pane, entry: Entry, marked: boolean }} */ { pane, entry, marked }) => html`
  <li class="entry" data-key=${entry.key} data-marked=${String(marked)}>
    ${inside(pane, entry)}
  </li>
`);

/** @param {Pane} pane @param {Entry} entry */
function inside(pane, entry) {
  if ("message" in entry) return html`<${Message} pane=${pane} message=${entry.message} byline=${entry.byline} isEnd=${entry.isEnd} />`;
  if ("ended" in entry) return html`<${TurnEnd} pane=${pane} turn=${entry.ended} isLast=${entry.isLast} />`;
  return html`<${RunningRow} pane=${pane} startedAt=${entry.startedAt} />`;
}

/**
 * Where it was, if that is still there; the rows of the running turn stand behind all others.
 *
 * @param {import("./drafts.js").Kept["place"]} place
 * @param {readonly Entry[]} entries
 * @param {import("./timeline-entries.js").ChatState["turn"]} turn
 */
function placeKept(place, entries, turn) {
  const keys = [...entries.map(({ key }) => key), ...(turn?.messages ?? []).map(({ id }) => `m${id}`)];
  const at = place ? keys.indexOf(place.key) : -1;
  return place && at >= 0 ? { place, at } : null;
}

/**
 * Whoever asked for a message is shown it, once it is there.
 *
 * @param {{ messageId: number } | null} at
 * @param {readonly Entry[]} entries
 * @param {import("./timeline-entries.js").ChatState["turn"]} turn
 * @param {(key: string, place: number) => void} show
 */
function useShown(at, entries, turn, show) {
  useLayoutEffect(() => {
    if (!at) return;
    const all = turn ? [...entries, ...entriesOfRunning(turn)] : entries;
    const place = placeOf(all, at.messageId);
    const entry = all[place];
    if (entry) show(entry.key, place);
  }, [at, entries, turn]);
}
