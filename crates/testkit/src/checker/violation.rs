//! What the checker can find, each with its facts.

use polychat_core::{
    AgentName, ChatId, EndReason, OutcomeKind, PromptId, Seq, StatusKind, ToolCallId, TurnId,
    content::Text, seq::MessageId,
};

use crate::history::{CallId, RequestId, RunId, SubscriberId};

/// One way in which a history breaks a law.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Violation {
    /// A chat's log is not what a log may be (laws 2, 5).
    Log {
        /// Whose log.
        chat: ChatId,
        /// At which event; the head when something is missing.
        seq: Seq,
        /// What is wrong.
        fault: LogFault,
    },
    /// A subscriber received what it must not, or not what it must (laws 1, 4; REQ-3 to REQ-5).
    Delivery {
        /// Who.
        subscriber: SubscriberId,
        /// The chat that it watches; `None` for the world's feed.
        chat: Option<ChatId>,
        /// What is wrong.
        fault: DeliveryFault,
    },
    /// A command was answered wrongly.
    Answer {
        /// Which.
        call: CallId,
        /// What it asked for, in a stable word.
        command: &'static str,
        /// What is wrong.
        fault: AnswerFault,
    },
    /// A status or summary disagrees with the log (REQ-8).
    Status {
        /// The chat.
        chat: ChatId,
        /// The head that the status names.
        head: Seq,
        /// What is wrong.
        fault: StatusFault,
    },
    /// A model was given, or gave, something else than the chat's own (REQ-2).
    Request {
        /// Which request.
        request: RequestId,
        /// What is wrong.
        fault: RequestFault,
    },
    /// A tool was run, or given something, that no call of its chat explains (REQ-4).
    Run {
        /// Which run.
        run: RunId,
        /// What is wrong.
        fault: RunFault,
    },
    /// A secret of one chat was found where only another chat may be (NFR-1).
    Leak {
        /// Where it was found; `None` for what belongs to no chat.
        found_in: Option<ChatId>,
        /// Whose it is.
        secret_of: ChatId,
        /// In what: `event`, `notice`, `request`, `run` or `answer`.
        place: &'static str,
    },
}

/// What was still open when it should have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenWork {
    /// A turn.
    Turn(TurnId),
    /// A message without `message.end` or `message.error`.
    Message(MessageId),
    /// A call without `tool.result` or `tool.error`.
    Call(ToolCallId),
    /// An approval nobody resolved.
    Approval(ToolCallId),
    /// Prompts that wait.
    Queue,
}

/// What can be wrong with a log.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are named after what they hold
pub enum LogFault {
    /// Events are missing before this one.
    SeqGap { expected: Seq },
    /// This seq was given before.
    SeqReused,
    /// The record says that it belongs to another chat.
    ForeignRecord { claimed: ChatId },
    /// The first event is not `chat.created`, or a later one is.
    CreatedMisplaced,
    /// Something follows `chat.deleted`.
    AfterDelete,
    /// A copied message comes after the chat's own life began.
    ImportedLate,
    /// A chat was deleted or a turn ended, with something still open.
    EndedWithOpen { open: OpenWork },
    /// The run has ended, and this has not.
    Unfinished { open: OpenWork },

    /// A turn started while another one runs.
    TwoTurns { running: TurnId },
    /// The event names a turn that is not the running one.
    ForeignTurn { named: TurnId, running: Option<TurnId> },
    /// A turn started with no prompt.
    TurnWithoutPrompts,
    /// A turn started in a closed chat.
    TurnWhileClosed,
    /// The turn went on although a prompt had interrupted it.
    WorkAfterInterrupt { turn: TurnId },

    /// A message started while another one is open.
    TwoMessages { open: MessageId },
    /// The place in the turn is not the next one.
    StepOutOfOrder { expected: u32, got: u32 },
    /// A message started before all calls of the last one had ended.
    StepBeforeResults { missing: ToolCallId },
    /// A checkpoint or an end of a message that is not open and never was.
    MessageNotOpen { message: MessageId },
    /// A message has a second end, or a checkpoint after its end.
    MessageEndedTwice { message: MessageId },
    /// What was saved on the way is no prefix of the final text.
    CheckpointNotPrefix { message: MessageId },
    /// The recorded text is not what the model released.
    TextNotReleased { message: MessageId },

