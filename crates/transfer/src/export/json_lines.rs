//! An export for machines.

use polychat_core::{content::Text, message::SharedMessage};

use super::{Render, source_of, walk::Item};
use crate::{
    ExportError,
    line::{
        AgentLine, ChatLine, EndLine, MessageLine, MissingLine, WorldLine, kind, line, name_of,
    },
};

/// Writes each item as a line.
#[derive(Default)]
pub(super) struct JsonLines {
    /// The last message of an agent: what results of tools answer.
    asked: Option<SharedMessage>,
}

impl Render for JsonLines {
    fn render(&mut self, item: &Item) -> Result<String, ExportError> {
        let text = match item {
            Item::World(info) => line(
                kind::WORLD,
                &WorldLine {
                    world_id: info.world_id.clone(),
                    default_agent: info.default_agent.clone(),
                    settings: info.settings.clone(),
                },
            ),
            Item::Agent(agent) => line(kind::AGENT, &AgentLine { agent: (**agent).clone() }),
            Item::Chat { world, summary } => {
                self.asked = None;
                let source = source_of(world.as_ref(), summary.origin.as_ref());
                let chat = ChatLine {
                    chat_id: summary.chat_id.clone(),
                    title: summary.title.clone(),
                    provenance: summary.provenance,
                    archived: summary.archived,
                    agent: summary.agent.clone(),
                    metadata: summary.metadata.clone(),
                    source: source.into(),
                    created_at: summary.created_at,
                    updated_at: summary.updated_at,
                };
                line(kind::CHAT, &chat)
            }
            Item::Message { chat_id, message } => {
                if message.is_assistant() {
                    self.asked = Some(message.clone());
                }
                let asked: Option<Text> = self.asked.as_ref().map(name_of);
                line(kind::MESSAGE, &MessageLine::of(chat_id, message, asked.as_ref()))
            }
            Item::Missing { chat_id, error } => {
                let (code, why) = (error.code().into(), error.to_string().into());
                line(kind::MISSING, &MissingLine { chat_id: chat_id.clone(), code, why })
            }
            Item::End { chats, messages } => {
                line(kind::END, &EndLine { chats: *chats, messages: *messages })
            }
        };
        Ok(text?)
    }
}
