/**
 * The models and tools of this program, brought into the world and called by it.
 *
 * The server asks with an opaque call id and what the embedder attached. Nothing of it names a chat,
 * and nothing that is answered could.
 *
 * @module
 */
export type HostModel = import("./calls.js").HostModel;
export type HostTool = import("./calls.js").HostTool;
export type Link = import("./link.js").Link;
export type Session = import("./session.js").Session;
export type HostOffer = {
    models?: HostModel[];
    tools?: HostTool[];
};
/** The models and tools of this program. */
export declare class Hosting {
    #private;
    /** Takes part in all sessions of this link. @param {Link} link */
    attach(link: Link): void;
    /** @param {HostOffer} offer */
    offer(offer: HostOffer): Promise<void>;
    /**
     * @param {string} method
     * @param {unknown} params
     * @param {number | string} id
     * @param {Session} session
     * @returns {Promise<import("./calls.js").CallAnswer>}
     */
    answer(method: string, params: unknown, id: number | string, session: Session): Promise<import("./calls.js").CallAnswer>;
    /** The server does not wait any more. @param {unknown} id */
    cancel(id: unknown): void;
    /** @param {Session} session */
    opened(session: Session): void;
    lost(): void;
    closed(): void;
}
