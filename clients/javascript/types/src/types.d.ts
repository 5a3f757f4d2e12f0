/**
 * The words of the wire, and what this client adds to them. Types only.
 *
 * What crosses the wire is declared in `types/wire.d.ts`, which is made from the server's own types;
 * nothing else in this package imports it.
 *
 * @module
 */
export type Methods = import("#wire").Methods;
export type Part = import("#wire").Part;
export type PromptMode = import("#wire").PromptMode;
export type PromptOutcome = import("#wire").PromptOutcome;
export type PromptState = import("#wire").PromptState;
export type Failure = import("#wire").Failure;
export type TurnOutcome = import("#wire").TurnOutcome;
export type OutcomeKind = import("#wire").OutcomeKind;
export type ToolCall = import("#wire").ToolCall;
export type ToolSpec = import("#wire").ToolSpec;
export type CallContext = import("#wire").CallContext;
export type ModelStreamParams = import("#wire").ModelStreamParams;
export type Usage = import("#wire").Usage;
export type FinishReason = import("#wire").FinishReason;
export type ApprovalDecision = import("#wire").ApprovalDecision;
export type AgentConfig = import("#wire").AgentConfig;
export type WorldSettings = import("#wire").WorldSettings;
export type Summary = import("#wire").Summary;
export type Snapshot = import("#wire").Snapshot;
export type Message = import("#wire").Message;
export type WaitingPrompt = import("#wire").WaitingPrompt;
export type PendingApproval = import("#wire").PendingApproval;
export type Metadata = import("#wire").Metadata;
export type RecordedEvent = import("#wire").RecordedEvent;
export type LiveEvent = import("#wire").LiveEvent;
export type WorldEvent = import("#wire").WorldEvent;
export type EndReason = import("#wire").EndReason;
export type Ended = {
    type: "ended";
    reason: EndReason;
    chatId?: string;
};
export type ChatNotice = {
    cursor: string;
    event: RecordedEvent | LiveEvent;
} | {
    cursor?: never;
    event: Ended;
};
export type FeedNotice = {
    cursor?: never;
    event: WorldEvent | Ended;
};
export type ClientDiagnostic = {
    kind: "rejected" | "host" | "connection";
    reason: string;
    claimed?: string;
    chatId?: string;
    error?: unknown;
};
export type PeerInfo = {
    name: string;
    version?: string;
};
export type ServerInfo = {
    protocolVersion: number;
    server: PeerInfo;
    worldId: string;
    limits: {
        frameBytesMax?: number;
        requestsInFlightMax?: number;
        subscriptionsMax?: number;
    };
};
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
