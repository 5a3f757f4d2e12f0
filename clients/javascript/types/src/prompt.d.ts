/**
 * One accepted prompt, and how it ends.
 *
 * @module
 */
export type Link = import("./link.js").Link;
export type ChatNotice = import("./types.js").ChatNotice;
export type EndReason = import("./types.js").EndReason;
export type LiveEvent = import("./types.js").LiveEvent;
export type PromptOutcome = import("./types.js").PromptOutcome;
export type PromptState = import("./types.js").PromptState;
export type RecordedEvent = import("./types.js").RecordedEvent;
export type End = {
    outcome: PromptOutcome;
    answer: string;
};
/** @typedef {import("./link.js").Link} Link */
/** @typedef {import("./types.js").ChatNotice} ChatNotice */
/** @typedef {import("./types.js").EndReason} EndReason */
/** @typedef {import("./types.js").LiveEvent} LiveEvent */
/** @typedef {import("./types.js").PromptOutcome} PromptOutcome */
/** @typedef {import("./types.js").PromptState} PromptState */
/** @typedef {import("./types.js").RecordedEvent} RecordedEvent */
/** @typedef {{ outcome: PromptOutcome, answer: string }} End */
/**
 * A prompt that was accepted: it is stored, and will end in exactly one outcome.
 *
 * @example
 * const prompt = await chat.prompt("what is my name?");
 * console.log(await prompt.answer());
 */
export declare class Prompt {
    #private;
    /** The chat that took it. */
    chatId: string;
    /** Its id, as it was sent. */
    promptId: string;
    /** Its place in the log of the chat. */
    acceptedSeq: number;
    /** @param {Link} link @param {string} chatId @param {{ promptId: string, acceptedSeq: number }} accepted */
    constructor(link: Link, chatId: string, { promptId, acceptedSeq }: {
        promptId: string;
        acceptedSeq: number;
    });
    /** Where it stands. @returns {Promise<PromptState>} */
    state(): Promise<PromptState>;
    /**
     * Waits for its outcome, whatever else happens in this chat and in others.
     *
     * It is recorded, so this may be asked at any time, again and again. A connection that is lost
     * meanwhile does not matter. Aborting the signal cancels nothing.
     *
     * @param {{ signal?: AbortSignal | undefined }} [options]
     * @returns {Promise<PromptOutcome>}
     */
    outcome(options?: {
        signal?: AbortSignal | undefined;
    }): Promise<PromptOutcome>;
    /**
     * Waits for the outcome; resolves to the text of the last message that an agent wrote in the
     * prompt's turn, empty if there is none. It may have broken off, see {@link outcome}.
     *
     * @param {{ signal?: AbortSignal | undefined }} [options]
     * @returns {Promise<string>}
     */
    answer(options?: {
        signal?: AbortSignal | undefined;
    }): Promise<string>;
}
