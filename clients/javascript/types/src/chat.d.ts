/**
 * One chat of a world.
 *
 * @module
 */
import { Prompt } from "./prompt.js";
import { EventStream } from "./stream.js";
export type Waiting = import("./ask.js").Waiting;
export type Link = import("./link.js").Link;
export type ApprovalDecision = import("./types.js").ApprovalDecision;
export type ChatNotice = import("./types.js").ChatNotice;
export type Metadata = import("./types.js").Metadata;
export type Methods = import("./types.js").Methods;
export type Message = import("./types.js").Message;
export type Part = import("./types.js").Part;
export type PendingApproval = import("./types.js").PendingApproval;
export type PromptMode = import("./types.js").PromptMode;
export type RecordedEvent = import("./types.js").RecordedEvent;
export type Snapshot = import("./types.js").Snapshot;
export type WaitingPrompt = import("./types.js").WaitingPrompt;
export type Content = string | Part[];
export type Attached = {
    /**
     * given back untouched
     */
    metadata?: Metadata;
    /**
     * who is to answer; the chat's agent when left out
     */
    agent?: string;
    /**
     * for models and tools of this prompt's turn, never sent to a provider
     */
    context?: Metadata;
};
export type Sending = {
    /**
     * what it asks for when the chat is busy; `queue` when left out
     */
    mode?: PromptMode;
    /**
     * names it, so that it can be sent again safely; chosen when left out
     */
    promptId?: string;
    /**
     * waits no longer; it does not take the prompt back
     */
    signal?: AbortSignal | undefined;
};
/** @typedef {import("./ask.js").Waiting} Waiting */
/** @typedef {import("./link.js").Link} Link */
/** @typedef {import("./types.js").ApprovalDecision} ApprovalDecision */
/** @typedef {import("./types.js").ChatNotice} ChatNotice */
/** @typedef {import("./types.js").Metadata} Metadata */
/** @typedef {import("./types.js").Methods} Methods */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Part} Part */
/** @typedef {import("./types.js").PendingApproval} PendingApproval */
/** @typedef {import("./types.js").PromptMode} PromptMode */
/** @typedef {import("./types.js").RecordedEvent} RecordedEvent */
/** @typedef {import("./types.js").Snapshot} Snapshot */
/** @typedef {import("./types.js").WaitingPrompt} WaitingPrompt */
/** @typedef {string | Part[]} Content a text, or the parts of a message */
/**
 * What goes with a message.
 *
 * @typedef {object} Attached
 * @property {Metadata} [metadata] given back untouched
 * @property {string} [agent] who is to answer; the chat's agent when left out
 * @property {Metadata} [context] for models and tools of this prompt's turn, never sent to a provider
 */
/**
 * How a prompt is sent.
 *
 * @typedef {object} Sending
 * @property {PromptMode} [mode] what it asks for when the chat is busy; `queue` when left out
 * @property {string} [promptId] names it, so that it can be sent again safely; chosen when left out
 * @property {AbortSignal | undefined} [signal] waits no longer; it does not take the prompt back
 */
/**
 * One chat of a world. It holds nothing but its id: any number of these may speak of the same chat.
 *
 * @example
 * const chat = await world.openChat("plans");
 * const prompt = await chat.prompt("my name is Ada");
 * await prompt.outcome();
 */
