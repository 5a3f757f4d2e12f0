// Written by `POLYCHAT_BLESS=1 cargo test -p polychat-transport --all-features types`, from the
// Rust types that cross the wire. Do not edit it: a test compares.

/** What a client may ask: the parameters and the result of each method. */
export type Methods = {
  initialize: { params: InitializeParams, result: InitializeResult };
  ping: { params: Record<string, never>, result: Done };
  shutdown: { params: Record<string, never>, result: Done };
  "events/subscribe": { params: SubscribeParams, result: Subscription };
  "events/unsubscribe": { params: Subscription, result: Done };
  "host/register": { params: Register, result: Done };
  "tool/output": { params: ToolOutputParams, result: Done };
  "tool/progress": { params: ToolProgressParams, result: Done };
  "model/delta": { params: ModelDeltaParams, result: Done };
  "chat/create": { params: NewChatParams, result: Extract<Reply, { type: "chat" }> };
  "chat/fork": { params: ForkParams, result: Extract<Reply, { type: "chat" }> };
  "chat/import": { params: ImportParams, result: Extract<Reply, { type: "chat" }> };
  "chat/list": { params: ChatsParams, result: Extract<Reply, { type: "chats" }> };
  "chat/snapshot": { params: ChatParams, result: Extract<Reply, { type: "snapshot" }> };
  "chat/update": { params: UpdateParams, result: Extract<Reply, { type: "done" }> };
  "chat/close": { params: ChatParams, result: Extract<Reply, { type: "done" }> };
  "chat/reopen": { params: ChatParams, result: Extract<Reply, { type: "done" }> };
  "chat/delete": { params: ChatParams, result: Extract<Reply, { type: "done" }> };
  "prompt/send": { params: SendParams, result: Extract<Reply, { type: "accepted" }> };
  "prompt/edit": { params: EditParams, result: Extract<Reply, { type: "done" }> };
  "prompt/withdraw": { params: PromptParams, result: Extract<Reply, { type: "done" }> };
  "prompt/list": { params: ChatParams, result: Extract<Reply, { type: "prompts" }> };
  "prompt/outcome": { params: PromptParams, result: Extract<Reply, { type: "prompt" }> };
  "turn/cancel": { params: CancelParams, result: Extract<Reply, { type: "done" }> };
  "history/revise": { params: ReviseParams, result: Extract<Reply, { type: "accepted" }> };
  "approval/decide": { params: DecideParams, result: Extract<Reply, { type: "done" }> };
  "messages/list": { params: MessagesParams, result: Extract<Reply, { type: "messages" }> };
  "log/read": { params: LogParams, result: Extract<Reply, { type: "log" }> };
  search: { params: SearchParams, result: Extract<Reply, { type: "found" }> };
  "world/get": { params: Record<string, never>, result: Extract<Reply, { type: "world" }> };
  "world/update": { params: SettingsParams, result: Extract<Reply, { type: "done" }> };
  "agent/put": { params: PutAgentParams, result: Extract<Reply, { type: "done" }> };
  "agent/remove": { params: AgentParams, result: Extract<Reply, { type: "done" }> };
};

/** What a server may ask a client that brings models and tools. */
export type HostMethods = {
  "tool/call": { params: ToolCallParams, result: ToolCallResult };
  "model/stream": { params: ModelStreamParams, result: ModelStreamResult };
};

/** What a client may tell. */
export type ClientNotifications = {
  "events/more": More;
  "$/cancelRequest": Cancel;
  "tool/output": ToolOutputParams;
  "tool/progress": ToolProgressParams;
  "model/delta": ModelDeltaParams;
};

/** What a server tells. */
export type ServerNotifications = { event: EventParams, "$/cancelRequest": Cancel };

/** What "accepted" means, derivable from the log at any time. */
export type Accepted = {
  /** The prompt. */
  promptId: PromptId;
  /** The seq of its `prompt.accepted`. */
  acceptedSeq: Seq;
};

/** What an agent is; kept in the world's own log. */
export type AgentConfig = {
  /** How prompts and chats name it. */
  name: AgentName;
  /** The registered model that it speaks through. */
  model: ModelName;
  /** Its instructions; empty for none. */
  system?: string;
  /** What it asks of the model. */
  params: ModelParams;
  /** The tools it may use. */
  tools: ToolSelection;
  /** When a person must allow a call; `undefined` takes the world's policy. */
  policy?: ToolPolicy;
};

/** Names an agent of a world. */
export type AgentName = string;

/** The name of an agent. */
export type AgentParams = {
  /** The agent. */
  agent: string;
};

/** What stands under `event`: of a chat, or of the world, as it was subscribed to. */
export type AnyEvent = RecordedEvent | LiveEvent | WorldEvent | EndedEvent;

/** What a person decided about a call that waits. */
export type ApprovalDecision = { kind: "allowOnce" } | { kind: "allowForChat" } | {
  kind: "deny";
  /** Why, for the model. */
  reason: string;
} | {
  kind: "answer";
  /** What the model receives as the result. */
  data: JsonValue;
};

/** What an approval asks. */
export type ApprovalKind = "permission" | "question";

/** Where the bytes of a `Part::Blob` are. */
export type BlobSource = {
  type: "uri";
  /** The address. */
  uri: string;
} | {
  type: "base64";
  /** The encoded bytes. */
  data: string;
};

/** A message by itself. */
export type BodyParams = {
  /** The message. */
  parts: Array<Part>;
  /** What the embedder attached. */
  metadata?: Metadata;
  /** The agent to answer. */
  agent?: string;
  /** The stored part of the host context. */
  context?: Metadata;
};

/** What an embedder attached to chat and prompt, untouched. */
export type CallContext = {
  /** The stored part that came with the chat. */
  chat: Metadata;
  /** The stored part that came with the prompt that began the turn. */
  prompt: Metadata;
};

/** The `data` of the error by which a client ends a call. */
export type CallFailure = {
  /** What sort of error, of a model; `unavailable` when left out. */
  kind?: CallFailureKind;
  /** Whether trying again makes sense. */
  retryable?: boolean;
  /** How long to wait first, in milliseconds, of a model; it makes the error retryable. */
  retryAfterMs?: number;
};

