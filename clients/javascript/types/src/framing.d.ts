/**
 * Where a message ends: one line each, or a length before each.
 *
 * A decoder gets bytes in whatever pieces they come and gives back whole messages. What is too long
 * is skipped without being kept; only its beginning is told, so that whoever waits for it can hear
 * that it will not come.
 *
 * @module
 */
export type Framing = "lines" | "content-length";
export type Frame = {
    text: string;
    rejected?: undefined;
} | {
    rejected: "too_long" | "not_utf8";
    begin: string;
};
export type Decoder = {
    /**
     * to be read to its end; throws {@link FramesLost}
     */
    push: (chunk: Uint8Array) => Iterable<Frame>;
};
/** Where the next frame begins is not known any more; the connection cannot go on. */
export declare class FramesLost extends Error {
    /** @param {string} why */
    constructor(why: string);
}
/**
 * The bytes of a message. In lines, the text must not contain a line break, and JSON does not.
 *
 * @param {Framing} framing
 * @param {string} text
 */
export declare function encodeFrame(framing: Framing, text: string): Uint8Array<ArrayBufferLike>;
/**
 * @param {Framing} framing
 * @param {number} bytesMax
 * @returns {Decoder}
 */
export declare function frameDecoder(framing: Framing, bytesMax: number): Decoder;