export declare class Chat {
    #private;
    /** Its id. */
    id: string;
    /** @param {Link} link @param {string} id */
    constructor(link: Link, id: string);
    /**
     * Sends a message, also while the chat or others are busy.
     *
     * Resolves once it is accepted, which means stored; the prompt waits for its outcome.
     *
     * @param {Content} content
     * @param {Attached & Sending} [options]
     * @returns {Promise<Prompt>} rejects with a `PolychatError` when it was refused; with a
     *   `ConnectionLost` when the connection was lost and the chat has not accepted it: then it is
     *   safe to send again with the same prompt id
     */
    prompt(content: Content, { mode, promptId, signal, ...attached }?: Attached & Sending): Promise<Prompt>;
    /**
     * Replaces a message of the user and all after it, or runs a turn again.
     *
     * @param {{ messageId: number, content: Content } & Attached | { turnId: number }} target
     * @param {Sending} [options]
     * @returns {Promise<Prompt>}
     */
    revise(target: ({
        messageId: number;
        content: Content;
    } & Attached) | {
        turnId: number;
    }, { promptId, signal }?: Sending): Promise<Prompt>;
    /** Stops a turn: the one named, or whichever runs. @param {number} [turnId] @param {Waiting} [waiting] */
    cancel(turnId?: number, waiting?: Waiting): Promise<void>;
    /**
     * Changes a prompt that waits.
     *
     * @param {string} promptId
     * @param {{ content?: Content, mode?: PromptMode }} change
     * @param {Waiting} [waiting]
     */
    edit(promptId: string, { content, mode }: {
        content?: Content;
        mode?: PromptMode;
    }, waiting?: Waiting): Promise<void>;
    /** Takes a prompt out of the queue. @param {string} promptId @param {Waiting} [waiting] */
    withdraw(promptId: string, waiting?: Waiting): Promise<void>;
    /** The prompts that wait, in the order in which they will run. @param {Waiting} [waiting] @returns {Promise<WaitingPrompt[]>} */
    prompts(waiting?: Waiting): Promise<WaitingPrompt[]>;
    /** The calls that wait for a person. @param {Waiting} [waiting] @returns {Promise<PendingApproval[]>} */
    approvals(waiting?: Waiting): Promise<PendingApproval[]>;
    /**
     * Decides a call that waits: `{ kind: "allowOnce" }`, `{ kind: "allowForChat" }`,
     * `{ kind: "deny", reason }`, `{ kind: "answer", data }`.
     *
     * @param {string} toolCallId
     * @param {ApprovalDecision} decision
     * @param {Waiting} [waiting]
     */
    decide(toolCallId: string, decision: ApprovalDecision, waiting?: Waiting): Promise<void>;
    /** The chat as a whole; its `cursor` is where its events go on. @param {Waiting} [waiting] @returns {Promise<Snapshot>} */
    snapshot(waiting?: Waiting): Promise<Snapshot>;
    /**
     * The messages, oldest first.
     *
     * @param {{ pageSize?: number } & Waiting} [options]
     * @returns {AsyncGenerator<Message, void, undefined>}
     */
    messages(options?: {
        pageSize?: number;
    } & Waiting): AsyncGenerator<Message, void, undefined>;
    /**
     * The recorded events after a place in the log, oldest first; ends at the head.
     *
     * @param {{ after?: number, pageSize?: number } & Waiting} [options]
     * @returns {AsyncGenerator<RecordedEvent, void, undefined>}
     */
    log(options?: {
        after?: number;
        pageSize?: number;
    } & Waiting): AsyncGenerator<RecordedEvent, void, undefined>;
    /**
     * What happens in this chat: recorded events, and live ones as they come.
     *
     * Begins with the first event of the log (the default, `start: "start"`), after a cursor (of an
     * event, or of a snapshot), or now. It subscribes at once, not when it is first read; with
     * `start: "now"`, what is asked for once its `ready` has resolved is within it.
     * Every recorded event comes exactly once and in order, also across lost connections; live events
     * may be merged. Ending the iteration unsubscribes and cancels nothing.
     *
     * @param {{ after?: string, start?: "start" | "now" } & Waiting} [options]
     * @returns {EventStream<ChatNotice>}
     *
     * @example
     * for await (const { event } of chat.events({ after: snapshot.cursor })) {
     *   if (event.type === "message.chunk") process.stdout.write(event.text);
     * }
     */
    events(options?: {
        after?: string;
        start?: "start" | "now";
    } & Waiting): EventStream<ChatNotice>;
    /** Stops its turn, withdraws its queue, and takes no prompts until reopened. @param {Waiting} [waiting] */
    close(waiting?: Waiting): Promise<void>;
    /** Opens it again, after it was closed or has failed. @param {Waiting} [waiting] */
    reopen(waiting?: Waiting): Promise<void>;
    /** Deletes it; its id is never used again. @param {Waiting} [waiting] */
    delete(waiting?: Waiting): Promise<void>;
    /**
     * Changes what is given; the rest stays.
     *
     * @param {{ title?: string, metadata?: Metadata, archived?: boolean, agent?: string }} change
     * @param {Waiting} [waiting]
     */
    update(change: {
        title?: string;
        metadata?: Metadata;
        archived?: boolean;
        agent?: string;
    }, waiting?: Waiting): Promise<void>;
    /**
     * Copies it up to a message into a new chat, which goes its own way.
     *
     * @param {number} messageId the last message to take over
     * @param {{ chatId?: string, title?: string, metadata?: Metadata, agent?: string, context?: Metadata }} [chat]
     * @param {Waiting} [waiting]
     * @returns {Promise<Chat>}
     */
    fork(messageId: number, chat?: {
        chatId?: string;
        title?: string;
        metadata?: Metadata;
        agent?: string;
        context?: Metadata;
    }, waiting?: Waiting): Promise<Chat>;
}
