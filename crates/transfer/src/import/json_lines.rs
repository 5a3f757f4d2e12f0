//! From lines to chats: one line at a time, one chat in memory.

use polychat_core::{
    ChatId,
    command::{ImportedChat, ImportedEntry, NewChat},
    content::Text,
    event::ImportedMessage,
    tool::ToolOutput,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::AsyncBufRead;

use super::{
    Bounds, Import, Placed, Settings, Target,
    lines::{Line, Lines},
};
use crate::{
    ImportError, Place, ProblemKind, Report, VERSION,
    line::{AgentLine, ChatLine, EndLine, MessageLine, MissingLine, Said, WorldLine, kind},
    report::Ledger,
};

/// Why a line was left out.
type Wrong = (ProblemKind, String);

/// What has been read, and the chat that is being read.
struct Reading<'a> {
    target: Target,
    ledger: Ledger<'a>,
    settings: Settings,
    bounds: Bounds,
    /// The line that is being read.
    line: u64,
    chat: Option<OpenChat>,
    /// Whether the last line that made sense was the last line of an export.
    ended: bool,
}

/// A chat whose messages are being read.
struct OpenChat {
    id: ChatId,
    /// Where it begins.
    line: u64,
    chat: ImportedChat,
    bytes: usize,
    asked: Option<Asked>,
    is_too_large: bool,
}

/// The last message of an agent, whose calls results may answer.
struct Asked {
    message: Text,
    /// For each call whether it was answered.
    answered: Vec<bool>,
}

pub(super) async fn read(
    import: Import<'_>,
    reader: impl AsyncBufRead + Unpin,
) -> Result<Report, ImportError> {
    let Import { world, observer, settings, bounds } = import;
    let mut lines = Lines::new(reader, bounds.line_bytes_max);
    let mut reading = Reading {
        target: Target::of(world).await?,
        ledger: Ledger::new(observer),
        settings,
        bounds,
        line: 0,
        chat: None,
        ended: false,
    };
    while let Some(line) = lines.next().await? {
        (reading.line, reading.ledger.report.progress.bytes) = (lines.number, lines.bytes);
        match line {
            Line::Whole(line) => reading.take(&line).await?,
            Line::TooLong => {
                let why = format!("it has more than {} bytes", bounds.line_bytes_max);
                reading.wrong((ProblemKind::TooLarge, why));
            }
        }
    }
    reading.finish();
    Ok(reading.ledger.report)
}

impl Reading<'_> {
    async fn take(&mut self, line: &[u8]) -> Result<(), ImportError> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let (kind, body) = match opened(line) {
            Ok(opened) => opened,
            Err(wrong) => {
                self.wrong(wrong);
                return Ok(());
            }
        };
        if kind == kind::MESSAGE {
            if let Err(wrong) = parsed(body).and_then(|message| self.message(message)) {
                self.ledger.report.messages_left_out += 1;
                self.wrong(wrong);
            }
            return Ok(());
        }
        // Whatever else a line says, no message of the chat before it follows.
        self.close_chat().await?;
        self.ended = false;
        let taken = match kind.as_str() {
            kind::WORLD => self.world(parsed(body)).await?,
            kind::AGENT => self.agent(parsed(body)).await?,
            kind::CHAT => parsed(body).map(|chat| self.open_chat(chat)),
            kind::MISSING => parsed(body).map(|missing| self.missing(&missing)),
            kind::END => parsed::<EndLine>(body).map(|_| self.ended = true),
            other => Err((ProblemKind::UnknownKind, format!("no kind of line: {other:?}"))),
        };
        if let Err(wrong) = taken {
            self.ledger.report.chats_left_out += u64::from(kind == kind::CHAT);
            self.wrong(wrong);
        }
        Ok(())
    }

    fn wrong(&mut self, (kind, why): Wrong) {
        let chat = self.chat.as_ref().map(|chat| &chat.id);
        self.ledger.problem(Place::Line(self.line), chat, kind, &why);
    }

    async fn world(
        &mut self,
        world: Result<WorldLine, Wrong>,
    ) -> Result<Result<(), Wrong>, ImportError> {
        match world {
            Err(wrong) => Ok(Err(wrong)),
            Ok(_) if self.settings == Settings::Kept => Ok(Ok(())),
            Ok(world) => Ok(settled(self.target.set(world.settings).await?)),
        }
    }

    async fn agent(
        &mut self,
        agent: Result<AgentLine, Wrong>,
    ) -> Result<Result<(), Wrong>, ImportError> {
        match agent {
            Err(wrong) => Ok(Err(wrong)),
            Ok(line) => {
                let placed = self.target.put_agent(line.agent).await?;
                self.ledger.report.agents_added += u64::from(placed == Placed::Here);
                Ok(settled(placed))
            }
        }
    }

    fn missing(&mut self, missing: &MissingLine) {
        let why = format!("it could not be exported: {}", missing.why);
        let place = Place::Line(self.line);
        self.ledger.problem(place, Some(&missing.chat_id), ProblemKind::Missing, &why);
        self.ledger.report.chats_left_out += 1;
        self.ledger.chat_done(0);
    }

    fn open_chat(&mut self, line: ChatLine) {
        let mut new = NewChat::with_id(line.chat_id.clone()).title(line.title);
        new = new.metadata(line.metadata);
        let unknown = line.agent.as_ref().filter(|agent| !self.target.agents.contains_key(*agent));
        if let Some(unknown) = unknown {
            let why = format!("there is no agent {unknown} here, so the world's answers");
            let place = Place::Line(self.line);
            self.ledger.problem(place, Some(&line.chat_id), ProblemKind::UnknownAgent, &why);
        } else {
            new.agent = line.agent;
        }
        let mut chat = ImportedChat::new(new, line.source);
        chat.provenance = Some(line.provenance);
        chat.archived = line.archived;
        (chat.created_at, chat.updated_at) = (Some(line.created_at), Some(line.updated_at));
        self.chat = Some(OpenChat {
            id: line.chat_id,
            line: self.line,
            chat,
            bytes: 0,
            asked: None,
            is_too_large: false,
        });
    }

    fn message(&mut self, line: MessageLine) -> Result<(), Wrong> {
        let bounds = self.bounds;
        let Some(open) = &mut self.chat else {
            let why = format!("a message of {} without its chat before it", line.chat_id);
            return Err((ProblemKind::NoChat, why));
        };
        if line.chat_id != open.id {
            let why = format!("a message of {} among those of {}", line.chat_id, open.id);
            return Err((ProblemKind::ForeignChat, why));
        }
        let entry = open.entry(line)?;
        open.bytes = open.bytes.saturating_add(entry.bytes());
        let messages = open.chat.history.len() + 1;
        if open.bytes > bounds.chat_bytes_max || messages > bounds.chat_messages_max {
            // What was read of it need not be held any longer.
            open.is_too_large = true;
            open.chat.history = Vec::new();
        }
        if !open.is_too_large {
            open.chat.history.push(entry);
        }
        Ok(())
    }

    /// Brings the chat whose messages have been read to the world.
    async fn close_chat(&mut self) -> Result<(), ImportError> {
        let Some(open) = self.chat.take() else { return Ok(()) };
        let messages = open.chat.history.len();
        let placed = if open.is_too_large {
            let Bounds { chat_bytes_max, chat_messages_max, .. } = self.bounds;
            let why = format!(
                "its messages have more than {chat_bytes_max} bytes, or are more than {chat_messages_max}"
            );
            Placed::LeftOut(ProblemKind::TooLarge, why)
        } else {
            self.target.place(&open.id, open.chat).await?
        };
        self.ledger.placed(Place::Line(open.line), &open.id, placed, messages);
        Ok(())
    }

    fn finish(&mut self) {
        let cut = self.chat.take();
        if self.ended {
            return;
        }
        let why = "the last line of an export is missing: the lines were cut off";
        let (place, kind) = (Place::Line(self.line), ProblemKind::CutOff);
        match cut {
            Some(open) => {
                let why = format!("{why}, and chat {} with them", open.id);
                self.ledger.problem(place, Some(&open.id), kind, &why);
                self.ledger.report.chats_left_out += 1;
                self.ledger.chat_done(0);
            }
            None => self.ledger.problem(place, None, kind, why),
        }
    }
}

