/**
 * Text by its length in UTF-8: chunks say in bytes where they stand, strings here count otherwise.
 *
 * @module
 */
/**
 * The length of a text in UTF-8, in bytes.
 *
 * @param {string} text
 * @returns {number}
 */
export declare function utf8Length(text: string): number;
/**
 * The rest of a text after its first `bytes` bytes; `null` when they end within a character.
 *
 * @param {string} text
 * @param {number} bytes
 * @returns {string | null}
 */
export declare function afterBytes(text: string, bytes: number): string | null;
/**
 * Text that is known, with what is new of a piece that stands at `offset`, all in bytes.
 *
 * @param {string} known
 * @param {number} bytes
 * @param {number} offset
 * @param {string} piece
 * @returns {{ text: string, bytes: number }}
 */
export declare function grow(known: string, bytes: number, offset: number, piece: string): {
    text: string;
    bytes: number;
};
