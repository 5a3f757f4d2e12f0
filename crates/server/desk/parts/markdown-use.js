/**
 * Whether somebody is at work in a part of the page, so that it is not drawn anew under their hands.
 *
 * @module
 */

/** What may end it; of a focus that moves, the new place is known only afterwards. */
const ENDS = ["selectionchange", "focusin", "focusout"];

/**
 * Calls back once nothing in it is selected and nothing in it has the focus: at once, or when it is left.
 *
 * @param {Element} element
 * @param {() => void} then
 * @returns {() => void} takes that back
 */
export function whenLeft(element, then) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const end = () => {
    clearTimeout(timer);
    for (const type of ENDS) document.removeEventListener(type, soon);
  };
  const look = () => {
    if (isInUse(element)) return;
    end();
    then();
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(look);
  };
  for (const type of ENDS) document.addEventListener(type, soon);
  look();
  return end;
}

/** @param {Element} element */
function isInUse(element) {
  const selection = document.getSelection();
  if (selection && !selection.isCollapsed && selection.containsNode(element, true)) return true;
  return element.contains(document.activeElement);
}