/** Why a client's model could not answer. */
export type CallFailureKind
  = "unavailable"
  | "rate_limited"
  | "refused"
  | "invalid_response";

/** Names one call on one connection; opaque, and never used again there. */
export type CallId = string;

/** Which request is not waited for any more. */
export type Cancel = {
  /** The request, its id exactly as it was sent. */
  id: RequestId;
};

/** Which turn to stop. */
export type CancelParams = {
  /** The chat. */
  chatId: string;
  /** The turn; left out for whichever runs. */
  turnId?: number;
};

/** Names one chat within its world; never used again, also not after deletion. */
export type ChatId = string;

/**
 * One page of chats, in the order of their ids.
 *
 * With a filter that few chats fit, a page may hold fewer chats than there was room for, even none,
 * and not be the last: `next` says whether it is.
 */
export type ChatPage = {
  /** The chats. */
  chats: Array<Summary>;
  /** Where the next page begins; `undefined` when this is the last one. */
  next?: string;
};

/** Which chat. */
export type ChatParams = {
  /** The chat. */
  chatId: string;
};

/** What a chat is doing right now (REQ-8, NFR-3). */
export type ChatStatus = {
  /** The chat. */
  chatId: ChatId;
  /** What it is doing. */
  kind: StatusKind;
  /** The turn that is running or waiting; a stale status can so be told from a newer one. */
  turnId?: TurnId;
  /**
   * How its last turn ended, as in `Summary::last_outcome`; `undefined` also while its log is not
   * known.
   */
  lastOutcome?: OutcomeKind;
  /** Prompts that wait. */
  queued: number;
  /** The last event of its log. */
  head: Seq;
  /** Its title; empty while nobody gave one. */
  title: string;
};

/** Which chats. */
export type ChatsParams = {
  /** The `next` of the page before. */
  after?: string;
  /** Entries at most. */
  limit: number;
  /** Only chats whose title contains this. */
  titleContains?: string;
  /** Also chats that are archived. */
  archived?: boolean;
};

/** What a client takes. */
export type ClientLimits = {
  /**
   * Events of one subscription that may be under way; `events/more` gives room for further ones.
   *
   * Without it, all that fits into the pipe is sent, and a client that leaves one subscription
   * unread has to keep those events itself, or leave all unread.
   */
  eventsUnderWayMax?: number;
};

/**
 * A place in a chat's feed; opaque to clients, carried by every notice, kept as text:
 *
 * It holds the last recorded event, the epoch, the live events seen since, and the bytes seen of
 * the next one, which may still grow. After a restart of the chat the epoch is a foreign one, and
 * reading goes on after the recorded event.
 */
export type Cursor = string;

/** A decision about a call. */
export type DecideParams = {
  /** The chat. */
  chatId: string;
  /** The call. */
  toolCallId: string;
  /** The decision. */
  decision: ApprovalDecision;
};

/** One diagnostic of a world. Contents of messages never appear in one. */
export type Diagnostic = {
  /** When. */
  at: Timestamp;
  /** The chat that it concerns; `undefined` when it concerns the world. */
  chatId?: ChatId;
} & ({
  kind: "refused";
  /** The stable code of the refusal. */
  code: string;
} | {
  kind: "restarted";
  /** How often within the restart window. */
  restarts: number;
  /** What it died of. */
  reason: string;
} | {
  kind: "gave_up";
  /** What it died of last. */
  reason: string;
} | {
  kind: "quarantined";
  /** The first position that is wrong. */
  seq: Seq;
  /** What is wrong with it. */
  reason: string;
} | {
  kind: "foreign_record";
  /** What the record said; empty when it said nothing. */
  claimed: string;
  /** The path on which it came in. */
  path: string;
} | {
  kind: "rejected_input";
  /** The path on which it came in. */
  path: string;
  /** The stable code of what was wrong. */
  code: string;
} | {
  kind: "stalled";
  /** What the store said. */
  reason: string;
} | { kind: "recovered" } | {
  kind: "turn_failed";
  /** The turn. */
  turnId: TurnId;
  /** The kind of its failure. */
  failure: string;
} | {
  kind: "limit_reached";
  /** The name of the field of `Limits`. */
  limit: string;
} | {
  kind: "tool_source";
  /** Its name. */
  source: string;
  /** What it is now. */
  state: ToolSourceState;
  /** Why; empty when there is nothing to say. */
  reason: string;
} | {
  kind: "task_lingers";
  /** The turn. */
  turnId: TurnId;
});

/** An answer that says only that it is one: `{}`. */
export type Done = Record<string, never>;

/** What changes in a waiting prompt; what is left out stays. */
export type EditParams = {
  /** The chat. */
  chatId: string;
  /** The prompt. */
  promptId: string;
  /** Its new content. */
  parts?: Array<Part>;
  /** Its new mode. */
  mode?: PromptMode;
};

/** Why a stream of notices ended. */
export type EndReason = "deleted" | "world_closed" | "unreadable" | "damaged" | "failed";

/** The end of a stream; it names its chat like everything else in it. */
export type EndedEvent = {
  /** The chat; left out when the stream is the world's. */
  chatId?: ChatId;
  type: "ended";
  /** Why. */
  reason: EndReason;
};

/** The number of a sort of error. */
export type ErrorCode = number;

/** What an error says beside its number. */
export type ErrorData = WorldError | ProtocolFault;

/** What went wrong, as JSON-RPC says it. */
export type ErrorObject = {
  /** The sort of error: the standard's, or `ErrorCode::REFUSED` and its neighbours. */
  code: ErrorCode;
  /** What happened, for people. */
  message: string;
  /** The stable `code`, the facts, `retryable`, `retryAfterMs`; absent where there are none. */
  data?: ErrorData;
};

/** One notice; only what is outside `event` is this reader's own. */
export type EventParams = {
  /** The subscription. */
  subscriptionId: SubscriptionId;
  /** The world. */
  worldId: WorldId;
  /** Where to go on after this notice; only events of a chat have one. */
  cursor?: Cursor;
  /** What happened. */
  event: AnyEvent;
};

