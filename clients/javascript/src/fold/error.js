/**
 * Why an event does not fit a chat.
 *
 * @module
 */

/**
 * What is wrong with an event: its chat is missing or another one, an event before it is missing,
 * text before it is missing, it is of something that never began, or it is none at all.
 *
 * @typedef {"missing_chat" | "foreign_chat" | "out_of_order" | "text_gap" | "not_open" | "malformed"} FoldErrorCode
 */

/** An event that does not fit a chat; the chat is as it was (REQ-13). */
export class FoldError extends Error {
  /**
   * @param {FoldErrorCode} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = "FoldError";
    /** What is wrong; stable. */
    this.code = code;
  }
}
