//! What is asked, as a request of HTTP: verb, path, query and body.
//!
//! A command's parameters stand in the path as far as that names them; the rest is the query of what
//! only reads, and the body of everything else. So a command that is added has one line here.

use std::collections::BTreeMap;

use hyper::{Method, header::HeaderValue};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::url::spelled;
use crate::{
    error::{RejectedCommand, claim, why},
    wire::{WireScope, WireStart, WireSubscribe},
};

/// The method of a command, its verb, and its path below the world. A step in braces is the
/// parameter of this name.
type Route = (&'static str, Method, &'static [&'static str]);

const ROUTES: [Route; 24] = [
    ("chat/create", Method::POST, &["chats"]),
    ("chat/fork", Method::POST, &["chats", "{from}", "fork"]),
    ("chat/import", Method::POST, &["chats", "import"]),
    ("chat/list", Method::GET, &["chats"]),
    ("chat/snapshot", Method::GET, &["chats", "{chatId}"]),
    ("chat/update", Method::PATCH, &["chats", "{chatId}"]),
    ("chat/close", Method::POST, &["chats", "{chatId}", "close"]),
    ("chat/reopen", Method::POST, &["chats", "{chatId}", "reopen"]),
    ("chat/delete", Method::DELETE, &["chats", "{chatId}"]),
    ("prompt/send", Method::POST, &["chats", "{chatId}", "prompts"]),
    ("prompt/edit", Method::PATCH, &["chats", "{chatId}", "prompts", "{promptId}"]),
    ("prompt/withdraw", Method::DELETE, &["chats", "{chatId}", "prompts", "{promptId}"]),
    ("prompt/list", Method::GET, &["chats", "{chatId}", "prompts"]),
    ("prompt/outcome", Method::GET, &["chats", "{chatId}", "prompts", "{promptId}"]),
    ("turn/cancel", Method::POST, &["chats", "{chatId}", "cancel"]),
    ("history/revise", Method::POST, &["chats", "{chatId}", "revise"]),
    ("approval/decide", Method::POST, &["chats", "{chatId}", "approvals", "{toolCallId}"]),
    ("messages/list", Method::GET, &["chats", "{chatId}", "messages"]),
    ("log/read", Method::GET, &["chats", "{chatId}", "log"]),
    ("search", Method::GET, &["search"]),
    ("world/get", Method::GET, &[]),
    ("world/update", Method::PATCH, &["settings"]),
    ("agent/put", Method::PUT, &["agents", "{agent}"]),
    ("agent/remove", Method::DELETE, &["agents", "{agent}"]),
];

/// A request of HTTP.
#[derive(Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// Path and query below the world.
    pub(super) target: String,
    /// JSON.
    pub(super) body: Option<Vec<u8>>,
    /// Where a stream goes on.
    pub(super) last_event_id: Option<HeaderValue>,
}

type Params = BTreeMap<String, Box<RawValue>>;

impl Asked {
    /// The request of a command in the bytes of [`crate::wire`].
    pub(super) fn of_command(command: &[u8]) -> Result<Self, RejectedCommand> {
        #[derive(Deserialize)]
        struct Command {
            method: String,
            #[serde(default)]
            params: Params,
        }
        let Command { method: name, mut params } = parse(command)?;
        let route = ROUTES.iter().find(|(known, ..)| *known == name);
        let Some((_, method, steps)) = route.cloned() else {
            return Err(RejectedCommand::UnknownMethod { method: claim(&name) });
        };
        let mut target = String::new();
        for step in steps {
            target.push('/');
            match step.strip_prefix('{').and_then(|step| step.strip_suffix('}')) {
                Some(name) => target.push_str(&spelled(&named(name, &mut params)?).to_string()),
                None => target.push_str(step),
            }
        }
        let body = match method {
            Method::GET => {
                push_query(&mut target, &params)?;
                None
            }
            _ if params.is_empty() => None,
            _ => Some(serde_json::to_vec(&params).map_err(|error| malformed(&error))?),
        };
        Ok(Self { method, target, body, last_event_id: None })
    }

    /// The request of a subscription in the bytes of [`crate::wire`].
    pub(super) fn of_subscription(subscription: &[u8]) -> Result<Self, RejectedCommand> {
        let wire: WireSubscribe = parse(subscription)?;
        let mut target = match (wire.scope, wire.chat_id) {
            (WireScope::Chat, Some(chat)) => {
                format!("/chats/{}/events", spelled(in_a_path("chatId", &chat)?))
            }
            _ => String::from("/events"),
        };
        let last_event_id = match wire.start {
            WireStart::Start => {
                target.push_str("?start=start");
                None
            }
            WireStart::Now => {
                target.push_str("?start=now");
                None
            }
            WireStart::After => {
                let cursor = wire.cursor.unwrap_or_default();
                let value = HeaderValue::try_from(cursor);
                Some(value.map_err(|error| RejectedCommand::field("cursor", error))?)
            }
        };
        Ok(Self { method: Method::GET, target, body: None, last_event_id })
    }
}

/// What the path names: a parameter that goes, or the name within one that stays.
fn named(name: &'static str, params: &mut Params) -> Result<String, RejectedCommand> {
    let missing = || RejectedCommand::field(name, "missing");
    let param: Value = parse(params.get(name).ok_or_else(missing)?.get().as_bytes())?;
    let text = match param {
        Value::String(text) => {
            params.remove(name);
            text
        }
        whole => whole.get("name").and_then(Value::as_str).ok_or_else(missing)?.to_owned(),
    };
    in_a_path(name, &text)?;
    Ok(text)
}

/// What cannot stand in a path: servers refuse a slash, also an encoded one, because what is between
/// might take it for one that parts steps.
fn in_a_path<'a>(name: &'static str, text: &'a str) -> Result<&'a str, RejectedCommand> {
    if text.contains('/') {
        return Err(RejectedCommand::field(name, "a slash cannot stand in a path"));
    }
    Ok(text)
}

fn push_query(target: &mut String, params: &Params) -> Result<(), RejectedCommand> {
    let mut between = '?';
    for (name, value) in params {
        let text = match parse::<Value>(value.get().as_bytes())? {
            Value::Null => continue,
            Value::String(text) => text,
            other => other.to_string(),
        };
        target.push(between);
        target.push_str(&format!("{}={}", spelled(name), spelled(&text)));
        between = '&';
    }
    Ok(())
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, RejectedCommand> {
    serde_json::from_slice(json).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> RejectedCommand {
    RejectedCommand::Malformed { why: why(error) }
}

#[cfg(test)]
mod tests {
    use polychat_core::{
        ChatId, Command, PromptId, Scope, Seq, StartAt,
        command::{ChatFilter, Page},
    };

    use super::*;
    use crate::wire::{WireCommand, encode_command, encode_subscribe};

    fn asked(command: Command) -> Asked {
        Asked::of_command(&encode_command(command).unwrap()).unwrap()
    }

    fn chat(id: &str) -> ChatId {
        ChatId::new(id).unwrap()
    }

    #[test]
    fn every_method_has_its_route() {
        let mut known: Vec<_> = ROUTES.iter().map(|(name, ..)| *name).collect();
        known.sort_unstable();
        let mut methods = WireCommand::METHODS;
        methods.sort_unstable();
        assert_eq!(known, methods);
    }

    #[test]
    fn what_the_path_does_not_name_is_the_query_or_the_body() {
        let read = asked(Command::ReadLog { chat: chat("ü ?&"), after: Seq::ZERO, limit: 7 });
        assert_eq!(read.target, "/chats/%C3%BC%20%3F%26/log?after=0&limit=7");
        assert_eq!((read.method, read.body), (Method::GET, None));
        let page = Page::after("a&b=c", 2);
        let list = asked(Command::ListChats { page, filter: ChatFilter::new().with_archived() });
        assert_eq!(list.target, "/chats?after=a%26b%3Dc&archived=true&limit=2");
        let prompt = PromptId::new("p").unwrap();
        let withdraw = asked(Command::WithdrawPrompt { chat: chat("a"), prompt });
        assert_eq!((withdraw.target.as_str(), withdraw.body), ("/chats/a/prompts/p", None));
        let world = asked(Command::GetWorld);
        assert_eq!((world.target.as_str(), world.method), ("", Method::GET));
    }

    #[test]
    fn a_name_with_a_slash_is_refused_before_anything_is_sent() {
        let close = encode_command(Command::CloseChat { chat: chat("a/b") }).unwrap();
        let refused = Err(RejectedCommand::field("chatId", "a slash cannot stand in a path"));
        assert_eq!(Asked::of_command(&close), refused);
        let watch = encode_subscribe(Scope::Chat(chat("a/b")), StartAt::Now).unwrap();
        assert_eq!(Asked::of_subscription(&watch), refused);
    }
}
