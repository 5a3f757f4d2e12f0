/**
 * One chat of a store: what is shown of it, and what a person can do in it.
 *
 * Every function acts on this chat and on no other, whatever is selected (REQ-14).
 *
 * @module
 */
import type { Attached, Chat, Content, Sending } from "../chat.js";
import type { Prompt } from "../prompt.js";
import type { ApprovalDecision, PromptMode } from "../types.js";
import type { ChatSnapshot, Entry } from "./entry.js";
import type { StoreChat } from "../store.js";
export type SendOptions = Attached & Omit<Sending, "promptId" | "signal">;
export type HandleOptions = {
    entry: () => Entry;
    follow: (entry: Entry) => void;
    /**
     * somebody looks at it no more
     */
    left: () => void;
    /**
     * publishes at once: what a person does shows at once
     */
    changed: (entry: Entry) => void;
    newPromptId: () => string;
};
/**
 * What a handle needs of its store.
 *
 * @typedef {object} HandleOptions
 * @property {() => Entry} entry
 * @property {(entry: Entry) => void} follow
 * @property {() => void} left somebody looks at it no more
 * @property {(entry: Entry) => void} changed publishes at once: what a person does shows at once
 * @property {() => string} newPromptId
 */
/** One chat of a store. Its functions may be handed on by themselves. */
export declare class ChatHandle {
    #private;
    /** @param {StoreChat} chat @param {HandleOptions} options */
    constructor(chat: StoreChat, options: HandleOptions);
    /** Its id. */
    get id(): string;
    /** What is shown of it: the same object as long as nothing changed. @returns {ChatSnapshot} */
    getSnapshot: () => ChatSnapshot;
    /**
     * Hears of each new snapshot, and follows the chat.
     *
     * @param {() => void} listener
     * @returns {() => void} ends it; the chat is followed on, until its place is needed
     */
    subscribe: (listener: () => void) => () => void;
    /** Reads its events, also after they broke off; unless chats that are looked at have all the places. */
    follow: () => void;
    /** Keeps what was typed and not sent. @param {string} text */
    setDraft: (text: string) => void;
    /**
     * Sends a message to this chat; without one, its draft, which is empty then.
     *
     * Sending in one chat neither waits for nor holds up another (REQ-7). What was refused stays in
     * `sends`, with why; so this rejects only when too many messages stand there, as `overloaded`.
     *
     * @param {Content} [content]
     * @param {SendOptions} [options]
     * @returns {Promise<Prompt | null>} the prompt once it is accepted; `null` when it was refused
     */
    send: (content?: Content, options?: SendOptions) => Promise<Prompt | null>;
    /** Sends a refused message again, under the same id: it runs once. @param {string} promptId @returns {Promise<Prompt | null>} */
    resend: (promptId: string) => Promise<Prompt | null>;
    /** Lets a refused message go. @param {string} promptId */
    dismiss: (promptId: string) => void;
    /**
     * Stops the turn that is shown, and never a later one.
     *
     * @returns {Promise<boolean>} whether there was one
     */
    stop: () => Promise<boolean>;
    /** Decides a call that waits for a person. @param {string} toolCallId @param {ApprovalDecision} decision */
    decide: (toolCallId: string, decision: ApprovalDecision) => Promise<void>;
    /** Changes a prompt that waits. @param {string} promptId @param {{ content?: Content, mode?: PromptMode }} change */
    edit: (promptId: string, change: {
        content?: Content;
        mode?: PromptMode;
    }) => Promise<void>;
    /** Takes a prompt out of the queue. @param {string} promptId */
    withdraw: (promptId: string) => Promise<void>;
    /**
     * Replaces a message and all after it, or runs a turn again.
     *
     * @param {Parameters<Chat["revise"]>[0]} target
     */
    revise: (target: Parameters<Chat["revise"]>[0]) => Promise<Prompt>;
}