/** Why a turn, a message or a tool call failed. */
export type Failure = {
  /** What sort of failure. */
  kind: FailureKind;
  /** What happened, for people; bounded, and without secrets. */
  message: string;
  /** Whether the same prompt may well succeed later. */
  retryable: boolean;
};

/** The sorts of failure, stable on the wire. */
export type FailureKind
  = "model_unavailable"
  | "rate_limited"
  | "model_refused"
  | "invalid_response"
  | "panicked"
  | "output_limit"
  | "deadline"
  | "no_progress"
  | "steps_limit"
  | "cancelled"
  | "interrupted"
  | "unknown_outcome"
  | "unknown_tool"
  | "invalid_arguments"
  | "denied"
  | "tool_failed"
  | "host_gone"
  | "not_configured";

/** The sorts of fault, stable on the wire. */
export type FaultKind
  = "store_unavailable"
  | "chat_restarted"
  | "protocol"
  | "connection_lost";

/** Why a message ended where it did. */
export type FinishReason = "stop" | "toolCalls" | "length" | "filtered";

/** What is copied, and up to where. */
export type ForkParams = {
  /** The chat to copy. */
  from: string;
  /** The last message to take over. */
  at: number;
  /** What the new one is given. */
  chat: NewChatParams;
};

/** A message that was found. */
export type Hit = {
  /** The chat it belongs to. */
  chatId: ChatId;
  /** The message. */
  messageId: MessageId;
  /** The place in it where the words stand. */
  snippet: Snippet;
};

/** A chat of another system, whole. */
export type ImportParams = {
  /** What it is given. */
  chat: NewChatParams;
  /** Who gave the title there. */
  provenance?: TitleProvenance;
  /** Whether it is hidden in lists. */
  archived?: boolean;
  /** Which system it comes from, for people. */
  source: string;
  /** When it was created there. */
  createdAt?: Timestamp;
  /** When something last happened in it there. */
  updatedAt?: Timestamp;
  /** Its messages, in order. */
  history: Array<ImportedEntry>;
};

/** A message to copy into a new log. */
export type ImportedEntry = {
  /** Its name in the system that it was first brought from; `undefined` if it had none. */
  sourceId?: string;
  /** The message. */
  message: ImportedMessage;
  /** When it was written. */
  writtenAt: Timestamp;
  /** What came with it. */
  metadata?: Metadata;
};

/** A copied message of another log: complete in itself, it opens nothing. */
export type ImportedMessage = {
  role: "user";
  /** Its content. */
  parts: Array<Part>;
} | {
  role: "assistant";
  /** Who wrote it, if known. */
  author?: AgentName;
  /** Its content. */
  parts: Array<Part>;
  /** What it thought aloud. */
  reasoning?: string;
  /** The calls it asked for. */
  toolCalls?: Array<ToolCall>;
  /** What it cost. */
  usage?: Usage;
  /** Set when it broke off. */
  failure?: Failure;
} | {
  role: "tool";
  /** The place of the call among that message's calls, from 0. */
  index: number;
  /** What the tool answered. */
  output: ToolOutput;
  /** Set when the call failed. */
  failure?: Failure;
};

/** What a client says of itself. */
export type InitializeParams = {
  /** The protocol it speaks; see `VERSION`. */
  protocolVersion: number;
  /** Who it is, for logs. */
  client: Peer;
  /** What it takes. */
  limits?: ClientLimits;
};

/** What a server says of itself. */
export type InitializeResult = {
  /** The protocol it speaks; see `VERSION`. */
  protocolVersion: number;
  /** Who it is, for logs. */
  server: Peer;
  /** The world that it serves. */
  worldId: WorldId;
  /** What it takes. */
  limits: ServerLimits;
};

export type JsonValue = number | string | boolean | Array<JsonValue> | { [key in string]: JsonValue } | null;

/** One live event of a chat. Its chat is stamped by the feed that carries it, never passed (law 3). */
export type LiveEvent = {
  /** The chat in which it happens. */
  chatId: ChatId;
  /** The turn in which it happens. */
  turnId: TurnId;
} & ({
  type: "message.chunk";
  /** The message. */
  messageId: MessageId;
  /** Where the text stands in the message's text, in bytes. */
  offset: number;
  /** The text; several chunks may have been merged. */
  text: string;
} | {
  type: "reasoning.chunk";
  /** The message. */
  messageId: MessageId;
  /** Where the text stands in the message's reasoning, in bytes. */
  offset: number;
  /** The text; several chunks may have been merged. */
  text: string;
} | {
  type: "tool.output";
  /** The call. */
  toolCallId: ToolCallId;
  /** Where the text stands in the call's output, in bytes. */
  offset: number;
  /** The text; several pieces may have been merged. */
  text: string;
} | {
  type: "tool.progress";
  /** The call. */
  toolCallId: ToolCallId;
  /** What the tool says, usually `done`, `total` and `message`. */
  progress: JsonValue;
});

/** One page of a log. */
export type LogPage = {
  /** The events, gap-free. */
  events: Array<RecordedEvent>;
  /** The last event of the log when it was read. */
  head: Seq;
};

/** Which recorded events. */
export type LogParams = {
  /** The chat. */
  chatId: string;
  /** Events after this one; 0 for the beginning. */
  after: number;
  /** Events at most. */
  limit: number;
};

/** One message of a chat's history. */
export type Message = {
  /** Where it began in the log. */
  id: MessageId;
  /** The turn it belongs to; `undefined` for copied history and for prompts that still wait. */
  turnId?: TurnId;
  /** Its name in the system that it was brought from; `undefined` if it was written here. */
  sourceId?: string;
  /** When a prompt was accepted; when an answer or a result ended. Copied history keeps its own. */
  at: Timestamp;
  /** What is said. */
  parts: Array<Part>;
  /** Set when it broke off; what was said until then is in `parts`. */
  failure?: Failure;
  /** What the embedder attached. */
  metadata?: Metadata;
} & ({
  role: "user";
  /** The prompt; `undefined` for copied history. */
  promptId?: PromptId;
} | {
  role: "assistant";
  /** Which; `undefined` for copied history of an unknown one. */
  author?: AgentName;
  /** What it thought aloud; never sent back to a model. */
  reasoning?: string;
  /** The calls it asked for. */
  toolCalls?: Array<ToolCall>;
  /** What it cost. */
  usage?: Usage;
} | {
  role: "tool";
  /** The call. */
  toolCallId: ToolCallId;
});

