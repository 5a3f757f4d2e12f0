/**
 * Commands to the world: what is sent is typed, what is answered is checked.
 *
 * @module
 */

import { checkReply } from "./check.js";
import { ConnectionLost, PolychatError, Rejected, record } from "./errors.js";

/** @typedef {import("./link.js").Link} Link */
/** @typedef {import("./types.js").Methods} Methods */

/** @typedef {{ signal?: AbortSignal | undefined }} Waiting how long a call waits; aborting it takes nothing back */

/** Methods that only read; they are asked again when the connection was lost. */
const READS = new Set([
  ...["chat/list", "chat/snapshot", "prompt/list", "prompt/outcome", "messages/list"],
  ...["log/read", "search", "world/get"],
]);

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
export async function ask(link, method, params, { signal, again = READS.has(method) } = {}) {
  const result = await link.request(method, params, { signal, again });
  try {
    return /** @type {Methods[M]["result"]} */ (checkReply(method, record(params), result));
  } catch (error) {
    if (error instanceof Rejected) link.reject(error);
    throw error;
  }
}

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
export async function submit(link, method, params, waiting) {
  try {
    return await ask(link, method, /** @type {any} */ (params), waiting);
  } catch (error) {
    if (!(error instanceof ConnectionLost) || link.state === "closed") throw error;
    return await accepted(link, params, waiting, error);
  }
}

/**
 * @param {Link} link
 * @param {{ chatId: string, promptId: string }} params
 * @param {Waiting} waiting
 * @param {ConnectionLost} lost
 */
async function accepted(link, { chatId, promptId }, waiting, lost) {
  try {
    const { acceptedSeq } = await ask(link, "prompt/outcome", { chatId, promptId }, waiting);
    return { promptId, acceptedSeq };
  } catch (error) {
    if (error instanceof PolychatError && error.code.startsWith("unknown_")) throw lost;
    throw error;
  }
}
