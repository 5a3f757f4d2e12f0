/**
 * The words of the wire that the fold reads, each event by its name.
 *
 * @module
 */
export type Json = import("#wire").JsonValue;
export type Metadata = import("#wire").Metadata;
export type Part = import("#wire").Part;
export type Usage = import("#wire").Usage;
export type Failure = import("#wire").Failure;
export type TurnOutcome = import("#wire").TurnOutcome;
export type ToolCall = import("#wire").ToolCall;
export type ApprovalDecision = import("#wire").ApprovalDecision;
export type Origin = import("#wire").Origin;
export type PromptMode = import("#wire").PromptMode;
export type TitleProvenance = import("#wire").TitleProvenance;
export type FinishReason = import("#wire").FinishReason;
export type EndReason = import("#wire").EndReason;
export type ImportedMessage = import("#wire").ImportedMessage;
export type RecordedEvent = import("#wire").RecordedEvent;
export type LiveEvent = import("#wire").LiveEvent;
export type EndedEvent = import("#wire").EndedEvent;
export type Recorded<Name extends RecordedEvent["type"]> = Extract<RecordedEvent, {
    type: Name;
}>;
export type ChatCreated = Recorded<"chat.created">;
export type ChatUpdated = Recorded<"chat.updated">;
export type MessageImported = Recorded<"message.imported">;
export type PromptAccepted = Recorded<"prompt.accepted">;
export type PromptEdited = Recorded<"prompt.edited">;
export type PromptWithdrawn = Recorded<"prompt.withdrawn">;
export type TurnStarted = Recorded<"turn.started">;
export type TurnEnded = Recorded<"turn.ended">;
export type MessageStart = Recorded<"message.start">;
export type MessageCheckpoint = Recorded<"message.checkpoint">;
export type MessageEnd = Recorded<"message.end">;
export type MessageError = Recorded<"message.error">;
export type ToolStart = Recorded<"tool.start">;
export type ToolResult = Recorded<"tool.result">;
export type ToolError = Recorded<"tool.error">;
export type ApprovalRequested = Recorded<"approval.requested">;
export type ApprovalResolved = Recorded<"approval.resolved">;
export type HistoryTruncated = Recorded<"history.truncated">;
export type MessageChunk = Extract<LiveEvent, {
    type: "message.chunk" | "reasoning.chunk";
}>;
export type ToolOutputPiece = Extract<LiveEvent, {
    type: "tool.output";
}>;
export type ToolProgress = Extract<LiveEvent, {
    type: "tool.progress";
}>;
/** @typedef {import("#wire").JsonValue} Json */
/** @typedef {import("#wire").Metadata} Metadata */
/** @typedef {import("#wire").Part} Part */
/** @typedef {import("#wire").Usage} Usage */
/** @typedef {import("#wire").Failure} Failure */
/** @typedef {import("#wire").TurnOutcome} TurnOutcome */
/** @typedef {import("#wire").ToolCall} ToolCall */
/** @typedef {import("#wire").ApprovalDecision} ApprovalDecision */
/** @typedef {import("#wire").Origin} Origin */
/** @typedef {import("#wire").PromptMode} PromptMode */
/** @typedef {import("#wire").TitleProvenance} TitleProvenance */
/** @typedef {import("#wire").FinishReason} FinishReason */
/** @typedef {import("#wire").EndReason} EndReason */
/** @typedef {import("#wire").ImportedMessage} ImportedMessage */
/** @typedef {import("#wire").RecordedEvent} RecordedEvent */
/** @typedef {import("#wire").LiveEvent} LiveEvent */
/** @typedef {import("#wire").EndedEvent} EndedEvent */
/**
 * The recorded event of a name.
 *
 * @template {RecordedEvent["type"]} Name
 * @typedef {Extract<RecordedEvent, { type: Name }>} Recorded
 */
/** @typedef {Recorded<"chat.created">} ChatCreated */
/** @typedef {Recorded<"chat.updated">} ChatUpdated */
/** @typedef {Recorded<"message.imported">} MessageImported */
/** @typedef {Recorded<"prompt.accepted">} PromptAccepted */
/** @typedef {Recorded<"prompt.edited">} PromptEdited */
/** @typedef {Recorded<"prompt.withdrawn">} PromptWithdrawn */
/** @typedef {Recorded<"turn.started">} TurnStarted */
/** @typedef {Recorded<"turn.ended">} TurnEnded */
/** @typedef {Recorded<"message.start">} MessageStart */
/** @typedef {Recorded<"message.checkpoint">} MessageCheckpoint */
/** @typedef {Recorded<"message.end">} MessageEnd */
/** @typedef {Recorded<"message.error">} MessageError */
/** @typedef {Recorded<"tool.start">} ToolStart */
/** @typedef {Recorded<"tool.result">} ToolResult */
/** @typedef {Recorded<"tool.error">} ToolError */
/** @typedef {Recorded<"approval.requested">} ApprovalRequested */
/** @typedef {Recorded<"approval.resolved">} ApprovalResolved */
/** @typedef {Recorded<"history.truncated">} HistoryTruncated */
/** @typedef {Extract<LiveEvent, { type: "message.chunk" | "reasoning.chunk" }>} MessageChunk */
/** @typedef {Extract<LiveEvent, { type: "tool.output" }>} ToolOutputPiece */
/** @typedef {Extract<LiveEvent, { type: "tool.progress" }>} ToolProgress */
export {};
