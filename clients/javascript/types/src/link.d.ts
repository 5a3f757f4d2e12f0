/**
 * A connection that comes back: sessions, one after the other, for those who do not want to notice.
 *
 * Streams that were open go on from their cursors, reads are asked again. A command that was under way
 * fails as {@link ConnectionLost}, because only its caller knows how to find out what became of it.
 *
 * @module
 */
import { PolychatError, Rejected } from "./errors.js";
import { Places } from "./places.js";
import { Session } from "./session.js";
export type Clock = import("./clock.js").Clock;
export type Transport = import("./peer.js").Transport;
export type HostCalls = import("./session.js").HostCalls;
export type ClientDiagnostic = import("./types.js").ClientDiagnostic;
export type PeerInfo = import("./types.js").PeerInfo;
export type ServerInfo = import("./types.js").ServerInfo;
export type LinkState = "connecting" | "open" | "waiting" | "closed";
export type Member = {
    opened: (session: Session) => void;
    /**
     * the session is gone, another may come
     */
    lost: () => void;
    /**
     * none comes any more
     */
    closed: (error: PolychatError) => void;
};
export type ReconnectOptions = {
    /**
     * before the first try, in milliseconds; default 100
     */
    pauseMsMin?: number;
    /**
     * between tries, in milliseconds; default 10,000
     */
    pauseMsMax?: number;
    /**
     * tries in a row before the link closes; default: any number. A
     * connection that held for `pauseMsMax` ends the row
     */
    attemptsMax?: number;
};
export type LinkOptions = {
    open: () => Promise<Transport> | Transport;
    reconnect: Required<ReconnectOptions> | false;
    client: PeerInfo;
    worldId: string | undefined;
    requestsInFlightMax: number;
    requestsWaitingMax: number;
    eventsWaitingMax: number;
    connectMsMax: number;
    /**
     * how long nothing may come before the server is asked whether it is there; `Infinity`: any time
     */
    pingMs: number;
    clock: Clock;
    random: () => number;
    diagnose: (diagnostic: ClientDiagnostic) => void;
    changed: (state: LinkState) => void;
    calls: HostCalls;
};
/** @typedef {import("./clock.js").Clock} Clock */
/** @typedef {import("./peer.js").Transport} Transport */
/** @typedef {import("./session.js").HostCalls} HostCalls */
/** @typedef {import("./types.js").ClientDiagnostic} ClientDiagnostic */
/** @typedef {import("./types.js").PeerInfo} PeerInfo */
/** @typedef {import("./types.js").ServerInfo} ServerInfo */
/**
 * Where a link stands: `waiting` is the pause before the next try, `closed` is for good.
 *
 * @typedef {"connecting" | "open" | "waiting" | "closed"} LinkState
 */
/**
 * What takes part in each session.
 *
 * @typedef {object} Member
 * @property {(session: Session) => void} opened
 * @property {() => void} lost the session is gone, another may come
 * @property {(error: PolychatError) => void} closed none comes any more
 */
/**
 * @typedef {object} ReconnectOptions
 * @property {number} [pauseMsMin] before the first try, in milliseconds; default 100
 * @property {number} [pauseMsMax] between tries, in milliseconds; default 10,000
 * @property {number} [attemptsMax] tries in a row before the link closes; default: any number. A
 *   connection that held for `pauseMsMax` ends the row
 */
/**
 * @typedef {object} LinkOptions
 * @property {() => Promise<Transport> | Transport} open
 * @property {Required<ReconnectOptions> | false} reconnect
 * @property {PeerInfo} client
 * @property {string | undefined} worldId
 * @property {number} requestsInFlightMax
 * @property {number} requestsWaitingMax
 * @property {number} eventsWaitingMax
 * @property {number} connectMsMax
 * @property {number} pingMs how long nothing may come before the server is asked whether it is there; `Infinity`: any time
 * @property {Clock} clock
 * @property {() => number} random
 * @property {(diagnostic: ClientDiagnostic) => void} diagnose
 * @property {(state: LinkState) => void} changed
 * @property {HostCalls} calls
 */
/** A connection that comes back. */
export declare class Link {
    #private;
    /** @param {LinkOptions} options */
    constructor(options: LinkOptions);
    /** Where it stands. */
    get state(): LinkState;
    /** Messages rejected so far. */
    get rejectedCount(): number;
    /** The world at the other end. */
    get worldId(): string;
    /** The session of this moment; `undefined` while there is none. */
    get session(): Session | undefined;
    get options(): LinkOptions;
    /** Where streams wait for their turn to subscribe: beside the calls, which would stand behind all of them. */
    get subscribing(): Places;
    /**
     * Connects for the first time. What fails now is told and not tried again.
     *
     * @returns {Promise<ServerInfo>}
     */
    start(): Promise<ServerInfo>;
    /**
     * Asks the world.
     *
     * While the connection is away it waits for it; use the signal to wait no longer.
     *
     * @param {string} method
     * @param {unknown} params
     * @param {{ signal?: AbortSignal | undefined, again?: boolean, first?: (result: unknown) => void }} [options]
     *   `again`: when the connection is lost before the answer, the same is asked in the next session;
     *   `first` hears the result before anything that comes after it is looked at
     * @returns {Promise<unknown>}
     */
    request(method: string, params: unknown, { signal, again, first }?: {
        signal?: AbortSignal | undefined;
        again?: boolean;
        first?: (result: unknown) => void;
    }): Promise<unknown>;
    /**
     * Takes part in this session, if there is one, and in all that follow.
     *
     * @param {Member} member
     */
    join(member: Member): void;
    /** Takes part no longer. @param {Member} member */
    leave(member: Member): void;
    /** Counts and surfaces what was rejected. @param {Rejected} error */
    reject(error: Rejected): void;
    /**
     * Ends it for good. Nothing is cancelled by that: turns go on where the world goes on.
     *
     * @returns {Promise<void>} resolves once nothing of the connection is left
     */
    close(): Promise<void>;
}