    /// Nobody in this turn asked for the call.
    UnknownCall { call: ToolCallId },
    /// A result without a start.
    CallNotStarted { call: ToolCallId },
    /// A second start.
    CallStartedTwice { call: ToolCallId },
    /// A second result or error, or work after it.
    CallEndedTwice { call: ToolCallId },
    /// A start while its approval is pending or was not given, or that a policy should have asked
    /// about.
    StartWithoutApproval { call: ToolCallId },
    /// A start of a tool that the agent may not use.
    CallNotSelected { call: ToolCallId },
    /// A start or an approval with another tool or other arguments than the model asked for.
    CallChanged { call: ToolCallId },
    /// More calls of one step run than may.
    TooManyCallsAtOnce { running: usize, max: usize },
    /// The recorded outcome is not what the tool answered.
    OutcomeNotOfTool { call: ToolCallId },
    /// An approval asked for after the start.
    ApprovalAfterStart { call: ToolCallId },
    /// A second request for one approval.
    ApprovalAskedTwice { call: ToolCallId },
    /// A resolution of what is not pending.
    ApprovalNotPending { call: ToolCallId },
    /// A person is asked about a tool that was allowed for the chat.
    AskedThoughAllowed { call: ToolCallId },
    /// A person is asked about what may run anyway, or may not run at all.
    AskedInVain { call: ToolCallId },
    /// A decision that does not fit what was asked, or an outcome that does not fit the decision.
    DecisionUnfit { call: ToolCallId },

    /// Another agent answers than the one that has the turn.
    WrongAgent { expected: AgentName, got: AgentName },
    /// A row of agents that is not in order, or that nobody may ask for.
    WrongRow { agent: AgentName },
    /// Somebody who is still to answer was passed over.
    AgentForgotten { agent: AgentName },
    /// An agent's configuration that the world did not have.
    AgentNotOfWorld { agent: AgentName },
    /// An agent goes on in a turn with another configuration than it began with.
    AgentChangedMidTurn { agent: AgentName },
    /// The turn was handed on while a message or a call was open.
    HandedOffMidWork { to: AgentName },
    /// The turn was handed on by somebody who does not have it.
    HandedOffBySomebodyElse { holder: AgentName, from: AgentName },
    /// A reply handed the turn on more often than may be, to itself, or where none may.
    TooManyHandoffs { count: u32 },

    /// A title of a model over somebody's own, too early, or where none is wanted.
    TitleNotWanted,
    /// A title that the model did not propose for this chat.
    TitleNotProposed,

    /// The history was cut while a turn runs.
    TruncatedMidTurn { running: TurnId },
    /// The history was cut from a message that does not stand in it.
    TruncatedUnknown { from: MessageId },

    /// The id was accepted before.
    AcceptedTwice { prompt: PromptId },
    /// A closed chat accepted a prompt.
    AcceptedWhileClosed { prompt: PromptId },
    /// A prompt that asked to be rejected when busy was accepted by a busy chat.
    AcceptedWhileBusy { prompt: PromptId },
    /// The event names a prompt that was never accepted here.
    UnknownPrompt { prompt: PromptId },
    /// A prompt that has ended got another outcome.
    TwoOutcomes { prompt: PromptId },
    /// A turn took a prompt that a turn has taken before.
    PromptInTwoTurns { prompt: PromptId },
    /// An edit of a prompt that does not wait.
    PromptNotWaiting { prompt: PromptId },
    /// A prompt joined that does not steer.
    JoinedWithoutSteering { prompt: PromptId },
    /// A turn took a prompt although another one was to run first.
    QueueOrder { taken: PromptId, first: PromptId },
}

