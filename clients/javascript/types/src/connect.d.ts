/**
 * The way in: connects to a world, wherever it is.
 *
 * @module
 */
import { Link } from "./link.js";
import { World } from "./world.js";
export type Clock = import("./clock.js").Clock;
export type Framing = import("./framing.js").Framing;
export type LinkState = import("./link.js").LinkState;
export type ReconnectOptions = import("./link.js").ReconnectOptions;
export type Transport = import("./peer.js").Transport;
export type WebSocketClass = import("./transport/websocket.js").WebSocketClass;
export type WebSocketLike = import("./transport/websocket.js").WebSocketLike;
export type ClientDiagnostic = import("./types.js").ClientDiagnostic;
export type PeerInfo = import("./types.js").PeerInfo;
export type ServerInfo = import("./types.js").ServerInfo;
export type ToChild = {
    /**
     * the program; left out: `POLYCHAT_BIN`, or the one in the app's resources folder
     */
    command?: string | undefined;
    /**
     * default: `stdio`, in the framing of the options
     */
    args?: string[];
    /**
     * added to this process's own
     */
    env?: Record<string, string | undefined>;
    cwd?: string;
    /**
     * where its log goes; default `inherit`
     */
    stderr?: "inherit" | "ignore" | ((text: string) => void);
    /**
     * how long it may take to end in order before it is killed; default 10,000
     */
    closeMsMax?: number;
    /**
     * whether a child that ended is started again; default no
     */
    restart?: boolean;
};
export type NoChild = {
    [option in keyof ToChild]?: undefined;
};
export type NoUrl = {
    [option in keyof ToUrl]?: undefined;
};
export type ToSocket = {
    socket: string;
};
export type ToUrl = {
    /**
     * the world's address, `http://host:port/v1/worlds/{world}`, or that of its WebSocket
     */
    url: string | URL;
    /**
     * who asks, as `Authorization: Bearer`. Not in a browser, which sends no headers
     * but its cookie: there the server's link is opened once
     */
    token?: string;
    /**
     * further headers of the request that opens it; not in a browser either
     */
    headers?: Record<string, string>;
    /**
     * how long nothing may come before the server is asked whether it is there, in
     * milliseconds; when nothing comes then either, the connection is lost. `Infinity` for never; default 10,000
     */
    pingMs?: number;
    /**
     * default: the one that the runtime has
     */
    WebSocket?: WebSocketClass;
};
export type ToTransport = {
    transport: Transport | (() => Transport | Promise<Transport>);
};
export type ConnectOptions = {
    /**
     * how messages are told apart, where bytes are sent; default `lines`
     */
    framing?: Framing;
    /**
     * the world that it must be; any when left out
     */
    worldId?: string;
    /**
     * who this is, for the server's logs
     */
    client?: PeerInfo;
    /**
     * whether a lost connection comes back; default
     * yes, but not for a child and for a transport that is used once
     */
    reconnect?: ReconnectOptions | boolean;
    /**
     * hears what was rejected and what went wrong
     */
    onDiagnostic?: (diagnostic: ClientDiagnostic) => void;
    /**
     * hears how the connection stands
     */
    onState?: (state: LinkState) => void;
    /**
     * bytes of a message; default 64 MiB
     */
    frameBytesMax?: number;
    /**
     * calls that are under way, and streams that are just being subscribed; further ones
     * of either kind wait; default 256 of each
     */
    requestsInFlightMax?: number;
    /**
     * calls that wait, and streams likewise; further ones fail as `overloaded`; default 10,000
     */
    requestsWaitingMax?: number;
    /**
     * events of one stream that wait for their reader; the world keeps the others; default 64
     */
    eventsWaitingMax?: number;
    /**
     * how long it may take until the server has said who it is, each time; default 30,000, and
     * `Infinity` for as long as it likes
     */
    connectMsMax?: number;
    /**
     * gives up connecting
     */
    signal?: AbortSignal | undefined;
    /**
     * for tests
     */
    clock?: Clock;
    /**
     * for tests
     */
    random?: () => number;
};
export type AnyConnectOptions = ConnectOptions & ((ToChild & NoUrl & {
    socket?: undefined;
    transport?: undefined;
}) | (ToSocket & NoChild & NoUrl & {
    transport?: undefined;
}) | (ToUrl & NoChild & {
    socket?: undefined;
    transport?: undefined;
}) | (ToTransport & NoChild & NoUrl & {
    socket?: undefined;
}));
/**
 * Connects to a world: starts a server, or reaches one that runs.
 *
 * @param {AnyConnectOptions} [options]
 * @returns {Promise<Connection>} rejects with a `PolychatError` when that fails; the first attempt is
 *   not repeated
 *
 * @example
 * const connection = await connect({ command: "polychat", args: ["stdio", "--memory"] });
 * const chat = await connection.world.openChat("first");
 * console.log(await (await chat.prompt("hello")).answer());
 * await connection.close();
 */
export declare function connect(options?: AnyConnectOptions): Promise<Connection>;
/** A connection to a world. Closing it cancels nothing there. */
export declare class Connection {
    #private;
    /** The world at the other end. */
    world: World;
    /** @param {Link} link @param {World} world */
    constructor(link: Link, world: World);
    /** How it stands: `connecting`, `open`, `waiting` (before the next try) or `closed`. */
    get state(): import("./link.js").LinkState;
    /** Messages of the server that were rejected so far, because they belong to nobody here. */
    get rejected(): number;
    /** What the server says of itself; `undefined` while the connection is away. @returns {ServerInfo | undefined} */
    get server(): ServerInfo | undefined;
    /**
     * Asks the server by method, for what has no function here. What it answers is not checked.
     *
     * @param {string} method
     * @param {unknown} params
     * @param {{ signal?: AbortSignal | undefined }} [options]
     * @returns {Promise<unknown>}
     */
    request(method: string, params: unknown, options?: {
        signal?: AbortSignal | undefined;
    }): Promise<unknown>;
    /** Ends the connection; a child is told to end, and is waited for. Streams end. @returns {Promise<void>} */
    close(): Promise<void>;
}
