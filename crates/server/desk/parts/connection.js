/**
 * How the connection stands, where a person has to know.
 *
 * @module
 */

import { addressOf } from "./address.js";
import { html, useEffect, useListener, useSnapshot, useState } from "./hooks.js";

/** @import { Session, Standing } from "./session.js" */

/** What is wrong while chats are shown; nothing when nothing is. @param {{ session: Session }} props */
export function ConnectionBanner({ session }) {
  const { phase } = useSnapshot(session.standing);
  // It is there before there is something to say, so that it is heard.
  return html`
    <div role="status" data-phase=${phase}>
      ${phase === "lost" && html`<p class="banner"><span class="lamp" data-tone="wait" aria-hidden="true"></span>Connection lost. Trying again; nothing is lost or shown twice.</p>`}
      ${(phase === "denied" || phase === "missing") && html`<p class="banner bad"><span>${WORDS[phase]?.title}. ${WORDS[phase]?.text}</span>
        <button type="button" class="button" onClick=${() => location.reload()}>${phase === "denied" ? "Enter the token" : "Load the page anew"}</button></p>`}
      ${phase === "closed" && html`<p class="banner bad">The connection has ended.
        <button type="button" class="button" onClick=${() => location.reload()}>Load the page anew</button></p>`}
    </div>
  `;
}

/** @type {Readonly<Partial<Record<Standing["phase"], { title: string, text: string }>>>} */
const WORDS = Object.freeze({
  denied: {
    title: "Open the printed link",
    text: "This server lets in who has its token. Open the link that it printed when it started: the token is in it. A server that was started anew has printed a new one.",
  },
  missing: { title: "There is no such world", text: "The server has no world of this name, or none that your token opens." },
});

/** Before there is anything to show. @param {{ session: Session }} props */
export function Entrance({ session }) {
  const { phase, reason, worldId } = useSnapshot(session.standing);
  // Another address is another world.
  useListener(window, "hashchange", () => location.reload());
  const { title, text } = WORDS[phase] ?? { title: "Connecting…", text: "" };
  const isOver = phase === "denied" || phase === "missing" || reason !== "";
  return html`
    <main class=${`entrance ${isOver ? "" : "soon"}`}>
      <h1>${title}</h1>
      ${worldId && phase !== "denied" && html`<p class="quiet small">World ${worldId}</p>`}
      <p role="status">${reason || text}</p>
      ${phase === "denied" && html`<${Token} session=${session} />`}
      ${phase === "missing" && html`<${OtherWorlds} session=${session} />`}
      ${isOver && phase !== "denied" && html`<button type="button" class="button" onClick=${session.retry}>Try again</button>`}
    </main>
  `;
}

/** For who has the link, but not in this browser. @param {{ session: Session }} props */
function Token({ session }) {
  const [text, setText] = useState("");
  const [fault, setFault] = useState("");
  const onSubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setFault("");
    try {
      setFault(await session.admit(text));
    } catch {
      setFault("The server does not answer.");
    }
  };
  return html`
    <form onSubmit=${onSubmit}>
      <label class="unseen" for="token">Token or link</label>
      <input id="token" class="field" type="password" placeholder="Or paste the link or the token here" autocomplete="off" spellcheck=${false} value=${text}
        aria-describedby="token-fault" onInput=${(/** @type {any} */ event) => setText(event.target.value)} />
      <button type="submit" class="button primary" disabled=${text.trim() === ""}>Enter</button>
    </form>
    <p id="token-fault" class="fault small" role="alert">${fault}</p>
  `;
}

/** The worlds that there are instead. @param {{ session: Session }} props */
function OtherWorlds({ session }) {
  const worlds = useSnapshot(session.worlds);
  useEffect(() => void session.askWorlds(), []);
  if (worlds.length === 0) return null;
  return html`
    <nav class="entrance-worlds" aria-label="Worlds that there are">
      ${worlds.map((worldId) => html`<a key=${worldId} class="button" href=${addressOf(worldId, null)}>${worldId}</a>`)}
    </nav>
  `;
}
