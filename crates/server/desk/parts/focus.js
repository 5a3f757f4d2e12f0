/**
 * The keyboard always has a place: when what had the focus goes, the message field has it, or else the list.
 *
 * A browser says nothing when an element goes that had the focus; whoever types then types into nothing.
 *
 * @module
 */

import { useEffect } from "./hooks.js";

/** For as long as the component is there. */
export function useFocusKept() {
  useEffect(() => {
    /** @type {Element | null} */
    let last = null;
    const had = () => void (last = document.activeElement);
    const look = () => {
      const { activeElement: now, body } = document;
      if (last === null || (now !== null && now !== body)) return;
      if (last.isConnected && !last.matches(":disabled")) return;
      if (hasKeyboard()) toKeyboard();
      else toMain();
    };
    const changes = new MutationObserver(look);
    changes.observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["disabled"] });
    document.addEventListener("focusin", had);
    if (document.activeElement === document.body && hasKeyboard()) toKeyboard();
    return () => {
      changes.disconnect();
      document.removeEventListener("focusin", had);
    };
  }, []);
}

/** Where somebody types most likely. */
function toKeyboard() {
  /** @type {HTMLElement | null} */
  const place = document.querySelector("#message:enabled") ?? document.querySelector("#chats");
  place?.focus({ preventScroll: true });
}

/** Where nothing is typed into: where there are fingers alone, a field would open a keyboard over the page. */
function toMain() {
  /** @type {HTMLElement | null} */
  const main = document.querySelector("#main");
  main?.focus({ preventScroll: true });
}

/** Where what is shown is read by keys, once there is nothing more to type. */
export function leaveField() {
  /** @type {HTMLElement | null} */
  const place = document.querySelector(".timeline") ?? document.querySelector("#chats");
  place?.focus({ preventScroll: true });
}

/** The list of chats. */
export function toList() {
  /** @type {HTMLElement | null} */
  const list = document.querySelector("#chats");
  list?.focus();
}

/** Whether a field can have the focus and nothing opens over the page. */
export const hasKeyboard = () => window.matchMedia("(hover: hover)").matches;
