/**
 * Many AI chats at once over one connection to a Polychat world.
 *
 * ```js
 * import { connect } from "polychat-client";
 *
 * const connection = await connect({ socket: "polychat.sock" });
 * const chat = await connection.world.openChat("plans");
 * ```
 *
 * Read on: `connect` (the way in), `world` and `chat` (what is asked), `stream` (what is told), `hosting`
 * (models and tools of this program); below them `link` (a connection that comes back), `session` (one
 * life of it), `peer` (JSON-RPC), `framing` and `transport/` (bytes).
 *
 * @module
 */
export { connect, Connection } from "./connect.js";
export { World } from "./world.js";
export { Chat } from "./chat.js";
export { Prompt } from "./prompt.js";
export { EventStream } from "./stream.js";
export { ConnectionLost, ModelError, PolychatError, Rejected } from "./errors.js";
export type ConnectOptions = import("./connect.js").AnyConnectOptions;
export type HostModel = import("./calls.js").HostModel;
export type HostTool = import("./calls.js").HostTool;
export type ModelDelta = import("./calls.js").ModelDelta;
export type HostOffer = import("./hosting.js").HostOffer;
export type Transport = import("./peer.js").Transport;
export type ChatNotice = import("./types.js").ChatNotice;
export type FeedNotice = import("./types.js").FeedNotice;
export type ClientDiagnostic = import("./types.js").ClientDiagnostic;
/** @typedef {import("./connect.js").AnyConnectOptions} ConnectOptions */
/** @typedef {import("./calls.js").HostModel} HostModel */
/** @typedef {import("./calls.js").HostTool} HostTool */
/** @typedef {import("./calls.js").ModelDelta} ModelDelta */
/** @typedef {import("./hosting.js").HostOffer} HostOffer */
/** @typedef {import("./peer.js").Transport} Transport */
/** @typedef {import("./types.js").ChatNotice} ChatNotice */
/** @typedef {import("./types.js").FeedNotice} FeedNotice */
/** @typedef {import("./types.js").ClientDiagnostic} ClientDiagnostic */
