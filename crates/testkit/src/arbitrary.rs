//! Arbitrary values for round trips: ids, texts, JSON, and what is made of them.
//!
//! Numbers stay below 2⁵³ and fractions are finite, as on the wire; everything else is as odd as
//! the types allow: empty texts, quotes, line ends, other alphabets, nested JSON.
//!
//! The strategies are boxed, because nested ones by value outgrow the stack of a test thread.

use std::sync::Arc;

use polychat_core::{
    AgentName, ChatId, CommandError, Cursor, Epoch, Event, Failure, FailureKind, Fault, FaultKind,
    Live, LiveBody, MessageId, Metadata, Notice, Part, PromptId, Recorded, Refusal, Seq, Timestamp,
    ToolCallId, TurnId, TurnOutcome,
    content::{BlobSource, Text},
    event::{FinishReason, PromptBody, PromptMode},
    message::Usage,
    tool::{ToolCall, ToolOutput},
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value};

pub mod calls;

/// Any text of moderate length.
pub fn text() -> BoxedStrategy<Text> {
    prop_oneof![
        4 => any::<String>().prop_map(Text::from),
        1 => select(vec!["", "\"\\\n\r\t", "\u{2028}\u{0}", "🦀é漢", "</script>"])
            .prop_map(Text::from),
    ]
    .boxed()
}

/// Any valid id, as a string.
fn id() -> BoxedStrategy<String> {
    prop_oneof![
        "[a-z]{1,3}",
        "[ -~]{1,40}".prop_filter("no path step", |id| id != "." && id != ".."),
        "[à-ÿ漢🦀]{1,30}",
        Just("x".repeat(polychat_core::id::ID_BYTES_MAX)),
    ]
    .boxed()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident -> $id:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name() -> BoxedStrategy<$id> {
            id().prop_filter_map("no id", |id| $id::new(id).ok()).boxed()
        }
    )*};
}

ids! {
    /// Any chat id.
    chat_id -> ChatId;
    /// Any prompt id.
    prompt_id -> PromptId;
    /// Any agent's name.
    agent_name -> AgentName;
}

/// Any number that JavaScript can hold.
pub fn number() -> BoxedStrategy<u64> {
    prop_oneof![0..100_u64, 0..=Seq::MAX.get(), Just(Seq::MAX.get())].boxed()
}

/// Any position in a log.
pub fn seq() -> BoxedStrategy<Seq> {
    number().prop_filter_map("no seq", |n| Seq::try_from(n).ok()).boxed()
}

/// Any turn.
pub fn turn_id() -> BoxedStrategy<TurnId> {
    seq().prop_map(TurnId).boxed()
}

/// Any message.
pub fn message_id() -> BoxedStrategy<MessageId> {
    seq().prop_map(MessageId).boxed()
}

/// Any tool call.
pub fn tool_call_id() -> BoxedStrategy<ToolCallId> {
    (message_id(), any::<u16>()).prop_map(|(message, index)| ToolCallId { message, index }).boxed()
}

/// Any cursor.
pub fn cursor() -> BoxedStrategy<Cursor> {
    (seq(), any::<u64>(), any::<u64>(), any::<u64>())
        .prop_map(|(seq, epoch, live, offset)| Cursor { seq, epoch: Epoch(epoch), live, offset })
        .boxed()
}

/// Any JSON, a few levels deep.
pub fn json() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
    .boxed()
}

/// Any metadata, also none.
pub fn metadata() -> BoxedStrategy<Metadata> {
    vec((any::<String>(), json()), 0..3)
        .prop_map(|entries| Metadata::new(entries.into_iter().collect::<Map<_, _>>()))
        .boxed()
}

/// Any part of a message.
pub fn part() -> BoxedStrategy<Part> {
    prop_oneof![
        text().prop_map(Part::text),
        (text(), text()).prop_map(|(media_type, uri)| Part::Blob {
            media_type,
            source: BlobSource::Uri { uri }
        }),
        (text(), text()).prop_map(|(media_type, data)| Part::Blob {
            media_type,
            source: BlobSource::Base64 { data }
        }),
        (text(), json()).prop_map(|(provider, data)| Part::Opaque { provider, data }),
    ]
    .boxed()
}

/// Any parts of a message.
pub fn parts() -> BoxedStrategy<Vec<Part>> {
    vec(part(), 0..4).boxed()
}

/// Any mode of a prompt.
pub fn mode() -> BoxedStrategy<PromptMode> {
    use PromptMode as M;
    select(vec![M::Queue, M::Steer, M::Interrupt, M::Reject]).boxed()
}

/// Anything a user may submit.
pub fn prompt_body() -> BoxedStrategy<PromptBody> {
    (parts(), metadata(), option::of(agent_name()), metadata())
        .prop_map(|(parts, metadata, agent, context)| PromptBody {
            parts,
            metadata,
            agent,
            context,
        })
        .boxed()
}

