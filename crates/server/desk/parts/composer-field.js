/**
 * A field that is as high as what is typed into it.
 *
 * @module
 */

const BY_STYLE = typeof CSS !== "undefined" && CSS.supports("field-sizing", "content");

/** As high as its text, where the style sheet cannot see to that. @param {HTMLTextAreaElement | null} field */
export function fit(field) {
  if (BY_STYLE || !field) return;
  field.style.setProperty("height", "auto");
  field.style.setProperty("height", `${field.scrollHeight + 2}px`);
}