impl OpenChat {
    fn entry(&mut self, line: MessageLine) -> Result<ImportedEntry, Wrong> {
        let MessageLine { id, at, said, parts, failure, metadata, .. } = line;
        let message = match said {
            Said::User {} => ImportedMessage::User { parts },
            Said::Assistant { author, reasoning, tool_calls, usage } => {
                self.asked =
                    Some(Asked { message: id.clone(), answered: vec![false; tool_calls.len()] });
                ImportedMessage::Assistant { author, parts, reasoning, tool_calls, usage, failure }
            }
            Said::Tool { answers } => {
                let asked = self.asked.as_mut().filter(|asked| asked.message == answers.message);
                let call =
                    asked.and_then(|asked| asked.answered.get_mut(usize::from(answers.call)));
                let orphan = |why: &str| {
                    let why =
                        format!("call {} of message {:?} {why}", answers.call, answers.message);
                    Err((ProblemKind::Orphan, why))
                };
                match call {
                    None => return orphan("is not asked for before its result"),
                    Some(true) => return orphan("has a result already"),
                    Some(answered) => *answered = true,
                }
                let output = ToolOutput { parts, ..ToolOutput::default() };
                ImportedMessage::Tool { index: answers.call, output, failure }
            }
        };
        let mut entry = ImportedEntry::new(message, at);
        (entry.source_id, entry.metadata) = (Some(id), metadata);
        Ok(entry)
    }
}

fn settled(placed: Placed) -> Result<(), Wrong> {
    match placed {
        Placed::Here | Placed::AlreadyThere => Ok(()),
        Placed::LeftOut(kind, why) => Err((kind, why)),
    }
}

/// The kind of a line, and what else it says.
fn opened(line: &[u8]) -> Result<(String, Value), Wrong> {
    // Some editors leave a mark at the beginning of a file.
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let body: Value = serde_json::from_slice(line)
        .map_err(|error| (ProblemKind::NotJson, format!("no json: {error}")))?;
    if !body.is_object() {
        return Err((ProblemKind::WrongType, "no json object".to_owned()));
    }
    match body.get("v").and_then(Value::as_u64) {
        Some(VERSION) => {}
        Some(other) => {
            return Err((
                ProblemKind::UnknownVersion,
                format!("version {other} is not known here"),
            ));
        }
        None => return Err((ProblemKind::UnknownVersion, "it says no version".to_owned())),
    }
    let Some(kind) = body.get("type").and_then(Value::as_str) else {
        return Err((ProblemKind::UnknownKind, "it says not what it is".to_owned()));
    };
    Ok((kind.to_owned(), body))
}

fn parsed<T: DeserializeOwned>(body: Value) -> Result<T, Wrong> {
    if let Some(Err(error)) = body.get("chatId").and_then(Value::as_str).map(ChatId::new) {
        return Err((ProblemKind::InvalidId, error.to_string()));
    }
    serde_json::from_value(body).map_err(|error| (ProblemKind::WrongType, error.to_string()))
}