/**
 * Names a message by the seq of the event with which it began.
 *
 * For an answer that is `message.start`, for a user's message `prompt.accepted`, for the result of
 * a tool `tool.result` or `tool.error`, for copied history `message.imported`.
 */
export type MessageId = Seq;

/** One page of messages, in the order of the history. */
export type MessagePage = {
  /** The messages. */
  messages: Array<Message>;
  /** Where the next page begins; `undefined` when this is the last one. */
  next?: string;
};

/** Which messages. */
export type MessagesParams = {
  /** The chat. */
  chatId: string;
  /** The `next` of the page before. */
  after?: string;
  /** Entries at most. */
  limit: number;
};

/**
 * A JSON object that an embedder attaches to a chat, a prompt or a message.
 *
 * Polychat stores it and gives it back untouched. Its size is bounded by
 * `Limits::metadata_bytes_max`.
 */
export type Metadata = Record<string, JsonValue>;

/** A piece of a model's answer. */
export type ModelDeltaParams = {
  /** The call. */
  callId: CallId;
  /** The piece. */
  delta: WireDelta;
};

/** The name under which a model is registered with a world. */
export type ModelName = string;

/** What a request asks of a model beyond its messages; what is not set is the provider's default. */
export type ModelParams = {
  /** Sampling temperature. */
  temperature?: number;
  /** The largest answer, in tokens. */
  outputTokensMax?: number;
  /** How hard to think: a word that the provider understands, for example `low` or `high`. */
  reasoningEffort?: string;
};

/** A request to a model. */
export type ModelStreamParams = {
  /** The call. */
  callId: CallId;
  /** The model. */
  model: ModelName;
  /** Who is to answer, so that its own messages can be told from those of other agents. */
  agent?: AgentName;
  /** The agent's instructions; empty for none. */
  system: string;
  /** The history, oldest first. */
  messages: Array<Message>;
  /** What the agent asks of the model. */
  params: ModelParams;
  /** The tools that the agent may use. */
  tools: Array<ToolSpec>;
  /** What the embedder attached. */
  context: CallContext;
};

/** How an answer ended that is complete. */
export type ModelStreamResult = {
  /** Why it ends where it does; `stop` when left out. */
  finish?: FinishReason;
  /** What it cost, if no delta has said so. */
  usage?: Usage;
};

/** How much room a client has again. */
export type More = {
  /** The subscription. */
  subscriptionId: SubscriptionId;
  /** How many further events may be under way. */
  events: number;
};

/** What a new chat is given. */
export type NewChatParams = {
  /** Its id; left out to let the world choose one. */
  chatId?: string;
  /** Its title. */
  title?: string;
  /** What the embedder attaches. */
  metadata?: Metadata;
  /** Its default agent. */
  agent?: string;
  /** The stored part of the host context. */
  context?: Metadata;
};

/** A model of a client. */
export type OfferedModel = {
  /** The name by which agents find it. */
  name: ModelName;
};

/** What a context policy left out of a request. */
export type Omitted = {
  /** Whole turns, the oldest ones. */
  turns: number;
  /** The messages in them. */
  messages: number;
};

/** A message that is being written. */
export type OpenMessage = {
  /** The message. */
  messageId: MessageId;
  /** Its turn. */
  turnId: TurnId;
  /** Who writes. */
  author: AgentName;
  /** Text so far. */
  text: string;
  /** Reasoning so far. */
  reasoning: string;
};

/** Where a forked or imported chat comes from. */
export type Origin = {
  kind: "fork";
  /** That chat. */
  chatId: ChatId;
  /** The last message taken over. */
  messageId: MessageId;
} | {
  kind: "import";
  /** Which system, for people. */
  source: string;
  /** When the chat was created there, if known. */
  createdAt?: Timestamp;
  /** When something last happened in it there, if known. */
  updatedAt?: Timestamp;
};

/** How a turn ended, in one word: without the reason that a `TurnOutcome` has. */
export type OutcomeKind = "completed" | "cancelled" | "failed" | "interrupted";

/** One part of a message. */
export type Part = {
  type: "text";
  /** The text. */
  text: string;
} | {
  type: "blob";
  /** Its media type, for example `image/png`. */
  mediaType: string;
  /** Where it is. */
  source: BlobSource;
} | {
  type: "opaque";
  /** The provider that understands it. */
  provider: string;
  /** Its data, never interpreted here. */
  data: JsonValue;
};

/** A program, for logs. */
export type Peer = {
  /** Its name. */
  name: string;
  /** Its version. */
  version?: string;
};

/** A call that waits for a person. */
export type PendingApproval = {
  /**
   * The chat that waits. Calls are numbered in each chat anew, so the number alone may mean
   * something else in another one.
   */
  chatId: ChatId;
  /** The call. */
  toolCallId: ToolCallId;
  /** The turn. */
  turnId: TurnId;
  /** The tool. */
  name: string;
  /** Its arguments. */
  arguments: JsonValue;
  /** What is asked. */
  kind: ApprovalKind;
};

/** One rule of a `ToolPolicy`. */
export type PolicyMode = "read" | "ask" | "auto";

/** Names one prompt within its chat; sending it again with the same body is answered alike. */
export type PromptId = string;

/** What a prompt asks for when its chat is busy. */
export type PromptMode = "queue" | "steer" | "interrupt" | "reject";

/** How an accepted prompt ended; every accepted prompt ends in exactly one of these. */
export type PromptOutcome = { kind: "completed" } | { kind: "cancelled" } | {
  kind: "failed";
  /** Why. */
  failure: Failure;
} | { kind: "interrupted" } | { kind: "withdrawn" };

