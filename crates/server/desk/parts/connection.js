/**
 * How the connection stands, where a person has to know.
 *
 * @module
 */

import { html, useSnapshot } from "./hooks.js";

/** @import { Session, Standing } from "./session.js" */

/** What is wrong while chats are shown; nothing when nothing is. @param {{ session: Session }} props */
export function ConnectionBanner({ session }) {
  const { phase } = useSnapshot(session.standing);
  // It is there before there is something to say, so that it is heard.
  return html`
    <div role="status" class="connection" data-phase=${phase}>
      ${phase === "lost" && html`<p class="banner"><span class="lamp" data-tone="wait" aria-hidden="true"></span>Connection lost. Trying again; what is shown goes on from where it was.</p>`}
      ${(phase === "denied" || phase === "missing") && html`<p class="banner bad">${WORDS[phase]?.title}. ${WORDS[phase]?.text}</p>`}
      ${phase === "closed" && html`<p class="banner bad">The connection has ended.
        <button type="button" class="button" onClick=${() => location.reload()}>Load the page anew</button></p>`}
    </div>
  `;
}

/** @type {Readonly<Partial<Record<Standing["phase"], { title: string, text: string }>>>} */
const WORDS = Object.freeze({
  denied: {
    title: "This page may not enter",
    text: "Open the link that the server printed when it started: it brings the token along. It may be that the server was started anew since.",
  },
  missing: { title: "There is no such world", text: "The server has no world of this name, or none that your token opens." },
});

/** Before there is anything to show. @param {{ session: Session }} props */
export function Entrance({ session }) {
  const { phase, reason, worldId } = useSnapshot(session.standing);
  const { title, text } = WORDS[phase] ?? { title: "Connecting…", text: reason };
  return html`
    <main class="entrance">
      <h1>${title}</h1>
      ${worldId && html`<p class="quiet small">World ${worldId}</p>`}
      <p role="status">${text}</p>
      ${(phase === "denied" || phase === "missing" || reason !== "") && html`<button type="button" class="button" onClick=${session.retry}>Try again</button>`}
    </main>
  `;
}
