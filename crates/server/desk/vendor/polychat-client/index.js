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

/** @typedef {import("./connect.js").AnyConnectOptions} ConnectOptions */
/** @typedef {import("./calls.js").HostModel} HostModel */
/** @typedef {import("./calls.js").HostTool} HostTool */
/** @typedef {import("./calls.js").ModelDelta} ModelDelta */
/** @typedef {import("./hosting.js").HostOffer} HostOffer */
/** @typedef {import("./peer.js").Transport} Transport */
/** @typedef {import("./types.js").ChatNotice} ChatNotice */
/** @typedef {import("./types.js").FeedNotice} FeedNotice */
/** @typedef {import("./types.js").ClientDiagnostic} ClientDiagnostic */
/** @typedef {import("./world.js").NewChat} NewChat */
/** @typedef {import("./chat.js").Content} Content */
/** @typedef {import("./chat.js").Sending} Sending */
/** @typedef {import("./calls.js").ModelRequest} ModelRequest */
/** @typedef {import("./calls.js").ToolAnswer} ToolAnswer */
/** @typedef {import("./calls.js").ToolRun} ToolRun */
/** @typedef {import("./link.js").LinkState} LinkState */
/** @typedef {import("./link.js").ReconnectOptions} ReconnectOptions */
/** @typedef {import("./types.js").AgentConfig} AgentConfig */
/** @typedef {import("./types.js").ApprovalDecision} ApprovalDecision */
/** @typedef {import("./types.js").CallContext} CallContext */
/** @typedef {import("./types.js").LiveEvent} LiveEvent */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Metadata} Metadata */
/** @typedef {import("./types.js").Methods} Methods */
/** @typedef {import("./types.js").Part} Part */
/** @typedef {import("./types.js").PendingApproval} PendingApproval */
/** @typedef {import("./types.js").PromptMode} PromptMode */
/** @typedef {import("./types.js").PromptOutcome} PromptOutcome */
/** @typedef {import("./types.js").PromptState} PromptState */
/** @typedef {import("./types.js").RecordedEvent} RecordedEvent */
/** @typedef {import("./types.js").ServerInfo} ServerInfo */
/** @typedef {import("./types.js").Snapshot} Snapshot */
/** @typedef {import("./types.js").Summary} Summary */
/** @typedef {import("./types.js").ToolSpec} ToolSpec */
/** @typedef {import("./types.js").WaitingPrompt} WaitingPrompt */
/** @typedef {import("./types.js").WorldEvent} WorldEvent */
/** @typedef {import("./types.js").WorldSettings} WorldSettings */
