/**
 * The page: connects to a world, and draws its desk.
 *
 * Read on: `parts/bridge` (the way to the world), `parts/session` (what this page holds of it),
 * `parts/frame` (the list beside the chat that is open).
 *
 * @module
 */

import { Frame } from "./parts/frame.js";
import { html, render } from "./parts/hooks.js";
import { openSession } from "./parts/session.js";

const root = document.getElementById("desk");
if (root) {
  root.replaceChildren();
  render(html`<${Frame} session=${openSession()} />`, root);
}
