/**
 * A button that copies.
 *
 * @module
 */

import { html, useEffect, useState } from "./hooks.js";

/** How long it says that it has, in milliseconds. */
const SAID_MS = 1500;

/** @param {{ text: string, what: string }} props */
export function Copy({ text, what }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (said === "") return undefined;
    const timer = setTimeout(() => setSaid(""), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      // A page that is not served securely may not.
      setSaid("Not allowed");
    }
  };
  return html`<button type="button" class="act" onClick=${copy}>${said || "Copy"}<span class="unseen"> ${what}</span></button>`;
}
