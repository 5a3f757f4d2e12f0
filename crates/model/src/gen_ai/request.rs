//! Ours to theirs: a history as `genai` sends it.
//!
//! Providers refuse histories with loose ends, so a call goes out only together with its result,
//! a result only together with its call, and an answer that broke off before it said anything not
//! at all. Metadata, failures of answers, reasoning and the host context stay here.

use std::collections::BTreeMap;

use genai::{
    adapter::AdapterKind,
    chat::{
        Binary, BinarySource, ChatMessage, ChatOptions, ChatRequest, ContentPart, MessageContent,
        ReasoningEffort, Tool, ToolResponse,
    },
};
use polychat_core::{
    Message, Part,
    content::BlobSource,
    message::Role,
    ports::{ModelError, ModelRequest},
    seq::ToolCallId,
    tool::{ToolCall, ToolSpec},
};
use serde_json::json;

use super::error::refused;

/// The messages and tools of a request.
pub(super) fn chat(request: &ModelRequest, adapter: AdapterKind) -> ChatRequest {
    let calls = Calls::of(request);
    let messages = request.messages.iter().filter_map(|message| calls.message(message, adapter));
    let mut chat = ChatRequest::from_messages(messages.collect());
    if !request.system.is_empty() {
        chat = chat.with_system(&*request.system);
    }
    if !request.tools.is_empty() {
        chat = chat.with_tools(request.tools.iter().map(|spec| tool(spec)));
    }
    chat
}

/// The parameters of a request.
///
/// # Errors
///
/// `Refused` for a reasoning effort that is no word of `genai`.
pub(super) fn options(
    request: &ModelRequest,
    adapter: AdapterKind,
    name: &str,
    custom_server: bool,
) -> Result<ChatOptions, ModelError> {
    let params = &request.params;
    let mut options = ChatOptions::default()
        .with_capture_usage(true)
        .with_capture_tool_calls(true)
        .with_capture_reasoning_content(true);
    options.temperature = params.temperature;
    options.max_tokens = params.output_tokens_max;
    if let Some(effort) = params.reasoning_effort.as_deref() {
        let effort = effort.parse::<ReasoningEffort>();
        options.reasoning_effort =
            Some(effort.map_err(|_| refused("the reasoning effort is not known"))?);
    }
    if custom_server && adapter == AdapterKind::OpenAI {
        // `genai` takes `-high` and the like off the end of a name and a `word::` off its front;
        // on a server of one's own they belong to the name. A budget says nothing on this wire,
        // but it keeps `genai` from looking for the effort in the name.
        options.reasoning_effort.get_or_insert(ReasoningEffort::Budget(0));
        options.extra_body = Some(json!({ "model": name }));
    }
    Ok(options)
}

fn tool(spec: &ToolSpec) -> Tool {
    Tool::new(&*spec.name).with_description(&*spec.description).with_schema(spec.schema.clone())
}

/// The calls of a history that have a result, and what the provider called them.
struct Calls(BTreeMap<ToolCallId, Answered>);

struct Answered {
    provider_id: String,
    name: String,
}

impl Calls {
    fn of(request: &ModelRequest) -> Self {
        let mut asked = BTreeMap::new();
        let mut answered = BTreeMap::new();
        for message in &request.messages {
            match &message.role {
                Role::Assistant { tool_calls, .. } => {
                    asked.extend(ids(message, tool_calls).map(|(id, call)| (id, named(id, call))));
                }
                Role::Tool { tool_call_id } => {
                    answered.extend(asked.remove(tool_call_id).map(|call| (*tool_call_id, call)));
                }
                _ => {}
            }
        }
        Self(answered)
    }

    /// A message as it goes out; `None` when nothing of it does.
    fn message(&self, message: &Message, adapter: AdapterKind) -> Option<ChatMessage> {
        match &message.role {
            Role::User { .. } => {
                let parts: Vec<_> = message.parts.iter().filter_map(said).collect();
                Some(ChatMessage::user(MessageContent::from_parts(parts)))
            }
            Role::Assistant { tool_calls, .. } => {
                // What a provider wants back comes first, as it came.
                let kept = message.parts.iter().filter_map(|part| kept(part, adapter));
                let said = message.parts.iter().filter_map(said);
                let calls = ids(message, tool_calls).filter_map(|(id, call)| self.call(id, call));
                let mut parts: Vec<_> = said.chain(calls).collect();
                if parts.is_empty() {
                    return None;
                }
                parts.splice(0..0, kept);
                Some(ChatMessage::assistant(MessageContent::from_parts(parts)))
            }
            Role::Tool { tool_call_id } => {
                let call = self.0.get(tool_call_id)?;
                let response = ToolResponse::new(&call.provider_id, result(message));
                Some(ChatMessage::from(response.with_fn_name(&call.name)))
            }
            _ => None,
        }
    }

    fn call(&self, id: ToolCallId, call: &ToolCall) -> Option<ContentPart> {
        let answered = self.0.get(&id)?;
        Some(ContentPart::ToolCall(genai::chat::ToolCall {
            call_id: answered.provider_id.clone(),
            fn_name: call.name.to_string(),
            fn_arguments: call.arguments.clone(),
            thought_signatures: None,
        }))
    }
}

/// The calls of a message with their ids.
fn ids<'a>(
    message: &Message,
    calls: &'a [ToolCall],
) -> impl Iterator<Item = (ToolCallId, &'a ToolCall)> + use<'a> {
    let message = message.id;
    // A message has fewer calls than an index can count; the rules see to that.
    (0..=u16::MAX).zip(calls).map(move |(index, call)| (ToolCallId { message, index }, call))
}

fn named(id: ToolCallId, call: &ToolCall) -> Answered {
    let own = call.provider_call_id.as_deref().map(str::to_owned);
    // Some providers allow only letters, digits, `_` and `-`.
    let made = || format!("call_{}_{}", id.message, id.index);
    Answered { provider_id: own.unwrap_or_else(made), name: call.name.to_string() }
}

/// A part that people can see.
fn said(part: &Part) -> Option<ContentPart> {
    match part {
        Part::Text { text } if text.is_empty() => None,
        Part::Text { text } => Some(ContentPart::from_text(&**text)),
        Part::Blob { media_type, source } => {
            let source = match source {
                BlobSource::Uri { uri } => BinarySource::Url(uri.to_string()),
                BlobSource::Base64 { data } => BinarySource::Base64(data.clone()),
                _ => return None,
            };
            Some(ContentPart::Binary(Binary::new(&**media_type, source, None)))
        }
        _ => None,
    }
}

/// A part that this provider wants back; another provider's is not for its eyes.
fn kept(part: &Part, adapter: AdapterKind) -> Option<ContentPart> {
    match part {
        Part::Opaque { provider, data } if **provider == *adapter.as_lower_str() => {
            serde_json::from_value(data.clone()).ok()
        }
        _ => None,
    }
}

/// What a tool answered, or why it did not.
fn result(message: &Message) -> String {
    let text = message.text();
    match &message.failure {
        None => text,
        Some(failure) if text.is_empty() => format!("error: {}", failure.message),
        Some(failure) => format!("{text}\nerror: {}", failure.message),
    }
}
