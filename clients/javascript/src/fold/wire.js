/**
 * The words of the wire that the fold reads, each event by its name.
 *
 * @module
 */

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