/// Any failure.
pub fn failure() -> BoxedStrategy<Failure> {
    (select(vec![FailureKind::Panicked, FailureKind::RateLimited]), text(), any::<bool>())
        .prop_map(|(kind, message, retryable)| Failure { kind, message, retryable })
        .boxed()
}

/// Any call that a model may ask for.
pub fn tool_call() -> BoxedStrategy<ToolCall> {
    (text(), json(), option::of(text()))
        .prop_map(|(name, arguments, provider_call_id)| ToolCall {
            name,
            arguments,
            provider_call_id,
        })
        .boxed()
}

/// Recorded events: the ones with payload made up, the others from the samples.
pub fn event() -> BoxedStrategy<Event> {
    prop_oneof![
        4 => select(crate::samples::every_event()),
        2 => (prompt_id(), mode(), prompt_body())
            .prop_map(|(prompt_id, mode, body)| Event::PromptAccepted { prompt_id, mode, body }),
        2 => (message_id(), text(), text(), vec(tool_call(), 0..3), number(), parts()).prop_map(
            |(message_id, text, reasoning, tool_calls, tokens, opaque)| Event::MessageEnd {
                message_id,
                text,
                reasoning,
                opaque,
                tool_calls,
                finish: FinishReason::Stop,
                usage: Usage::new(tokens, 1),
            }
        ),
        1 => (message_id(), text(), text(), failure()).prop_map(
            |(message_id, text, reasoning, failure)| Event::MessageError {
                message_id,
                text,
                reasoning,
                failure
            }
        ),
        1 => (tool_call_id(), parts(), number(), number()).prop_map(
            |(tool_call_id, parts, cut_bytes, unshown_bytes)| Event::ToolResult {
                tool_call_id,
                output: ToolOutput { parts, cut_bytes, unshown_bytes },
            }
        ),
        1 => (turn_id(), failure()).prop_map(|(turn_id, failure)| Event::TurnEnded {
            turn_id,
            outcome: TurnOutcome::Failed { failure }
        }),
        1 => (vec(prompt_id(), 0..4), agent_name(), vec(agent_name(), 0..3)).prop_map(
            |(prompt_ids, agent, then)| Event::TurnStarted { prompt_ids, agent, then }
        ),
    ]
    .boxed()
}

/// Any entry of this chat's log.
pub fn recorded(chat: ChatId) -> BoxedStrategy<Recorded> {
    (seq(), number(), event())
        .prop_map(move |(seq, at, event)| Recorded {
            chat_id: chat.clone(),
            seq,
            at: Timestamp(at),
            event,
        })
        .boxed()
}

/// Any live event of this chat.
pub fn live(chat: ChatId) -> BoxedStrategy<Live> {
    let body = prop_oneof![
        (message_id(), number(), text()).prop_map(|(message_id, offset, text)| {
            LiveBody::MessageChunk { message_id, offset, text }
        }),
        (message_id(), number(), text()).prop_map(|(message_id, offset, text)| {
            LiveBody::ReasoningChunk { message_id, offset, text }
        }),
        (tool_call_id(), number(), text()).prop_map(|(tool_call_id, offset, text)| {
            LiveBody::ToolOutput { tool_call_id, offset, text }
        }),
        (tool_call_id(), json())
            .prop_map(|(tool_call_id, progress)| LiveBody::ToolProgress { tool_call_id, progress }),
    ];
    (turn_id(), body)
        .prop_map(move |(turn_id, body)| Live { chat_id: chat.clone(), turn_id, body })
        .boxed()
}

/// Any notice of this chat, except the end.
pub fn notice(chat: ChatId) -> BoxedStrategy<Notice> {
    prop_oneof![
        (cursor(), recorded(chat.clone()))
            .prop_map(|(cursor, event)| Notice::Recorded { cursor, event: Arc::new(event) }),
        (cursor(), live(chat))
            .prop_map(|(cursor, event)| Notice::Live { cursor, event: Arc::new(event) }),
    ]
    .boxed()
}

/// Any refusal or fault: those with facts made up, the others from the samples.
pub fn error() -> BoxedStrategy<CommandError> {
    let refusal = prop_oneof![
        select(crate::transport_suite::errors::every_refusal()),
        chat_id().prop_map(|chat_id| Refusal::UnknownChat { chat_id }),
        (option::of(turn_id()), 0..1_000_usize)
            .prop_map(|(turn_id, queued)| Refusal::ChatBusy { turn_id, queued }),
        (text(), text()).prop_map(|(what, why)| Refusal::InvalidInput { what, why }),
        (cursor(), seq()).prop_map(|(cursor, head)| Refusal::CursorInvalid { cursor, head }),
        tool_call_id().prop_map(|tool_call_id| Refusal::ApprovalNotPending { tool_call_id }),
    ];
    let kind = select(vec![FaultKind::StoreUnavailable, FaultKind::Protocol]);
    prop_oneof![
        refusal.prop_map(CommandError::Refused),
        (kind, text()).prop_map(|(kind, text)| CommandError::Fault(Fault::new(kind, &text))),
    ]
    .boxed()
}