/** Which prompt of which chat. */
export type PromptParams = {
  /** The chat. */
  chatId: string;
  /** The prompt. */
  promptId: string;
};

/** Where an accepted prompt stands. */
export type PromptState = {
  state: "queued";
  /** The seq of its `prompt.accepted`. */
  acceptedSeq: Seq;
} | {
  state: "running";
  /** The seq of its `prompt.accepted`. */
  acceptedSeq: Seq;
  /** The turn. */
  turnId: TurnId;
} | {
  state: "ended";
  /** The seq of its `prompt.accepted`. */
  acceptedSeq: Seq;
  /** The turn; `undefined` when it was withdrawn. */
  turnId?: TurnId;
  /** How. */
  outcome: PromptOutcome;
};

/** A mistake in the protocol; nothing has happened. */
export type ProtocolFault = {
  /** Which. */
  code: ProtocolFaultCode;
  /** The bound, where one was exceeded. */
  max?: number;
  /** Always `false`. */
  retryable: boolean;
  /** What happened, for people. */
  message: string;
};

/** The sorts of mistake in the protocol, stable on the wire. */
export type ProtocolFaultCode
  = "not_json"
  | "too_large"
  | "invalid_request"
  | "unknown_method"
  | "invalid_input"
  | "not_initialized";

/** An agent as a whole. */
export type PutAgentParams = {
  /** The agent; what is left out besides its name and model has a default. */
  agent: Pick<AgentConfig, "name" | "model"> & Partial<AgentConfig>;
};

/** One entry of a chat's log. */
export type RecordedEvent = {
  /** The chat whose log this is. A reader refuses a record of another chat (REQ-13). */
  chatId: ChatId;
  /** Its place in the log: gap-free from 1. */
  seq: Seq;
  /** When it was decided. */
  at: Timestamp;
} & ({
  type: "chat.created";
  /** Its title; empty while nobody gave one. */
  title: string;
  /** Who gave the title. */
  provenance: TitleProvenance;
  /** What the embedder attached. */
  metadata?: Metadata;
  /** Its default agent; `undefined` takes the world's. */
  agent?: AgentName;
  /** The stored part of the host context of all its turns. */
  context?: Metadata;
  /** Where it was copied from; the copied messages follow in the same append. */
  origin?: Origin;
  /** Whether it is hidden in lists from the beginning. */
  archived?: boolean;
} | {
  type: "chat.updated";
  /** The new title. */
  title?: string;
  /** Who gave the new title. */
  provenance?: TitleProvenance;
  /** The new metadata, as a whole. */
  metadata?: Metadata;
  /** Whether it is hidden in lists. */
  archived?: boolean;
  /** The new default agent. */
  agent?: AgentName;
} | { type: "chat.closed" } | { type: "chat.reopened" } | { type: "chat.deleted" } | {
  type: "message.imported";
  /**
   * Its name in the system that it was first brought from, if it had one. Opaque, and not
   * unique.
   */
  sourceId?: string;
  /** The message. */
  message: ImportedMessage;
  /** When it was written there. */
  writtenAt: Timestamp;
  /** What came with it. */
  metadata?: Metadata;
} | {
  type: "prompt.accepted";
  /** The prompt. */
  promptId: PromptId;
  /** What it asked for when the chat is busy. */
  mode: PromptMode;
  /** The message. */
  parts: Array<Part>;
  /** What the embedder attached; given back untouched. */
  metadata?: Metadata;
  /** The agent to answer; `undefined` takes the chat's. */
  agent?: AgentName;
  /**
   * The stored part of the host context: for models and tools of this prompt's turn, never sent
   * to a provider.
   */
  context?: Metadata;
} | {
  type: "prompt.edited";
  /** The prompt. */
  promptId: PromptId;
  /** Its new content. */
  parts?: Array<Part>;
  /** Its new mode. */
  mode?: PromptMode;
} | {
  type: "prompt.withdrawn";
  /** The prompt. */
  promptId: PromptId;
  /** Why. */
  reason: WithdrawReason;
} | {
  type: "prompt.joined";
  /** The prompt. */
  promptId: PromptId;
  /** The turn whose outcome it shares. */
  turnId: TurnId;
} | {
  type: "turn.started";
  /** The prompts it began with. */
  promptIds: Array<PromptId>;
  /** Who answers. */
  agent: AgentName;
  /**
   * Who answers after that, in this order: a prompt to all agents. Each gets the turn by
   * `turn.handed_off`; one that is gone by then is skipped.
   */
  then?: Array<AgentName>;
} | {
  type: "turn.handed_off";
  /** The turn. */
  turnId: TurnId;
  /** Who had it. */
  from: AgentName;
  /** Who has it now. */
  to: AgentName;
} | {
  type: "turn.ended";
  /** The turn. */
  turnId: TurnId;
  /** How. */
  outcome: TurnOutcome;
} | {
  type: "message.start";
  /** The turn. */
  turnId: TurnId;
  /** The place of the model call in its turn, from 1. */
  step: number;
  /** The agent's configuration used, whole: what was sent can be known later. */
  agent: AgentConfig;
  /** What the context policy left out. */
  omitted?: Omitted;
} | {
  type: "message.checkpoint";
  /** The message. */
  messageId: MessageId;
  /** Text, following what was saved before. */
  text?: string;
  /** Reasoning, following what was saved before. */
  reasoning?: string;
} | {
  type: "message.end";
  /** The message. */
  messageId: MessageId;
  /** All its text, exactly as it was shown. */
  text: string;
  /** All its reasoning, exactly as it was shown. */
  reasoning?: string;
  /** What the provider wants back unchanged. */
  opaque?: Array<Part>;
  /** The calls it asks for. */
  toolCalls?: Array<ToolCall>;
  /** Why it ended where it did. */
  finish: FinishReason;
  /** What it cost. */
  usage?: Usage;
} | {
  type: "message.error";
  /** The message. */
  messageId: MessageId;
  /** All its text, exactly as it was shown, or as far as it was saved. */
  text: string;
  /** All its reasoning, likewise. */
  reasoning?: string;
  /** Why. */
  failure: Failure;
} | {
  type: "tool.start";
  /** The call. */
  toolCallId: ToolCallId;
  /** The tool. */
  name: string;
} | {
  type: "tool.result";
  /** The call. */
  toolCallId: ToolCallId;
  /** The answer, for the model and for people. */
  parts: Array<Part>;
  /** How many bytes of the answer were cut off at its limit; 0 when nothing was. */
  cutBytes?: number;
  /** How many bytes of live output were not shown, being over their limit; 0 when all was shown. */
  unshownBytes?: number;
} | {
  type: "tool.error";
  /** The call. */
  toolCallId: ToolCallId;
  /** Why; the model hears it when the turn goes on. */
  failure: Failure;
} | {
  type: "approval.requested";
  /** The call. */
  toolCallId: ToolCallId;
  /** What is asked. */
  kind: ApprovalKind;
  /** The tool. */
  name: string;
  /** Its arguments, for the person to judge. */
  arguments: JsonValue;
} | {
  type: "approval.resolved";
  /** The call. */
  toolCallId: ToolCallId;
  /** What was decided; `undefined` when the turn ended before anyone did. */
  decision?: ApprovalDecision;
} | {
  type: "history.truncated";
  /** The first message that no longer counts. */
  from: MessageId;
});

