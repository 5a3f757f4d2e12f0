/**
 * The words of the wire, and what this client adds to them. Types only.
 *
 * What crosses the wire is declared in `types/wire.d.ts`, which is made from the server's own types;
 * nothing else in this package imports it.
 *
 * @module
 */

/** @typedef {import("#wire").Methods} Methods what the world can be asked, by method */
/** @typedef {import("#wire").Part} Part */
/** @typedef {import("#wire").PromptMode} PromptMode */
/** @typedef {import("#wire").PromptOutcome} PromptOutcome */
/** @typedef {import("#wire").PromptState} PromptState */
/** @typedef {import("#wire").Failure} Failure */
/** @typedef {import("#wire").TurnOutcome} TurnOutcome */
/** @typedef {import("#wire").OutcomeKind} OutcomeKind how a turn ended, in one word */
/** @typedef {import("#wire").ToolCall} ToolCall */
/** @typedef {import("#wire").ToolSpec} ToolSpec a tool as models are told of it */
/** @typedef {import("#wire").CallContext} CallContext what the embedder attached to chat and prompt */
/** @typedef {import("#wire").ModelStreamParams} ModelStreamParams */
/** @typedef {import("#wire").Usage} Usage */
/** @typedef {import("#wire").FinishReason} FinishReason */
/** @typedef {import("#wire").ApprovalDecision} ApprovalDecision */
/** @typedef {import("#wire").AgentConfig} AgentConfig */
/** @typedef {import("#wire").WorldSettings} WorldSettings */
/** @typedef {import("#wire").Summary} Summary */
/** @typedef {import("#wire").Snapshot} Snapshot */
/** @typedef {import("#wire").Message} Message */
/** @typedef {import("#wire").WaitingPrompt} WaitingPrompt */
/** @typedef {import("#wire").PendingApproval} PendingApproval */
/** @typedef {import("#wire").Metadata} Metadata JSON that the embedder attaches and gets back untouched */
/** @typedef {import("#wire").RecordedEvent} RecordedEvent stored, each exactly once */
/** @typedef {import("#wire").LiveEvent} LiveEvent in flight, may be merged */
/** @typedef {import("#wire").WorldEvent} WorldEvent */
/** @typedef {import("#wire").EndReason} EndReason */

/**
 * The last event of a stream; it says why nothing follows.
 *
 * @typedef {{ type: "ended", reason: EndReason, chatId?: string }} Ended
 */

/**
 * What a chat's events bring; its cursor is where to go on after it. Only `ended` has none.
 *
 * @typedef {{ cursor: string, event: RecordedEvent | LiveEvent } | { cursor?: never, event: Ended }} ChatNotice
 */

/** @typedef {{ cursor?: never, event: WorldEvent | Ended }} FeedNotice what the world's feed brings */

/**
 * Something that operators should know: what was rejected, what could not be registered again.
 *
 * @typedef {{ kind: "rejected" | "host" | "connection", reason: string, claimed?: string, chatId?: string, error?: unknown }} ClientDiagnostic
 */

/** @typedef {{ name: string, version?: string }} PeerInfo */

/**
 * What the server says of itself.
 *
 * @typedef {object} ServerInfo
 * @property {number} protocolVersion
 * @property {PeerInfo} server
 * @property {string} worldId
 * @property {{ frameBytesMax?: number, requestsInFlightMax?: number, subscriptionsMax?: number }} limits
 */

export {};
