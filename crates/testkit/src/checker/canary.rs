//! A secret word per chat, and where it must not be found (NFR-1, REQ-5).

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, BuildError};
use polychat_core::{ChatId, Notice, Reply, Scope, notice::WorldNotice};

use super::violation::Violation;
use crate::history::{Fact, History};

/// Finds the secrets of other chats in any text, however many chats there are.
///
/// ```
/// use std::collections::BTreeMap;
/// use polychat_core::ChatId;
/// use polychat_testkit::checker::Canaries;
///
/// let (a, b) = (ChatId::new("a")?, ChatId::new("b")?);
/// let secrets = BTreeMap::from([(a.clone(), "heron".into()), (b.clone(), "stork".into())]);
/// let canaries = Canaries::new(&secrets)?;
/// assert_eq!(canaries.foreign_in(Some(&a), "a heron saw a stork"), Some(&b));
/// assert_eq!(canaries.foreign_in(Some(&a), "two herons"), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Canaries {
    finder: AhoCorasick,
    owners: Vec<ChatId>,
}

impl Canaries {
    /// Secrets by chat: plain words, none part of another one.
    ///
    /// # Errors
    ///
    /// When there are more secrets than the finder can hold.
    pub fn new(secrets: &BTreeMap<ChatId, String>) -> Result<Self, BuildError> {
        let finder = AhoCorasick::new(secrets.values())?;
        Ok(Self { finder, owners: secrets.keys().cloned().collect() })
    }

    /// A chat other than `chat` whose secret stands in the text.
    #[must_use]
    pub fn foreign_in(&self, chat: Option<&ChatId>, text: &str) -> Option<&ChatId> {
        let owners =
            self.finder.find_iter(text).map(|hit| self.owners.get(hit.pattern().as_usize()));
        owners.flatten().find(|owner| Some(*owner) != chat)
    }

    /// Searches all events, notices, requests, runs of tools and answers of a history.
    ///
    /// A fork holds its source's secret by right; give the two one secret, or leave them out.
    /// What names no chat, such as diagnostics and requests without one, may hold no secret at all.
    #[must_use]
    pub fn search(&self, history: &History) -> Vec<Violation> {
        let mut found = Vec::new();
        let (mut scopes, mut calls, mut runs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for entry in history.entries() {
            let (place, chat, text) = match &entry.fact {
                Fact::Sent { call, command } => {
                    // A caller may say what it likes; what matters is where it turns up.
                    calls.insert(*call, command.chat().cloned());
                    continue;
                }
                Fact::Answered { call, answer: Ok(Reply::Chats(page)) } => {
                    let _ = calls.remove(call);
                    for summary in &page.chats {
                        let chat = Some(&summary.chat_id);
                        self.judge("answer", chat, &format!("{summary:?}"), &mut found);
                    }
                    continue;
                }
                Fact::Answered { call, answer } => {
                    ("answer", calls.remove(call).flatten(), format!("{answer:?}"))
                }
                Fact::Committed { chat, events, summary } => {
                    ("event", Some(chat.clone()), format!("{events:?} {summary:?}"))
                }
                Fact::Subscribed { subscriber, scope, .. } => {
                    scopes.insert(*subscriber, scope.clone());
                    continue;
                }
                Fact::Noticed { subscriber, notice } => {
                    let chat = of_notice(scopes.get(subscriber), notice);
                    ("notice", chat, format!("{notice:?}"))
                }
                Fact::Requested { chat, content, .. } => {
                    // The context's own form never shows what it holds.
                    let context = (&content.context.chat, &content.context.prompt);
                    ("request", chat.clone(), format!("{content:?} {context:?}"))
                }
                Fact::Ran { run, chat, input, .. } => {
                    runs.insert(*run, chat.clone());
                    let context = (&input.context.chat, &input.context.prompt);
                    ("run", chat.clone(), format!("{} {context:?}", input.arguments))
                }
                Fact::Showed { run, showing } => {
                    ("run", runs.get(run).cloned().flatten(), format!("{showing:?}"))
                }
                Fact::RunEnded { run, end } => {
                    ("run", runs.get(run).cloned().flatten(), format!("{end:?}"))
                }
                _ => continue,
            };
            self.judge(place, chat.as_ref(), &text, &mut found);
        }
        found
    }

    fn judge(
        &self,
        place: &'static str,
        chat: Option<&ChatId>,
        text: &str,
        found: &mut Vec<Violation>,
    ) {
        if let Some(owner) = self.foreign_in(chat, text) {
            let (found_in, secret_of) = (chat.cloned(), owner.clone());
            found.push(Violation::Leak { found_in, secret_of, place });
        }
    }
}

/// Searches a history for secrets of one chat in what belongs to another.
///
/// # Errors
///
/// When there are more secrets than the finder can hold.
pub fn canaries(
    history: &History,
    secrets: &BTreeMap<ChatId, String>,
) -> Result<Vec<Violation>, BuildError> {
    Ok(Canaries::new(secrets)?.search(history))
}

fn of_notice(scope: Option<&Scope>, notice: &Notice) -> Option<ChatId> {
    match (scope, notice) {
        (Some(Scope::Chat(chat)), _) => Some(chat.clone()),
        (_, Notice::World(WorldNotice::Status { status })) => Some(status.chat_id.clone()),
        _ => None,
    }
}
