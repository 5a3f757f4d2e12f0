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

use super::{Secret, error, request::Names};

/// An answer under way.
pub(super) struct Answer {
    stream: ChatStream,
    adapter: AdapterKind,
    /// How the tools of the request are called on the other side.
    names: Names,
    /// What came with the end and was not handed on yet.
    rest: VecDeque<ModelDelta>,
    /// Whether anything came that a provider would send.
    begun: bool,
    /// Whether the provider has said that this is all.
    complete: bool,
}

impl Answer {
    pub(super) fn new(stream: ChatStream, adapter: AdapterKind, names: Names) -> Self {
        Self { stream, adapter, names, rest: VecDeque::new(), begun: false, complete: false }
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
                self.rest = last_words(end, self.adapter, &self.names);
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
fn last_words(end: StreamEnd, adapter: AdapterKind, names: &Names) -> VecDeque<ModelDelta> {
    let mut deltas = VecDeque::new();
    let content: Vec<ContentPart> = end.captured_content.into_iter().flatten().collect();
    if let Some(reasoning) = end.captured_reasoning_content
        && wants_reasoning_back(adapter)
        && content.iter().any(|part| matches!(part, ContentPart::ToolCall(_)))
    {
        deltas.extend(keep(&ContentPart::ReasoningContent(reasoning), adapter));
    }
    for part in without_echoes(content) {
        match part {
            ContentPart::ToolCall(call) => {
                deltas.extend(keep_signatures(&call, adapter));
                deltas.push_back(ModelDelta::ToolCall(tool_call(call, names)));
            }
            part @ (ContentPart::ThoughtSignature(_)
            | ContentPart::ReasoningContent(_)
            | ContentPart::Custom(_)) => deltas.extend(keep(&part, adapter)),
            // Text has come already, as chunks.
            _ => {}
        }
    }
    deltas.extend(end.captured_usage.map(|usage| ModelDelta::Usage(counts(&usage))));
    let reason = end.captured_stop_reason.map_or(FinishReason::Stop, |reason| finish(&reason));
    deltas.push_back(ModelDelta::Finish(reason));
    deltas
}

/// Whether a provider wants to see, with the results of its calls, what it thought before it asked
/// for them. Of a server of one's own behind OpenAI's protocol we know only that it does think aloud
/// in the field which those use that do; OpenAI itself has no such field.
fn wants_reasoning_back(adapter: AdapterKind) -> bool {
    matches!(
        adapter,
        AdapterKind::OpenAI
            | AdapterKind::DeepSeek
            | AdapterKind::Kimi
            | AdapterKind::Moonshot
            | AdapterKind::Mimo
            | AdapterKind::Mistral
            | AdapterKind::Zai
            | AdapterKind::BigModel
    )
}

/// The parts without calls that only fill a gap: when a server counts its calls from 1, `genai` puts
/// copies of how a call began into the places before it. They would be run, too.
fn without_echoes(mut content: Vec<ContentPart>) -> Vec<ContentPart> {
    let mut kept: Vec<ContentPart> = Vec::with_capacity(content.len());
    while let Some(part) = content.pop() {
        let next = kept.last().and_then(ContentPart::as_tool_call);
        if !part.as_tool_call().zip(next).is_some_and(|(call, next)| is_echo(call, next)) {
            kept.push(part);
        }
    }
    kept.reverse();
    kept
}

fn is_echo(call: &genai::chat::ToolCall, next: &genai::chat::ToolCall) -> bool {
    let incomplete = call.fn_arguments.is_string();
    let named = !call.call_id.is_empty();
    let same = named && call.call_id == next.call_id && call.fn_name == next.fn_name;
    same && (incomplete || call.fn_arguments == next.fn_arguments)
}

/// A part that goes back to the same provider unchanged, in `genai`'s own form.
fn keep(part: &ContentPart, adapter: AdapterKind) -> Option<ModelDelta> {
    let data = serde_json::to_value(part).ok()?;
    Some(ModelDelta::Opaque(Part::Opaque { provider: adapter.as_lower_str().into(), data }))
}

/// What Gemini has signed a call with, as a call that is nothing but its signatures. From others
/// `genai` gives the signatures of the whole answer once more here.
fn keep_signatures(call: &genai::chat::ToolCall, adapter: AdapterKind) -> Option<ModelDelta> {
    let signs_calls = matches!(adapter, AdapterKind::Gemini | AdapterKind::Vertex);
    let thought_signatures = call.thought_signatures.clone().filter(|_| signs_calls)?;
    let signed = genai::chat::ToolCall {
        call_id: call.call_id.clone(),
        fn_name: String::new(),
        fn_arguments: Value::Null,
        thought_signatures: Some(thought_signatures),
    };
    keep(&ContentPart::ToolCall(signed), adapter)
}

fn tool_call(call: genai::chat::ToolCall, names: &Names) -> ToolCall {
    let arguments = match call.fn_arguments {
        // Some servers send nothing for a tool without arguments.
        Value::String(text) if text.is_empty() => json!({}),
        Value::Null => json!({}),
        arguments => arguments,
    };
    let id = Some(call.call_id).filter(|id| !id.is_empty());
    let name = names.ours(call.fn_name);
    ToolCall { name, arguments, provider_call_id: id.map(Into::into) }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use genai::chat::MessageContent;
    use polychat_core::{
        Message, MessageId, Metadata, Seq,
        message::Role,
        ports::ModelRequest,
        seq::{Timestamp, ToolCallId},
    };

    use super::*;
    use crate::gen_ai::request;

    fn call(id: &str, signature: Option<&str>) -> ContentPart {
        ContentPart::ToolCall(genai::chat::ToolCall {
            call_id: id.to_owned(),
            fn_name: "clock".to_owned(),
            fn_arguments: json!({}),
            thought_signatures: signature.map(|signature| vec![signature.to_owned()]),
        })
    }

    fn message(at: u64, role: Role, parts: Vec<Part>) -> Arc<Message> {
        Arc::new(Message {
            id: MessageId(Seq::FIRST.plus(at)),
            turn_id: None,
            source_id: None,
            at: Timestamp::default(),
            role,
            parts,
            failure: None,
            metadata: Metadata::NONE,
        })
    }

    /// What the next request holds of an answer with this content, once its calls are answered.
    fn told_again(content: Vec<ContentPart>, adapter: AdapterKind) -> Vec<ContentPart> {
        let end = StreamEnd {
            captured_content: Some(MessageContent::from_parts(content)),
            captured_reasoning_content: Some("let me think".to_owned()),
            ..StreamEnd::default()
        };
        let (mut parts, mut tool_calls) = (vec![Part::text("I look.")], Vec::new());
        for delta in last_words(end, adapter, &Names::default()) {
            match delta {
                ModelDelta::Opaque(part) => parts.push(part),
                ModelDelta::ToolCall(call) => tool_calls.push(call),
                _ => {}
            }
        }
        let (author, reasoning, usage) = (None, "let me think".into(), Usage::default());
        let results = (0..).take(tool_calls.len());
        let asked = message(0, Role::Assistant { author, reasoning, tool_calls, usage }, parts);
        let results = results.map(|index| {
            let tool_call_id = ToolCallId { message: asked.id, index };
            message(1 + u64::from(index), Role::Tool { tool_call_id }, vec![Part::text("noon")])
        });
        let messages = std::iter::once(Arc::clone(&asked)).chain(results).collect();
        let chat = request::chat(&ModelRequest::new(messages), adapter, &Names::default());
        chat.messages.into_iter().next().unwrap().content.into_iter().collect()
    }

    fn shown(parts: Vec<ContentPart>) -> Vec<String> {
        let shown = |part| match part {
            ContentPart::Text(text) => format!("text {text}"),
            ContentPart::ThoughtSignature(signature) => format!("signature {signature}"),
            ContentPart::ReasoningContent(text) => format!("reasoning {text}"),
            ContentPart::Custom(custom) => format!("custom {}", custom.data),
            ContentPart::ToolCall(call) => {
                format!("call {} {:?}", call.call_id, call.thought_signatures.unwrap_or_default())
            }
            other => format!("{other:?}"),
        };
        parts.into_iter().map(shown).collect()
    }

    #[test]
    fn what_anthropic_signed_goes_back_in_the_order_in_which_it_came() {
        let redacted = json!({"type": "redacted_thinking", "data": "xyz"});
        let content = vec![
            ContentPart::ThoughtSignature("s1".to_owned()),
            ContentPart::ReasoningContent("first".to_owned()),
            ContentPart::from_custom(redacted.clone(), None),
            ContentPart::ThoughtSignature("s2".to_owned()),
            ContentPart::ReasoningContent("second".to_owned()),
            // `genai` mirrors the signatures here; twice would be once too often.
            call("toolu_1", Some("s1")),
        ];
        let expected = [
            "signature s1".to_owned(),
            "reasoning first".to_owned(),
            format!("custom {redacted}"),
            "signature s2".to_owned(),
            "reasoning second".to_owned(),
            "text I look.".to_owned(),
            "call toolu_1 []".to_owned(),
        ];
        assert_eq!(shown(told_again(content, AdapterKind::Anthropic)), expected);
    }

    #[test]
    fn what_gemini_signed_goes_back_with_the_call_that_it_signed() {
        let content = vec![
            ContentPart::ThoughtSignature("s1".to_owned()),
            ContentPart::ThoughtSignature("s2".to_owned()),
            call("call#clock#0", Some("s1")),
            call("call#clock#1", None),
            call("own", Some("s2")),
        ];
        let expected = [
            "signature s1",
            "signature s2",
            "text I look.",
            "call call#clock#0 [\"s1\"]",
            "call call#clock#1 []",
            "call own [\"s2\"]",
        ];
        assert_eq!(shown(told_again(content, AdapterKind::Gemini)), expected);
    }

    #[test]
    fn what_was_thought_aloud_goes_back_only_to_those_who_want_it() {
        let table = [
            (AdapterKind::OpenAI, true),
            (AdapterKind::DeepSeek, true),
            (AdapterKind::Groq, false),
            (AdapterKind::Gemini, false),
            // Without its signature, Anthropic refuses it.
            (AdapterKind::Anthropic, false),
        ];
        for (adapter, wanted) in table {
            let told = shown(told_again(vec![call("call_1", None)], adapter));
            let reasoning = told.contains(&"reasoning let me think".to_owned());
            assert_eq!(reasoning, wanted, "{adapter:?}: {told:?}");
        }
    }
}
