//! Histories as a chat would give them to a model, and answers taken whole.

use std::{future::poll_fn, sync::Arc, task::Poll};

use futures_util::StreamExt;
use polychat_core::{
    AgentName, Failure, Message, Metadata, Part, Seq,
    message::{Role, Usage},
    ports::{Model, ModelDelta, ModelError, ModelRequest, ModelStream},
    seq::{MessageId, Timestamp, ToolCallId},
    tool::ToolCall,
};

/// A history under construction; each message gets the next id.
#[derive(Debug, Clone, Default)]
pub(crate) struct History(Vec<Message>);

impl History {
    pub(crate) fn user(self, text: &str) -> Self {
        self.push(Role::User { prompt_id: None }, &[Part::text(text)])
    }

    pub(crate) fn assistant(self, text: &str) -> Self {
        self.calls(text, &[])
    }

    pub(crate) fn calls(self, text: &str, calls: &[ToolCall]) -> Self {
        self.parts(&[Part::text(text)], calls)
    }

    pub(crate) fn parts(self, parts: &[Part], calls: &[ToolCall]) -> Self {
        let role = Role::Assistant {
            author: None,
            reasoning: "never sent back".into(),
            tool_calls: calls.to_vec(),
            usage: Usage::default(),
        };
        self.push(role, parts)
    }

    /// The message that an answer becomes in its chat's history.
    pub(crate) fn answered(self, taken: &Taken) -> Self {
        assert!(taken.error.is_none(), "{taken:?}");
        let text = taken.text();
        let said = (!text.is_empty()).then(|| Part::text(text));
        let kept = taken.deltas.iter().filter_map(|delta| match delta {
            ModelDelta::Opaque(part) => Some(part.clone()),
            _ => None,
        });
        self.parts(&said.into_iter().chain(kept).collect::<Vec<_>>(), &taken.calls())
    }

    /// Names the author of the last message, an agent's.
    pub(crate) fn by(mut self, name: &str) -> Self {
        let Role::Assistant { author, .. } = &mut self.0.last_mut().unwrap().role else {
            panic!("no agent wrote it");
        };
        *author = Some(AgentName::new(name).unwrap());
        self
    }

    /// The result of the call of this index of the last assistant message.
    pub(crate) fn tool(self, index: u16, text: &str) -> Self {
        self.tool_parts(index, &[Part::text(text)])
    }

    pub(crate) fn tool_parts(self, index: u16, parts: &[Part]) -> Self {
        let last = self.0.iter().rev().find(|message| message.is_assistant());
        let tool_call_id = ToolCallId { message: last.unwrap().id, index };
        self.push(Role::Tool { tool_call_id }, parts)
    }

    /// Marks the last message as broken off.
    pub(crate) fn failed(mut self, failure: Failure) -> Self {
        self.0.last_mut().unwrap().failure = Some(failure);
        self
    }

    pub(crate) fn metadata(mut self, metadata: Metadata) -> Self {
        self.0.last_mut().unwrap().metadata = metadata;
        self
    }

    pub(crate) fn push(mut self, role: Role, parts: &[Part]) -> Self {
        let id = MessageId(Seq::FIRST.plus(self.0.len() as u64));
        self.0.push(Message {
            id,
            turn_id: None,
            source_id: None,
            at: Timestamp::default(),
            role,
            parts: parts.to_vec(),
            failure: None,
            metadata: Metadata::NONE,
        });
        self
    }

    pub(crate) fn request(&self) -> ModelRequest {
        ModelRequest::new(self.0.iter().cloned().map(Arc::new).collect())
    }
}

/// An answer taken whole.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) deltas: Vec<ModelDelta>,
    pub(crate) error: Option<ModelError>,
}

impl Taken {
    pub(crate) fn text(&self) -> String {
        let text = |delta: &ModelDelta| match delta {
            ModelDelta::Text(text) => Some(text.clone()),
            _ => None,
        };
        self.deltas.iter().filter_map(text).collect()
    }

    pub(crate) fn calls(&self) -> Vec<ToolCall> {
        let call = |delta: &ModelDelta| match delta {
            ModelDelta::ToolCall(call) => Some(call.clone()),
            _ => None,
        };
        self.deltas.iter().filter_map(call).collect()
    }

    pub(crate) fn reasoning(&self) -> String {
        let reasoning = |delta: &ModelDelta| match delta {
            ModelDelta::Reasoning(text) => Some(text.clone()),
            _ => None,
        };
        self.deltas.iter().filter_map(reasoning).collect()
    }
}

/// Takes an answer to its end, and checks that nothing follows an error.
pub(crate) async fn take(model: &(impl Model + ?Sized), request: ModelRequest) -> Taken {
    let mut stream = model.stream(request);
    let mut taken = Taken { deltas: Vec::new(), error: None };
    while let Some(item) = stream.next().await {
        assert!(taken.error.is_none(), "{item:?} came after {:?}", taken.error);
        match item {
            Ok(delta) => taken.deltas.push(delta),
            Err(error) => taken.error = Some(error),
        }
    }
    taken
}

/// Asks an answer once, and does not wait.
pub(crate) async fn poll_once(
    stream: &mut ModelStream,
) -> Poll<Option<Result<ModelDelta, ModelError>>> {
    poll_fn(|cx| Poll::Ready(stream.as_mut().poll_next(cx))).await
}
