//! Theirs to ours: the events of an answer as deltas.

use std::collections::VecDeque;

use futures_util::StreamExt;
use genai::{
    adapter::AdapterKind,
    chat::{ChatStream, ChatStreamEvent, ContentPart, StopReason, StreamEnd},
};
use polychat_core::{
    Part,
    event::FinishReason,
    message::Usage,
    ports::{ModelDelta, ModelError},
    tool::ToolCall,
};
use serde_json::{Value, json};

use super::{Secret, error};

/// An answer under way.
pub(super) struct Answer {
    stream: ChatStream,
    adapter: AdapterKind,
    /// What came with the end and was not handed on yet.
    rest: VecDeque<ModelDelta>,
    /// Whether anything came that a provider would send.
    begun: bool,
    /// Whether the provider has said that this is all.
    complete: bool,
}

impl Answer {
    pub(super) fn new(stream: ChatStream, adapter: AdapterKind) -> Self {
        Self { stream, adapter, rest: VecDeque::new(), begun: false, complete: false }
    }

    /// The next delta; `None` after a complete answer, an error otherwise.
    ///
    /// After an error it must not be asked again.
    pub(super) async fn next(
        &mut self,
        key: Option<&Secret>,
    ) -> Option<Result<ModelDelta, ModelError>> {
        loop {
            if let Some(delta) = self.rest.pop_front() {
                return Some(Ok(delta));
            }
            if self.complete {
                return None;
            }
            match self.stream.next().await {
                Some(Ok(event)) => {
                    if let Some(delta) = self.take(event) {
                        return Some(Ok(delta));
                    }
                }
                Some(Err(error)) => return Some(Err(error::of_genai(error, key))),
                // The body has ended, and the answer has not.
                None if self.begun => return Some(Err(error::broke_off())),
                None => return Some(Err(error::no_answer())),
            }
        }
    }

    fn take(&mut self, event: ChatStreamEvent) -> Option<ModelDelta> {
        if !matches!(event, ChatStreamEvent::Start) {
            self.begun = true;
        }
        match event {
            ChatStreamEvent::Chunk(chunk) => Some(ModelDelta::Text(chunk.content)),
            ChatStreamEvent::ReasoningChunk(chunk) => Some(ModelDelta::Reasoning(chunk.content)),
            ChatStreamEvent::End(end) => {
                self.complete = true;
                self.rest = last_words(end, self.adapter);
                None
            }
            // Signatures and calls come once more, complete, with the end.
            ChatStreamEvent::ThoughtSignatureChunk(_)
            | ChatStreamEvent::ToolCallChunk(_)
            | ChatStreamEvent::Start
            | ChatStreamEvent::Heartbeat => None,
        }
    }
}

/// What only the end of an answer tells: parts to keep, calls, usage and the reason.
fn last_words(end: StreamEnd, adapter: AdapterKind) -> VecDeque<ModelDelta> {
    let mut deltas = VecDeque::new();
    for part in end.captured_content.into_iter().flatten() {
        deltas.extend(match part {
            ContentPart::ToolCall(call) => Some(ModelDelta::ToolCall(tool_call(call))),
            part @ (ContentPart::ThoughtSignature(_)
            | ContentPart::ReasoningContent(_)
            | ContentPart::Custom(_)) => keep(&part, adapter),
            // Text has come already, as chunks.
            _ => None,
        });
    }
    deltas.extend(end.captured_usage.map(|usage| ModelDelta::Usage(counts(&usage))));
    let reason = end.captured_stop_reason.map_or(FinishReason::Stop, |reason| finish(&reason));
    deltas.push_back(ModelDelta::Finish(reason));
    deltas
}

/// A part that goes back to the same provider unchanged, in `genai`'s own form.
fn keep(part: &ContentPart, adapter: AdapterKind) -> Option<ModelDelta> {
    let data = serde_json::to_value(part).ok()?;
    Some(ModelDelta::Opaque(Part::Opaque { provider: adapter.as_lower_str().into(), data }))
}

fn tool_call(call: genai::chat::ToolCall) -> ToolCall {
    let arguments = match call.fn_arguments {
        // Some servers send nothing for a tool without arguments.
        Value::String(text) if text.is_empty() => json!({}),
        Value::Null => json!({}),
        arguments => arguments,
    };
    ToolCall { name: call.fn_name.into(), arguments, provider_call_id: Some(call.call_id.into()) }
}

fn counts(usage: &genai::chat::Usage) -> Usage {
    let count = |tokens: Option<i32>| tokens.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    Usage::new(count(usage.prompt_tokens), count(usage.completion_tokens))
}

fn finish(reason: &StopReason) -> FinishReason {
    match reason {
        StopReason::ToolCall(_) => FinishReason::ToolCalls,
        StopReason::MaxTokens(_) => FinishReason::Length,
        StopReason::ContentFilter(_) => FinishReason::Filtered,
        StopReason::Completed(_) | StopReason::StopSequence(_) | StopReason::Other(_) => {
            FinishReason::Stop
        }
    }
}
