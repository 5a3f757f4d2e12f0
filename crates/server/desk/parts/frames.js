/**
 * When what chats say is drawn: with the next frame of the screen.
 *
 * @module
 */

/** How long a page waits that is shown nowhere and so is given no frames, in milliseconds. */
const HIDDEN_MS = 200;

/**
 * Calls back once with the next frame, or soon where no frames come; what it returns takes that back.
 *
 * @param {() => void} flush
 * @returns {() => void}
 */
export function everyFrame(flush) {
  const end = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
  const once = () => {
    end();
    flush();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, HIDDEN_MS);
  return end;
}
