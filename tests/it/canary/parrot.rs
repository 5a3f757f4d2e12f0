//! The model of all chats: it says the secret that it is told, and asks for tools with it.

use futures_util::StreamExt;
use polychat::ports::{
    HostContext, Model, ModelDelta, ModelError, ModelErrorKind, ModelRequest, ModelStream,
};
use polychat_testkit::tools::asks;
use serde_json::{Value, json};

use super::{
    Leaks,
    crowd::Crowd,
    secrets::{Kind, Leak, Place, Secret},
    text_of,
    tools::Resolved,
};

/// Answers with the secret that it is told, and counts how many answers are being given.
#[derive(Clone)]
pub(super) struct Parrot {
    wants: Wants,
    crowd: Crowd,
    leaks: Leaks,
}

/// The calls that the model asks for in the turn of this number, as the model of this chat.
pub(super) type Wants = fn(usize, usize) -> Vec<ModelDelta>;

impl Parrot {
    pub(super) fn new(wants: Wants, crowd: Crowd, leaks: Leaks) -> Self {
        Self { wants, crowd, leaks }
    }
}

/// The chat that a host context says it is of, and what in it is not that chat's.
pub(super) fn owner(context: &HostContext, leaks: &mut Vec<Leak>) -> usize {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let of_chat = text(context.chat.get("secret"));
    let owner = Secret::find(&of_chat).expect("a chat's context holds its secret").chat;
    let of_prompt = text(context.prompt.get("secret"));
    let resolved = context.resolved_as::<Resolved>().expect("something was resolved");
    let parts = [
        ("chat's context", of_chat, Kind::Chat),
        ("prompt's context", of_prompt, Kind::Prompt),
        ("resolved", resolved.0.clone(), Kind::Resolved),
    ];
    for (place, found, kind) in parts {
        let found = Secret::find(&found).expect("each part holds a secret");
        if found != (Secret { chat: owner, kind }) {
            leaks.push(Leak { of: found, place });
        }
    }
    owner
}

impl Model for Parrot {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let mut leaks = self.leaks.lock().unwrap();
        let owner = owner(&request.context, &mut leaks);
        let given = text_of(&(&request.messages, &request.system, &request.tools));
        Place::READ.search(&given, owner, &mut leaks);
        drop(leaks);
        let heard = request.messages.iter().filter(|message| message.is_user()).count();
        let asked = request.messages.last().is_some_and(|message| message.is_user());
        let calls =
            if asked && heard.is_multiple_of(2) { (self.wants)(owner, heard) } else { Vec::new() };
        let (parrot, place) = (self.clone(), self.crowd.enter());
        let first = async move {
            parrot.crowd.gathered().await;
            tokio::task::yield_now().await;
            // Held until the answer ends: from here on the stream owns it.
            let thought = format!("{} said something", Secret::of(owner, Kind::Said));
            (place, Ok(ModelDelta::Reasoning(thought)))
        };
        let rest = futures_util::stream::once(first).flat_map(move |(place, thought)| {
            let held = move |_: &Result<ModelDelta, ModelError>| {
                let _ = &place;
            };
            let calls = calls.clone().into_iter().map(Ok);
            let pieces = (0..3).map(move |n| said(n, heard, owner));
            let answer: Vec<_> = if calls.len() == 0 {
                // What panics does so when it is drawn, not before.
                return futures_util::stream::iter(
                    std::iter::once(thought).chain(pieces).inspect(held),
                )
                .boxed();
            } else {
                std::iter::once(thought).chain(calls).collect()
            };
            futures_util::stream::iter(answer.into_iter().inspect(held)).boxed()
        });
        Box::pin(rest)
    }
}

/// A piece of the answer; the fifth turn of some chats ends badly, and says why.
fn said(n: usize, heard: usize, owner: usize) -> Result<ModelDelta, ModelError> {
    let secret = Secret::of(owner, Kind::Said);
    match (n, heard, owner % 50) {
        (1, 5, 0) => {
            Err(ModelError::new(ModelErrorKind::Refused, format!("planned: no {secret} here")))
        }
        (1, 5, 1) => panic!("planned: {secret} was too much"),
        (0, ..) => Ok(ModelDelta::Text(format!("after {heard} I know "))),
        (1, ..) => Ok(ModelDelta::Text(secret)),
        _ => Ok(ModelDelta::Text(", and nothing else".to_owned())),
    }
}

/// Every chat uses the same tools, and its own secret.
pub(super) fn calls(owner: usize, heard: usize) -> Vec<ModelDelta> {
    let call = |tool: &str, how: &str| {
        let said = Secret::of(owner, Kind::Said);
        ModelDelta::ToolCall(asks(tool, json!({ "text": said, "how": how })))
    };
    match (heard / 2 + owner) % 4 {
        0 => vec![call("echo", "well"), call("ask", "")],
        1 => vec![call("echo", "well"), call("shred", "well"), call("echo", "badly")],
        2 => vec![call("echo", "with a panic"), call("echo", "well")],
        _ => vec![call("echo", "well"), call("no_such_tool", "")],
    }
}