/** The rules or the world say no. Nothing has happened. */
export type Refusal = {
  code: "unknown_chat";
  /** The id asked for. */
  chatId: ChatId;
} | {
  code: "chat_exists";
  /** The id asked for. */
  chatId: ChatId;
} | {
  code: "chat_deleted";
  /** The chat. */
  chatId: ChatId;
} | { code: "chat_closed" } | {
  code: "chat_busy";
  /** The running turn, if one runs. */
  turnId: TurnId | null;
  /** Prompts that wait. */
  queued: number;
} | {
  code: "chat_failed";
  /** Why. */
  reason: string;
} | {
  code: "chat_stalled";
  /** What the store said. */
  reason: string;
} | {
  code: "chat_full";
  /** Events in its log. */
  events: number;
  /** The bound. */
  max: number;
} | {
  code: "log_full";
  /** Events in the log. */
  events: number;
  /** The bound. */
  max: number;
} | {
  code: "queue_full";
  /** The bound. */
  max: number;
} | {
  code: "too_large";
  /** What. */
  what: string;
  /** Its size. */
  bytes: number;
  /** The bound. */
  max: number;
} | {
  code: "invalid_input";
  /** What. */
  what: string;
  /** Why. */
  why: string;
} | {
  code: "conflict";
  /** The prompt. */
  promptId: PromptId;
} | {
  code: "unknown_prompt";
  /** The prompt. */
  promptId: PromptId;
} | {
  code: "prompt_not_waiting";
  /** The prompt. */
  promptId: PromptId;
} | { code: "nothing_running" } | {
  code: "turn_not_running";
  /** The turn named. */
  turnId: TurnId;
  /** The one that runs, if one does. */
  running: TurnId | null;
} | {
  code: "unknown_message";
  /** The message. */
  messageId: MessageId;
} | {
  code: "unknown_turn";
  /** The turn. */
  turnId: TurnId;
} | {
  code: "approval_not_pending";
  /** The call. */
  toolCallId: ToolCallId;
} | {
  code: "decision_mismatch";
  /** The call. */
  toolCallId: ToolCallId;
} | {
  code: "unknown_agent";
  /** The name. */
  agent: AgentName;
} | {
  code: "agent_in_use";
  /** The name. */
  agent: AgentName;
} | {
  code: "cursor_invalid";
  /** What was given. */
  cursor: Cursor;
  /** The log's head. */
  head: Seq;
} | {
  code: "overloaded";
  /** `chat` or `world`. */
  scope: string;
  /** The bound. */
  max: number;
} | {
  code: "live_chats_full";
  /** The bound. */
  max: number;
} | {
  code: "subscribers_full";
  /** The bound. */
  max: number;
} | {
  code: "rate_limited";
  /** Prompts in a minute. */
  max: number;
  /** After how many milliseconds there is room for the next one. */
  waitMs: number;
} | { code: "world_closed" } | {
  code: "unsupported";
  /** What. */
  what: string;
} | { code: "forbidden" } | {
  code: "name_taken";
  /** `model` or `tool`. */
  what: string;
  /** The name. */
  name: string;
} | {
  code: "unknown_call";
  /** The id, cut where it is too long to be one. */
  callId: string;
};

/** What a client brings; all of it is taken, or nothing. */
export type Register = {
  /** Its models. */
  models?: Array<OfferedModel>;
  /** Its tools. */
  tools?: Array<ToolSpec>;
};

/** A reply as it travels. */
export type Reply = { type: "done" } | {
  type: "chat";
  /** Its id. */
  chatId: ChatId;
} | { type: "accepted" } & Accepted | { type: "chats" } & ChatPage | { type: "snapshot" } & Snapshot | {
  type: "prompts";
  /** In the order in which they will run. */
  prompts: Array<WaitingPrompt>;
} | { type: "prompt" } & PromptState | { type: "messages" } & MessagePage | { type: "log" } & LogPage | { type: "world" } & WorldInfo | { type: "found" } & SearchPage;

/**
 * The id of a request, a string or a number; given back exactly as it came.
 *
 * Two ids are the same when their text is, so `1` and `1.0` are two.
 */
export type RequestId = string | number;

/** What is replaced, and by what. */
export type ReviseParams = {
  /** The chat. */
  chatId: string;
  /** Names the new prompt. */
  promptId: string;
  /** What is replaced. */
  target: ReviseTarget;
};

/** What a revision replaces. */
export type ReviseTarget = {
  kind: "message";
  /** The message. */
  messageId: number;
  /** Its new content. */
  body: BodyParams;
} | {
  kind: "turn";
  /** The turn. */
  turnId: number;
};

/** What to watch, spelled out: leaving out a chat's id never means the world (REQ-13). */
export type Scope = "chat" | "world";

