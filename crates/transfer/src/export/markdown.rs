//! An export for people.

mod contain;

use std::time::{Duration, SystemTime};

use contain::{code, fence, inline, quote};
use polychat_core::{
    ChatId, Failure, Message, Part, Summary, Timestamp,
    content::BlobSource,
    message::{Role, SharedMessage},
    tool::ToolCall,
};

use super::{Render, walk::Item};
use crate::ExportError;

/// The first moment that has no four-digit year, in milliseconds.
const YEAR_TEN_THOUSAND_MS: u64 = 253_402_300_800_000;

/// Writes each item as a paragraph or more.
#[derive(Default)]
pub(super) struct Markdown {
    /// Whether the chats stand below the heading of their world.
    in_world: bool,
    /// The last message of an agent: what results of tools answer.
    asked: Option<SharedMessage>,
}

impl Render for Markdown {
    fn render(&mut self, item: &Item) -> Result<String, ExportError> {
        Ok(match item {
            Item::World(info) => {
                self.in_world = true;
                format!("# {}\n\n", inline(info.world_id.as_str()))
            }
            Item::Agent(agent) => format!(
                "- agent **{}**, speaking through {}\n",
                inline(agent.name.as_str()),
                code(agent.model.as_str())
            ),
            Item::Chat { summary, .. } => {
                self.asked = None;
                self.chat(summary)
            }
            Item::Message { message, .. } => {
                if message.is_assistant() {
                    self.asked = Some(message.clone());
                }
                self.message(message)
            }
            Item::Missing { chat_id, error } => {
                let (heading, why) = (self.heading(), inline(&error.to_string()));
                format!("\n{heading} {}\n\n*This chat cannot be read: {why}*\n", name(chat_id))
            }
            Item::End { .. } => String::new(),
        })
    }
}

impl Markdown {
    fn heading(&self) -> &'static str {
        if self.in_world { "##" } else { "#" }
    }

    fn chat(&self, summary: &Summary) -> String {
        let title = if summary.title.trim().is_empty() {
            name(&summary.chat_id)
        } else {
            inline(&summary.title)
        };
        let messages = match summary.messages {
            1 => "1 message".to_owned(),
            n => format!("{n} messages"),
        };
        let (id, begin) = (code(summary.chat_id.as_str()), time(summary.created_at));
        let before = if self.in_world { "\n" } else { "" };
        format!("{before}{} {title}\n\nChat {id}, {messages}, begun {begin}\n", self.heading())
    }

    fn message(&self, message: &Message) -> String {
        let at = time(message.at);
        let mut text = match &message.role {
            Role::User { .. } => format!("\n**User**, {at}\n"),
            Role::Assistant { author, .. } => {
                let author =
                    author.as_ref().map_or("Assistant".to_owned(), |it| inline(it.as_str()));
                format!("\n**{author}**, {at}\n")
            }
            Role::Tool { tool_call_id } => {
                let call = self.call(tool_call_id.index);
                let tool = call.map_or("a tool".to_owned(), |call| inline(&call.name));
                format!("\nAnswer of **{tool}**, {at}\n")
            }
            _ => format!("\n{at}\n"),
        };
        if let Role::Assistant { reasoning, .. } = &message.role
            && !reasoning.is_empty()
        {
            text.push_str(&format!("\n*thinking*\n\n{}", quote(reasoning)));
            text.push_str("\n*saying*\n");
        }
        let is_answer = matches!(message.role, Role::Tool { .. });
        text.extend(message.parts.iter().map(|part| shown(part, is_answer)));
        if let Role::Assistant { tool_calls, .. } = &message.role {
            text.extend(tool_calls.iter().map(asked_for));
        }
        text.extend(message.failure.as_ref().map(broken_off));
        text
    }

    fn call(&self, index: u16) -> Option<&ToolCall> {
        match &self.asked.as_ref()?.role {
            Role::Assistant { tool_calls, .. } => tool_calls.get(usize::from(index)),
            _ => None,
        }
    }
}

fn name(chat: &ChatId) -> String {
    inline(chat.as_str())
}

fn shown(part: &Part, is_answer: bool) -> String {
    match part {
        Part::Text { text } if text.is_empty() => String::new(),
        // What a tool says is no Markdown.
        Part::Text { text } if is_answer => format!("\n{}", fence("text", text)),
        Part::Text { text } => format!("\n{}", quote(text)),
        Part::Blob { media_type, source: BlobSource::Uri { uri } } => {
            format!("\n*{}* at {}\n", inline(media_type), code(uri))
        }
        Part::Blob { media_type, source: BlobSource::Base64 { data } } => {
            format!("\n*{}*, {} bytes as Base64\n", inline(media_type), data.len())
        }
        // Only its provider understands it.
        _ => String::new(),
    }
}

fn asked_for(call: &ToolCall) -> String {
    // What is JSON can always be written as JSON.
    let arguments = serde_json::to_string_pretty(&call.arguments).unwrap_or_default();
    format!("\nCall of **{}**\n\n{}", inline(&call.name), fence("json", &arguments))
}

fn broken_off(failure: &Failure) -> String {
    format!("\n*Ended early: {}*\n", inline(&failure.to_string()))
}

/// A moment in UTC, to the second.
fn time(at: Timestamp) -> String {
    if at.0 >= YEAR_TEN_THOUSAND_MS {
        return format!("{} ms after 1970", at.0);
    }
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(at.0);
    humantime::format_rfc3339_seconds(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_a_clock_of_its_own_told_is_written_somehow() {
        assert_eq!(time(Timestamp(YEAR_TEN_THOUSAND_MS - 1)), "9999-12-31T23:59:59Z");
        assert_eq!(time(Timestamp(YEAR_TEN_THOUSAND_MS)), "253402300800000 ms after 1970");
    }
}
