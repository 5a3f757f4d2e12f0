/**
 * When something was, as short as a line of the list allows.
 *
 * @module
 */

const TIME = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const SECONDS = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const YEAR = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

const DAY_MS = 86_400_000;

/** A date, if it is one: what others wrote into a chat may be any number. @param {number} at @returns {Date | null} */
function dateOf(at) {
  const date = new Date(at);
  return at > 0 && !Number.isNaN(date.getTime()) ? date : null;
}

/** The time today, the day this week, the date before. @param {number} at @param {number} [now] @returns {string} */
export function when(at, now = Date.now()) {
  const [then, today] = [dateOf(at), new Date(now)];
  if (!then) return "";
  if (then.toDateString() === today.toDateString()) return TIME.format(then);
  if (now - at < 6 * DAY_MS && now > at) return DAY.format(then);
  return (then.getFullYear() === today.getFullYear() ? DATE : YEAR).format(then);
}

/** To the second. @param {number} at @returns {string} */
export const clockTime = (at) => shown(SECONDS, at);

/** All of it, for whoever asks. @param {number} at @returns {string} */
export const wholeTime = (at) => shown(WHOLE, at);

/** @param {Intl.DateTimeFormat} format @param {number} at @returns {string} */
function shown(format, at) {
  const date = dateOf(at);
  return date ? format.format(date) : "";
}
