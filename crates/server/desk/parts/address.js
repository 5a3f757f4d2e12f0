/**
 * What stands behind the `#` of the address: `#/world/chat`.
 *
 * It is read when the page opens and written when a chat is selected, so that a reload or a link leads
 * to the same chat. What is selected is known by the store alone.
 *
 * @module
 */

/** The world of an address. @param {string} hash @returns {string | null} */
export const worldIn = (hash) => piece(hash, 0);

/** The chat of an address. @param {string} hash @returns {string | null} */
export const chatIn = (hash) => piece(hash, 1);

/** The address of a chat, or of none. @param {string} worldId @param {string | null} chatId @returns {string} */
export function addressOf(worldId, chatId) {
  const world = `#/${encodeURIComponent(worldId)}`;
  return chatId === null ? world : `${world}/${encodeURIComponent(chatId)}`;
}

/** @param {string} hash @param {number} at @returns {string | null} */
function piece(hash, at) {
  if (!hash.startsWith("#/")) return null;
  const text = hash.slice(2).split("/")[at];
  if (!text) return null;
  try {
    return decodeURIComponent(text);
  } catch {
    // Somebody typed a lone percent sign.
    return null;
  }
}
