/**
 * What was tried and did not work, said once and shown for a while.
 *
 * @module
 */

import { Cell } from "./cell.js";
import { html, useEffect, useSnapshot } from "./hooks.js";
import { Icon } from "./icons.js";

/** Notices that are shown at once. */
const SHOWN_MAX = 4;
/** How long one is shown, in milliseconds; what was refused stands in the diagnostics as well. */
const SHOWN_MS = 15_000;

/** @typedef {{ id: number, text: string }} Notice */

/** The notices of this page. */
export class Notices {
  #count = 0;
  #cell = new Cell(/** @type {readonly Notice[]} */ ([]));
  getSnapshot = this.#cell.getSnapshot;
  subscribe = this.#cell.subscribe;

  /** @param {string} text */
  say = (text) => {
    this.#count += 1;
    this.#cell.set([...this.#cell.getSnapshot().slice(1 - SHOWN_MAX), { id: this.#count, text }]);
  };

  /** @param {number} id */
  dismiss = (id) => this.#cell.set(this.#cell.getSnapshot().filter((notice) => notice.id !== id));

  /**
   * Does it, and says so when that fails.
   *
   * @template Result
   * @param {string} what
   * @param {() => Promise<Result>} work
   * @returns {Promise<Result | undefined>}
   */
  attempt = async (what, work) => {
    try {
      return await work();
    } catch (error) {
      this.say(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
}

/** @param {{ notices: Notices }} props */
export function NoticeList({ notices }) {
  const all = useSnapshot(notices);
  return html`
    <div class="notices" role="status">
      ${all.map((notice) => html`<${Shown} key=${notice.id} notice=${notice} dismiss=${notices.dismiss} />`)}
    </div>
  `;
}

/** @param {{ notice: Notice, dismiss: (id: number) => void }} props */
function Shown({ notice: { id, text }, dismiss }) {
  useEffect(() => {
    const timer = setTimeout(() => dismiss(id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [id]);
  return html`
    <p class="notice">
      <span>${text}</span>
      <button type="button" class="button plain icon" onClick=${() => dismiss(id)}><${Icon} name="close" /><span class="unseen">Dismiss</span></button>
    </p>
  `;
}
