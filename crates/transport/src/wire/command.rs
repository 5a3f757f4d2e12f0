//! Commands on the wire: `{ "method": …, "params": { … } }`, the method being `Command::name`.

use polychat_core::Command;
use serde::{Deserialize, Serialize};

use super::{
    WireLimits,
    params::{
        AgentParams, CancelParams, ChatParams, ChatsParams, DecideParams, EditParams, ForkParams,
        ImportParams, LogParams, MessagesParams, NewChatParams, NoParams, PromptParams,
        PutAgentParams, ReviseParams, SearchParams, SendParams, SettingsParams, UpdateParams,
    },
    values,
};
use crate::error::{RejectedCommand, claim, why};

mod from_domain;
mod to_domain;

/// A command as it travels; nothing in it has been checked yet.
///
/// JSON-RPC spells a request the same way, so its transport adds only `jsonrpc` and `id`.
///
/// ```
/// use polychat_core::Command;
/// use polychat_transport::wire::WireCommand;
///
/// let text = r#"{ "method": "chat/close", "params": { "chatId": "a" } }"#;
/// let command: Command = serde_json::from_str::<WireCommand>(text)?.try_into()?;
/// assert_eq!(command.name(), "chat/close");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params")]
#[non_exhaustive]
pub enum WireCommand {
    /// Creates a chat.
    #[serde(rename = "chat/create")]
    CreateChat(NewChatParams),
    /// Copies a chat.
    #[serde(rename = "chat/fork")]
    ForkChat(ForkParams),
    /// Brings a chat in.
    #[serde(rename = "chat/import")]
    ImportChat(ImportParams),
    /// Lists chats.
    #[serde(rename = "chat/list")]
    ListChats(ChatsParams),
    /// Reads a chat as a whole.
    #[serde(rename = "chat/snapshot")]
    Snapshot(ChatParams),
    /// Changes a chat.
    #[serde(rename = "chat/update")]
    UpdateChat(UpdateParams),
    /// Closes a chat.
    #[serde(rename = "chat/close")]
    CloseChat(ChatParams),
    /// Opens a closed chat again.
    #[serde(rename = "chat/reopen")]
    ReopenChat(ChatParams),
    /// Deletes a chat.
    #[serde(rename = "chat/delete")]
    DeleteChat(ChatParams),
    /// Submits a message.
    #[serde(rename = "prompt/send")]
    SendPrompt(SendParams),
    /// Changes a waiting prompt.
    #[serde(rename = "prompt/edit")]
    EditPrompt(EditParams),
    /// Takes a prompt out of the queue.
    #[serde(rename = "prompt/withdraw")]
    WithdrawPrompt(PromptParams),
    /// Lists the waiting prompts.
    #[serde(rename = "prompt/list")]
    ListPrompts(ChatParams),
    /// Asks where a prompt stands.
    #[serde(rename = "prompt/outcome")]
    LookUpPrompt(PromptParams),
    /// Stops a turn.
    #[serde(rename = "turn/cancel")]
    CancelTurn(CancelParams),
    /// Replaces a message and all after it.
    #[serde(rename = "history/revise")]
    Revise(ReviseParams),
    /// Decides a call that waits.
    #[serde(rename = "approval/decide")]
    DecideApproval(DecideParams),
    /// Lists messages.
    #[serde(rename = "messages/list")]
    ListMessages(MessagesParams),
    /// Reads a log.
    #[serde(rename = "log/read")]
    ReadLog(LogParams),
    /// Looks for messages.
    #[serde(rename = "search")]
    Search(SearchParams),
    /// Reads the world.
    #[serde(rename = "world/get")]
    GetWorld(Option<NoParams>),
    /// Changes the world's settings.
    #[serde(rename = "world/update")]
    UpdateWorld(SettingsParams),
    /// Adds or replaces an agent.
    #[serde(rename = "agent/put")]
    PutAgent(PutAgentParams),
    /// Removes an agent.
    #[serde(rename = "agent/remove")]
    RemoveAgent(AgentParams),
}

impl WireCommand {
    /// The methods that the wire knows, in the order of [`WireCommand`].
    pub const METHODS: [&'static str; 24] = [
        "chat/create",
        "chat/fork",
        "chat/import",
        "chat/list",
        "chat/snapshot",
        "chat/update",
        "chat/close",
        "chat/reopen",
        "chat/delete",
        "prompt/send",
        "prompt/edit",
        "prompt/withdraw",
        "prompt/list",
        "prompt/outcome",
        "turn/cancel",
        "history/revise",
        "approval/decide",
        "messages/list",
        "log/read",
        "search",
        "world/get",
        "world/update",
        "agent/put",
        "agent/remove",
    ];
}

/// The bytes of a command.
///
/// # Errors
///
/// [`RejectedCommand::NoWireForm`] for a command newer than this wire, and
/// [`RejectedCommand::InvalidField`] for a number that JSON has no form for.
pub fn encode_command(command: Command) -> Result<Vec<u8>, RejectedCommand> {
    serde_json::to_vec(&WireCommand::try_from(command)?)
        .map_err(|error| RejectedCommand::Malformed { why: why(&error) })
}

/// The command that these bytes are.
///
/// # Errors
///
/// A [`RejectedCommand`] for whatever is no command; nothing has happened then.
pub fn decode_command(bytes: &[u8], limits: &WireLimits) -> Result<Command, RejectedCommand> {
    /// Only the method, to tell an unknown one from broken parameters.
    #[derive(Deserialize)]
    struct Method {
        method: String,
    }

    let max = limits.command_bytes_max;
    if bytes.len() > max {
        return Err(RejectedCommand::TooLarge { bytes: bytes.len(), max });
    }
    let max = limits.command_values_max;
    if values::more_than(max, bytes) {
        return Err(RejectedCommand::TooManyValues { max });
    }
    let malformed = |error: serde_json::Error| RejectedCommand::Malformed { why: why(&error) };
    match serde_json::from_slice::<WireCommand>(bytes) {
        Ok(command) => command.try_into(),
        Err(error) => {
            let Method { method } = serde_json::from_slice(bytes).map_err(malformed)?;
            if WireCommand::METHODS.contains(&method.as_str()) {
                let place = place(bytes).map(|place| format!("{place}: ")).unwrap_or_default();
                Err(RejectedCommand::Malformed { why: claim(&(place + &why(&error))) })
            } else {
                Err(RejectedCommand::UnknownMethod { method: claim(&method) })
            }
        }
    }
}

/// Which field of a command makes no sense. It costs a second reading, which only those pay whom it
/// helps.
#[cfg(feature = "ipc")]
fn place(bytes: &[u8]) -> Option<String> {
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let read: Result<WireCommand, _> = serde_path_to_error::deserialize(&mut source);
    read.err().map(|error| error.path().to_string())
}

/// Within one process nobody reads what another has written.
#[cfg(not(feature = "ipc"))]
fn place(_: &[u8]) -> Option<String> {
    None
}