/** One page of what was found. */
export type SearchPage = {
  /** The messages, newest first. */
  hits: Array<Hit>;
  /** Where the next page begins; `undefined` when nothing is left. */
  next?: string;
};

/** What is looked for. */
export type SearchParams = {
  /** Words as a person types them. */
  text: string;
  /** Only messages of this chat. */
  chatId?: string;
  /** The `next` of the page before. */
  after?: string;
  /** Hits at most. */
  limit: number;
};

/** A message and how it is sent. */
export type SendParams = {
  /** The chat. */
  chatId: string;
  /** Names the prompt. */
  promptId: string;
  /** What it asks for when the chat is busy; `queue` when left out. */
  mode?: PromptMode;
  /** The message. */
  parts: Array<Part>;
  /** What the embedder attached. */
  metadata?: Metadata;
  /** The agent to answer. */
  agent?: string;
  /** The stored part of the host context. */
  context?: Metadata;
};

/**
 * A position in a chat's log: gap-free from 1, below 2⁵³ so that JavaScript can hold it.
 *
 * `Seq::ZERO` is no position: it stands for "before the first event".
 */
export type Seq = number;

/** What a server takes on one connection; beyond, requests are refused with the facts. */
export type ServerLimits = {
  /** Bytes of a frame. */
  frameBytesMax: number;
  /** Requests in flight. */
  requestsInFlightMax: number;
  /** Subscriptions. */
  subscriptionsMax: number;
};

/** The settings of a world. */
export type SettingsParams = {
  /** The new settings, as a whole. */
  settings: WorldSettings;
};

/** A chat as a whole at one moment. A subscription after `cursor` continues exactly here. */
export type Snapshot = {
  /** What a list shows of it. */
  summary: Summary;
  /** What it is doing. */
  status: ChatStatus;
  /** Its history, waiting prompts not included. */
  messages: Array<Message>;
  /** What waits. */
  prompts: Array<WaitingPrompt>;
  /** The message that is being written, as far as it was shown. */
  open?: OpenMessage;
  /** Calls that wait for a person. */
  approvals?: Array<PendingApproval>;
  /** Where a subscription goes on. */
  cursor: Cursor;
};

/** A piece of a message, with the words that were looked for. */
export type Snippet = {
  /** The piece: as it was said, with `…` where it was cut. */
  text: string;
  /** The words, as byte ranges of `text`: in order, apart, and on character boundaries. */
  marks?: Array<{ start: number, end: number }>;
};

/** Where to begin. */
export type StartAt = "start" | "now" | "after";

/** What a chat can be doing. */
export type StatusKind
  = "idle"
  | "running"
  | "awaiting"
  | "stalled"
  | "failed"
  | "closed";

/** A subscription as it travels; nothing in it has been checked yet. */
export type SubscribeParams = {
  /** What to watch. */
  scope: Scope;
  /** The chat, when the scope is one. */
  chatId?: string;
  /** Where to begin. */
  start: StartAt;
  /** Where exactly, when it begins after something. */
  cursor?: string;
};

/** Which subscription: the answer to `events/subscribe`, the question of `events/unsubscribe`. */
export type Subscription = {
  /** The subscription. */
  subscriptionId: SubscriptionId;
};

/** Names a subscription of a server, opaque; never used again while the server lives. */
export type SubscriptionId = string;

/** What a list shows of a chat; computed by the rules, stored with each append. */
export type Summary = {
  /** The chat. */
  chatId: ChatId;
  /** What it was doing at `head`, as far as the log says. */
  kind: StatusKind;
  /**
   * How its last turn ended, also while the next one runs. `undefined` while none has ended, and from
   * a cut of its history, which takes that turn away, until the next one ends. Summaries that an
   * earlier version stored have none either.
   */
  lastOutcome?: OutcomeKind;
  /** Its title; empty while nobody gave one. */
  title: string;
  /** Who gave the title. */
  provenance: TitleProvenance;
  /** Whether it is hidden in lists. */
  archived: boolean;
  /** Its default agent; `undefined` takes the world's. */
  agent?: AgentName;
  /** What the embedder attached. */
  metadata?: Metadata;
  /** Where it was copied from. */
  origin?: Origin;
  /** When it was created. */
  createdAt: Timestamp;
  /** When its last event was recorded. */
  updatedAt: Timestamp;
  /** The last event of its log. */
  head: Seq;
  /** Messages in its history. */
  messages: number;
  /** Prompts that wait. */
  queued: number;
};

/** A moment, in milliseconds since the Unix epoch. */
export type Timestamp = number;

/** Who gave a chat its title. */
export type TitleProvenance = "default" | "auto" | "manual";

/** A call that a model asked for. */
export type ToolCall = {
  /** The tool's name. */
  name: string;
  /** Its arguments, as the model gave them. */
  arguments: JsonValue;
  /** The provider's own id of the call, given back in the next request. */
  providerCallId?: string;
};

/**
 * Names a tool call by the message that asked for it and its place there, from 0.
 *
 * Its text form is `message.index`, for example `12.0`. The provider's own call id is payload.
 */
export type ToolCallId = string;

/** A call of a tool. */
export type ToolCallParams = {
  /** The call. */
  callId: CallId;
  /** The tool. */
  name: string;
  /** Its arguments, which fit its schema. */
  arguments: JsonValue;
  /** What the embedder attached. */
  context: CallContext;
};

/** What a tool answered; an error instead has a message, which the model hears. */
export type ToolCallResult = {
  /** The answer, for the model and for people. */
  parts: Array<Part>;
};

/** What running a tool means. */
export type ToolKind = "read" | "act" | "question";

/** What a tool answered. */
export type ToolOutput = {
  /** The answer, for the model and for people. */
  parts: Array<Part>;
  /** How many bytes of the answer were cut off at its limit; 0 when nothing was. */
  cutBytes?: number;
  /** How many bytes of live output were not shown, being over their limit; 0 when all was shown. */
  unshownBytes?: number;
};

/** Text that a running tool shows to people. */
export type ToolOutputParams = {
  /** The call. */
  callId: CallId;
  /** The text. */
  text: string;
};

