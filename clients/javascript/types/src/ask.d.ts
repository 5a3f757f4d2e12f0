/**
 * Commands to the world: what is sent is typed, what is answered is checked.
 *
 * @module
 */
export type Link = import("./link.js").Link;
export type Methods = import("./types.js").Methods;
export type Waiting = {
    signal?: AbortSignal | undefined;
};
/**
 * Asks the world.
 *
 * @template {keyof Methods & string} M
 * @param {Link} link
 * @param {M} method
 * @param {Methods[M]["params"]} params
 * @param {Waiting & { again?: boolean }} [options] `again`: a command that does no harm when it is
 *   asked twice, and is therefore asked again when the connection was lost, like all that only reads
 * @returns {Promise<Methods[M]["result"]>} rejects with a {@link PolychatError}; with a
 *   {@link ConnectionLost} when a command was under way and what became of it is not known
 */
export declare function ask<M extends keyof Methods & string>(link: Link, method: M, params: Methods[M]["params"], { signal, again }?: Waiting & {
    again?: boolean;
}): Promise<Methods[M]["result"]>;
/**
 * Submits a prompt, and finds out what became of it when the connection was lost on the way.
 *
 * @param {Link} link
 * @param {"prompt/send" | "history/revise"} method
 * @param {{ chatId: string, promptId: string } & Record<string, unknown>} params
 * @param {Waiting} waiting
 * @returns {Promise<{ promptId: string, acceptedSeq: number }>} rejects with a
 *   {@link ConnectionLost} when it was not accepted until now: sending it again with the same
 *   prompt id is safe
 */
export declare function submit(link: Link, method: "prompt/send" | "history/revise", params: {
    chatId: string;
    promptId: string;
} & Record<string, unknown>, waiting: Waiting): Promise<{
    promptId: string;
    acceptedSeq: number;
}>;
