//! The calls of a history together with their results.

use std::collections::{BTreeMap, BTreeSet};

use genai::{
    adapter::AdapterKind,
    chat::{ChatMessage, ContentPart, ToolResponse},
};
use polychat_core::{
    Message,
    content::Text,
    message::Role,
    ports::ModelRequest,
    seq::{MessageId, ToolCallId},
    tool::ToolCall,
};
use serde_json::{Value, json};

use super::{
    Names,
    parts::{result, signatures},
};

/// The calls of a history that have a result.
pub(super) struct Calls<'a>(BTreeMap<ToolCallId, Answered<'a>>);

struct Answered<'a> {
    call: &'a ToolCall,
    /// What the call is named on the other side, unlike every other one of the request.
    provider_id: Text,
    /// What the tool is called there.
    name: String,
    result: &'a Message,
}

impl<'a> Calls<'a> {
    pub(super) fn of(request: &'a ModelRequest, adapter: AdapterKind, names: &Names) -> Self {
        let mut results = BTreeMap::new();
        for message in &request.messages {
            if let Role::Tool { tool_call_id } = &message.role {
                results.insert(*tool_call_id, &**message);
            }
        }
        let mut taken = BTreeSet::new();
        let mut answered = BTreeMap::new();
        for message in &request.messages {
            let Role::Assistant { tool_calls, .. } = &message.role else { continue };
            for (id, call) in ids(message.id).zip(tool_calls) {
                let Some(result) = results.remove(&id) else { continue };
                let name = names.sent(&call.name);
                let own = call.provider_call_id.as_ref().filter(|own| fits(own, adapter));
                let provider_id = own
                    .filter(|own| !taken.contains(*own))
                    .map_or_else(|| made(id, &name, adapter), Text::clone);
                taken.insert(Text::clone(&provider_id));
                answered.insert(id, Answered { call, provider_id, name, result });
            }
        }
        Self(answered)
    }

    /// What a message asks for.
    pub(super) fn asked_by(&self, message: &Message, adapter: AdapterKind) -> Vec<ContentPart> {
        let asked = self.of_message(message.id).map(|answered| {
            let own = answered.call.provider_call_id.as_deref();
            ContentPart::ToolCall(genai::chat::ToolCall {
                call_id: answered.provider_id.to_string(),
                fn_name: answered.name.clone(),
                fn_arguments: arguments(&answered.call.arguments),
                thought_signatures: own.and_then(|own| signatures(message, own, adapter)),
            })
        });
        asked.collect()
    }

    /// What the calls of a message brought, all in one.
    pub(super) fn results_for(&self, message: &Message) -> Option<ChatMessage> {
        let results: Vec<_> = self
            .of_message(message.id)
            .map(|answered| {
                ToolResponse::new(&*answered.provider_id, result(answered.result))
                    .with_fn_name(&answered.name)
            })
            .collect();
        (!results.is_empty()).then(|| ChatMessage::from(results))
    }

    fn of_message(&self, message: MessageId) -> impl Iterator<Item = &Answered<'a>> {
        let id = |index| ToolCallId { message, index };
        self.0.range(id(0)..=id(u16::MAX)).map(|(_, answered)| answered)
    }
}

/// The ids of a message's calls; it has fewer than an index can count, the rules see to that.
fn ids(message: MessageId) -> impl Iterator<Item = ToolCallId> {
    (0..=u16::MAX).map(move |index| ToolCallId { message, index })
}

/// Whether a provider takes this id, which another one may have given.
fn fits(id: &str, adapter: AdapterKind) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match adapter {
        AdapterKind::Anthropic | AdapterKind::BedrockApi => {
            !id.is_empty() && id.len() <= 64 && id.chars().all(plain)
        }
        _ => !id.is_empty(),
    }
}

/// An id for a call that has none of its own, or one that was given before.
fn made(id: ToolCallId, name: &str, adapter: AdapterKind) -> Text {
    match adapter {
        // There, ids are optional, and this is how `genai` knows that one is not the provider's.
        AdapterKind::Gemini | AdapterKind::Vertex => format!("call#{name}#{}", id.index).into(),
        _ => format!("call_{}_{}", id.message, id.index).into(),
    }
}

/// The arguments of a call. Some providers refuse a request with any that are no object, even when
/// a tool had refused them before; so what a model gave instead goes back inside of one.
fn arguments(arguments: &Value) -> Value {
    match arguments {
        Value::Object(_) => arguments.clone(),
        other => json!({ "invalid_arguments": other }),
    }
}