/** When a person must allow a call. */
export type ToolPolicy = {
  /** For all tools that `tools` does not name. */
  mode: PolicyMode;
  /** For single tools. */
  tools?: { [key in string]: PolicyMode };
};

/** How far a running tool is. */
export type ToolProgressParams = {
  /** The call. */
  callId: CallId;
  /** Any JSON, by custom `{"progress": 3, "total": 10, "message": "…"}`. */
  progress: JsonValue;
};

/** Which tools an agent may use. */
export type ToolSelection = { kind: "none" } | { kind: "all" } | { kind: "only", names: Array<string> };

/** How a source of tools is doing. */
export type ToolSourceState = "starting" | "ready" | "failed";

/** What a tool is, as models and rules see it. */
export type ToolSpec = {
  /** Its name, unique among the tools of a world. */
  name: string;
  /** What it does, for the model. */
  description: string;
  /** The JSON schema of its arguments. */
  schema: JsonValue;
  /** What running it means. */
  kind: ToolKind;
  /**
   * Whether a person must allow each call that the policy would let run. A person may do so for
   * a whole chat.
   */
  needsApproval: boolean;
  /**
   * How long one call may take, in milliseconds, where that is less than
   * `Limits::tool_duration_max`.
   */
  durationMaxMs?: number;
  /**
   * How large the result of one call may be, in bytes, where that is less than
   * `Limits::tool_result_bytes_max`.
   */
  resultBytesMax?: number;
};

/** Names a turn by the seq of its `turn.started`. */
export type TurnId = Seq;

/** How a turn ended; recorded once in `turn.ended`. */
export type TurnOutcome = { kind: "completed" } | { kind: "cancelled" } | {
  kind: "failed";
  /** Why. */
  failure: Failure;
} | { kind: "interrupted" };

/** What changes in a chat; what is left out stays. */
export type UpdateParams = {
  /** The chat. */
  chatId: string;
  /** The new title. */
  title?: string;
  /** The new metadata, as a whole; `{}` removes it. */
  metadata?: Metadata;
  /** Whether it is hidden in lists. */
  archived?: boolean;
  /** The new default agent. */
  agent?: string;
};

/** What a model call cost, as the provider counts. */
export type Usage = {
  /** Tokens read. */
  inputTokens: number;
  /** Tokens written, reasoning included. */
  outputTokens: number;
};

/** A prompt that waits. */
export type WaitingPrompt = {
  /** The prompt. */
  promptId: PromptId;
  /** The seq of its `prompt.accepted`. */
  acceptedSeq: Seq;
  /** When it was accepted. */
  at: Timestamp;
  /** What it asks for. */
  mode: PromptMode;
  /** Its content. */
  parts: Array<Part>;
};

/** What a model says, piece by piece. */
export type WireDelta = {
  type: "text";
  /** The text. */
  text: string;
} | {
  type: "reasoning";
  /** The text. */
  text: string;
} | {
  type: "toolCall";
  /** The call. */
  call: ToolCall;
} | {
  type: "opaque";
  /** The part. */
  part: Part;
} | {
  type: "usage";
  /** The cost. */
  usage: Usage;
};

/** Why a prompt left the queue without a turn. */
export type WithdrawReason = "requested" | "closed" | "deleted";

/**
 * A refusal or fault as it travels.
 *
 * `retryable`, `retryAfterMs` and `message` follow from the code and the facts; they are there for
 * readers that know neither.
 */
export type WorldError = {
  /** Whether the very same command may well succeed later. */
  retryable: boolean;
  /** After how long a retry makes sense, in milliseconds. */
  retryAfterMs?: number;
  /** What happened, for people. */
  message: string;
} & (Refusal | {
  /** The sort of fault. */
  code: FaultKind;
});

/** What the world's feed says. */
export type WorldEvent = {
  type: "chat.status";
  /** The chat. */
  chatId: ChatId;
  /** What it is doing. */
  kind: StatusKind;
  /** The turn that is running or waiting; a stale status can so be told from a newer one. */
  turnId?: TurnId;
  /**
   * How its last turn ended, as in `Summary::last_outcome`; `undefined` also while its log is not
   * known.
   */
  lastOutcome?: OutcomeKind;
  /** Prompts that wait. */
  queued: number;
  /** The last event of its log. */
  head: Seq;
  /** Its title; empty while nobody gave one. */
  title: string;
} | {
  type: "chat.created";
  /** The chat. */
  chatId: ChatId;
} | {
  type: "chat.deleted";
  /** The chat. */
  chatId: ChatId;
} | {
  type: "diagnostic";
  /** How often in a row. */
  repeats: number;
  /** What. */
  diagnostic: Diagnostic;
} | {
  type: "diagnostics.skipped";
  /** How many. */
  count: number;
} | { type: "feed.resumed" };

/** Names one world. */
export type WorldId = string;

/** A world's name, settings and agents. */
export type WorldInfo = {
  /** The world. */
  worldId: WorldId;
  /** Its settings. */
  settings: WorldSettings;
  /** The agent that answers when nobody names one. */
  defaultAgent: AgentName;
  /** Its agents, in the order of their names. */
  agents: Array<AgentConfig>;
};

/** What holds for all chats of a world; kept in the world's own log. */
export type WorldSettings = {
  /**
   * Whether `@name` at the start of a paragraph addresses an agent, in prompts and replies.
   * Off by default, because pasted text must not re-route a chat.
   */
  mentions: boolean;
  /** How often replies may hand one turn on to another agent. */
  handoffsMax: number;
  /**
   * Whether `@all` at the start of a paragraph of a prompt asks all agents, one after another in
   * the order of their names, within one turn. Off by default. All of them together have the
   * bounds of one turn, `steps_max` among them; if one fails, the
   * turn does.
   */
  broadcast: boolean;
  /** Whether the model proposes a title after a chat's first completed turn. Off by default. */
  titles: boolean;
  /** When a person must allow a tool call, for agents without a policy of their own. */
  policy: ToolPolicy;
  /** How much history a model receives, in bytes of text; older turns are left out whole. */
  contextBytesMax: number;
};
