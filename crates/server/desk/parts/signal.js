/**
 * What a chat does, in a few words: the signal of its line and of its header (REQ-8, NFR-3).
 *
 * @module
 */

/** @import { Busy, ChatRow } from "./types.js" */

/**
 * `tone` is what the signal looks like, never the only way to tell.
 *
 * @typedef {object} Signal
 * @property {"rest" | "work" | "wait" | "bad" | "dim"} tone
 * @property {string} text
 */

/** @type {Readonly<Record<string, Signal>>} */
const AT_REST = Object.freeze({
  failed: { tone: "bad", text: "Failed" },
  interrupted: { tone: "dim", text: "Interrupted" },
  cancelled: { tone: "dim", text: "Stopped" },
});

/** @type {Signal} */
const IDLE = { tone: "rest", text: "Idle" };

/**
 * What a chat does.
 *
 * @param {Pick<ChatRow, "busy" | "outcome" | "sending">} row
 * @returns {Signal}
 */
export function signalOf({ busy, outcome, sending }) {
  switch (busy.kind) {
    case "running":
      return { tone: "work", text: stepOf(busy) };
    case "awaiting":
      return { tone: "wait", text: "Waiting for you" };
    case "failed":
      return { tone: "bad", text: "Out of order" };
    case "stalled":
      return { tone: "bad", text: "Stalled: cannot be stored" };
    case "closed":
      return { tone: "dim", text: "Closed" };
    case "deleted":
      return { tone: "dim", text: "Deleted" };
    case "unknown":
      return sending ? { tone: "work", text: "Sending" } : { tone: "dim", text: "" };
    default:
      if (sending) return { tone: "work", text: "Sending" };
      return (outcome && AT_REST[outcome]) || IDLE;
  }
}

/** @param {Busy} busy @returns {string} */
function stepOf({ step, tools, turnId }) {
  if (step === "tools") return `Running ${tools.join(", ")}`;
  if (step === "writing") return "Writing";
  if (step === "thinking") return "Thinking";
  return turnId === null ? "Waiting for a place" : "Working";
}

/** Whether it takes no messages. @param {{ busy: Busy }} snapshot */
export const isShut = ({ busy: { kind } }) => kind === "closed" || kind === "deleted";

/** Whether something is new in it: answers that are counted, or something that is not and does not go on. @param {Pick<ChatRow, "unread" | "news" | "busy">} row */
export const hasNews = ({ unread, news, busy }) => unread > 0 || (news && busy.kind !== "running");

/** How many prompts wait, in words; empty for none. @param {Busy} busy @returns {string} */
export function queuedOf({ queued }) {
  return queued === 0 ? "" : `${queued} queued`;
}

/** What to call a chat that has no title. @param {string} title @param {string} opening how it begins, if known @returns {string} */
export function nameOf(title, opening) {
  return title || opening || "New chat";
}