/// What can be wrong with a delivery.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are named after what they hold
pub enum DeliveryFault {
    /// Recorded events are missing.
    Gap { expected: Seq, got: Seq },
    /// A recorded event came again.
    Duplicate { expected: Seq, got: Seq },
    /// The store had not acknowledged it.
    ShownBeforeStored { seq: Seq },
    /// The store holds something else at this seq.
    ShownDiffers { seq: Seq },
    /// The cursor is not that of its event.
    CursorWrong { seq: Seq, cursor: Seq },
    /// It belongs to another chat, or to another sort of subscription.
    Misrouted { of: Option<ChatId> },
    /// It names the wrong turn.
    WrongTurn { named: TurnId },
    /// A live event of something that has not begun, as far as the subscriber was told.
    LiveBeforeStart { start: Option<Seq> },
    /// A live event of something that has ended, as the subscriber was told.
    LiveAfterEnd { end: Seq },
    /// Text is missing before this chunk.
    TextGap { expected: u64, offset: u64 },
    /// The text is not the message's text at this place.
    TextDiffers { message: MessageId, offset: u64 },
    /// More text was shown than was recorded.
    TextAfterSeal { message: MessageId, shown_to: u64, recorded: u64 },
    /// Text was shown that the model had not released.
    TextNotReleased { message: MessageId, offset: u64 },
    /// Output was shown that the tool had not shown in this call.
    OutputNotShown { call: ToolCallId, offset: u64 },
    /// Progress was shown that the tool had not made in this call.
    ProgressNotMade { call: ToolCallId },
    /// Something came after the end of the subscription.
    AfterEnd { reason: EndReason },
    /// Something of a chat came after its deletion.
    AfterDelete,
    /// The stream ended as deleted without a `chat.deleted` before.
    EndedWithoutDelete,
    /// The world's feed went back to an older status of the chat.
    StatusBackwards { seen: Seq, got: Seq },
}

/// What can be wrong with an answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are named after what they hold
pub enum AnswerFault {
    /// An answer of a sort that the command does not have.
    WrongSort,
    /// Acknowledged before it was stored, or never stored.
    NotStored,
    /// It names another prompt or seq than the log.
    AcceptedDiffers { stored: Option<Seq> },
    /// The id was accepted before with another body, and this one was accepted like it.
    ConflictAccepted { prompt: PromptId },
    /// The id was accepted before with this very body, and this one was a conflict.
    FalseConflict { prompt: PromptId },
    /// The command was refused, and its event is in the log.
    RefusedLeftEvent { event: &'static str },
    /// The state told is not the log's.
    StateDiffers { prompt: PromptId },
    /// The state told is older than what was true when the command was sent.
    Stale { head: Seq, known: Seq },
    /// A page of the log that is not the log.
    LogDiffers { seq: Seq },
    /// A message of a snapshot that is not the log's, missing, or too many.
    MessagesDiffer { message: MessageId },
}

/// What can be wrong with a status.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are named after what they hold
pub enum StatusFault {
    /// Its head is not stored.
    HeadNotStored,
    /// It says another kind of activity than the log.
    Kind { told: StatusKind, log: StatusKind },
    /// It names another turn than the log.
    Turn { told: Option<TurnId>, log: Option<TurnId> },
    /// It counts other waiting prompts than the log.
    Queued { told: usize, log: usize },
    /// It has another title than the log.
    Title,
    /// It says that the last turn ended in another way than the log.
    LastOutcome { told: Option<OutcomeKind>, log: Option<OutcomeKind> },
    /// A summary that says something else about being archived.
    Archived,
}

/// What can be wrong with a model request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are named after what they hold
pub enum RequestFault {
    /// Nobody attached a chat to its context, or no such chat has a log.
    UnknownChat,
    /// It holds a message that the chat's history does not have.
    ForeignMessage { message: MessageId },
    /// It holds a message with another text or role than the chat's history.
    AlteredMessage { message: MessageId },
    /// Its messages are not in the order of the history.
    OutOfOrder { message: MessageId },
    /// It lacks a message that the context policy may not leave out.
    MissingMessage { message: MessageId },
    /// The same answer was asked for again after text had been released.
    RetriedAfterText { message: MessageId },
    /// It does not say who answers, or instructions and parameters are not that agent's.
    AgentDiffers,
    /// It offers a tool that the agent may not use.
    ToolNotSelected { tool: Text },
    /// It carries another host context than the one attached to its chat and prompt.
    ContextDiffers { part: ContextPart },
    /// A title is asked for although none is wanted.
    TitleNotWanted,
    /// A title is asked for what is not the beginning of this chat.
    TitleOfSomethingElse,
}

/// A part of a host context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextPart {
    /// What was attached to the chat.
    Chat,
    /// What was attached to the prompt.
    Prompt,
    /// What was resolved for the call.
    Resolved,
}

/// What can be wrong with a run of a tool.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are named after what they hold
pub enum RunFault {
    /// Nobody attached a chat to its context, or no such chat has a log.
    UnknownChat,
    /// The chat has begun no such call, or all such calls were run before.
    NoSuchCall { tool: Text },
    /// The call is a question to a person: no tool is run for it.
    QuestionRun { call: ToolCallId },
    /// It was given another host context than the one attached to its chat and prompt.
    ContextDiffers { call: ToolCallId, part: ContextPart },
}
