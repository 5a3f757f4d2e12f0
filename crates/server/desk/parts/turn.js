/**
 * The end of a turn: what it does while it runs, and how it ended.
 *
 * @module
 */

import { html, useEffect, useSnapshot, useState } from "./hooks.js";
import { isShut, signalOf } from "./signal.js";
import { duration, failureText, tokens } from "./turn-words.js";

/** @import { Pane } from "./chat.js" */
/** @import { EndedTurn } from "./timeline-entries.js" */

/** What the running turn does. @param {{ pane: Pane, startedAt: number }} props */
export function RunningRow({ pane, startedAt }) {
  const busy = useSnapshot(pane.handle, (snapshot) => snapshot.busy);
  const { tone, text } = signalOf({ busy, outcome: null, sending: false });
  return html`
    <p class="turn small" data-tone=${tone}><span class="lamp" data-tone=${tone} aria-hidden="true"></span><span class="turn-text">${text}</span>
      <span class="quiet"><${Elapsed} pane=${pane} since=${startedAt} /></span></p>
  `;
}

/** How a turn ended. @param {{ pane: Pane, turn: EndedTurn, isLast: boolean }} props */
export function TurnEnd({ pane, turn, isLast }) {
  const { outcome, usage, startedAt, endedAt, id } = turn;
  const { tone, text } = ended(outcome);
  const said = tokens(usage);
  return html`
    <div class="turn small" data-outcome=${outcome.kind} data-tone=${tone}>
      ${text && html`<span class="turn-text" dir="auto">${text}</span>`}
      <span class="quiet">${duration(endedAt - startedAt)}${said && html` · <span title="Tokens">${said}</span>`}</span>
      <${Retry} pane=${pane} turnId=${id} isLast=${isLast} isUrged=${tone === "bad" || tone === "dim"} />
    </div>
  `;
}

/** @param {EndedTurn["outcome"]} outcome */
function ended(outcome) {
  switch (outcome.kind) {
    case "failed":
      return { tone: "bad", text: failureText(outcome.failure) };
    case "cancelled":
      return { tone: "dim", text: "Stopped" };
    case "interrupted":
      return { tone: "dim", text: "Interrupted: the server ended before it was done" };
    default:
      return { tone: "rest", text: "" };
  }
}

/** Again; where something was said since, only after a second thought. @param {{ pane: Pane, turnId: number, isLast: boolean, isUrged: boolean }} props */
function Retry({ pane, turnId, isLast, isUrged }) {
  const shut = useSnapshot(pane.handle, isShut);
  const [asked, setAsked] = useState(false);
  const [underWay, setUnderWay] = useState(false);
  const again = async () => {
    if (!isLast && !asked) return setAsked(true);
    setUnderWay(true);
    await pane.attempt("Not tried again", () => pane.handle.revise({ turnId }));
    setUnderWay(false);
  };
  if (shut) return null;
  const text = asked && !isLast ? "All after this will go. Sure?" : "Retry";
  return html`<button type="button" class=${`act ${isUrged && isLast ? "urged" : ""}`} disabled=${underWay} onClick=${again} onBlur=${() => setAsked(false)}>${text}</button>`;
}

/** How long something has been going on; it says so once a second, as long as it is known whether it goes on. @param {{ pane: Pane, since: number }} props */
export function Elapsed({ pane, since }) {
  const isKnown = useSnapshot(pane.standing, ({ phase }) => phase === "open");
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!isKnown) return undefined;
    const tick = () => setNow(Date.now());
    tick();
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [isKnown]);
  return html`<span class="elapsed">${duration(Math.floor(Math.max(0, now - since) / 1000) * 1000).replace(".0", "")}</span>`;
}
