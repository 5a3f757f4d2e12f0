//! Secrets of a form that is found in one pass, and says whose it is and what it may be part of.

use std::fmt;

/// How every secret begins.
const SIGN: &str = "canary-";

/// What a secret is part of, which decides where it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// What people and models say, arguments of calls, results and failures of tools.
    Said,
    /// What a tool shows while it runs.
    Shown,
    /// What a person answers or gives as a reason.
    Decided,
    /// What was attached to the chat.
    Chat,
    /// What was attached to a prompt.
    Prompt,
    /// What was resolved for one call.
    Resolved,
}

impl Kind {
    pub(super) const ALL: [Self; 6] =
        [Self::Said, Self::Shown, Self::Decided, Self::Chat, Self::Prompt, Self::Resolved];

    fn letter(self) -> char {
        match self {
            Self::Said => 's',
            Self::Shown => 'o',
            Self::Decided => 'd',
            Self::Chat => 'c',
            Self::Prompt => 'p',
            Self::Resolved => 'r',
        }
    }
}

/// A secret that was found in some text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Secret {
    /// The number of the chat that it belongs to.
    pub(super) chat: usize,
    pub(super) kind: Kind,
}

/// A secret in a place where it must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leak {
    pub(super) of: Secret,
    pub(super) place: &'static str,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of chat {}", self.kind, self.chat)
    }
}

impl Secret {
    /// The secret of this chat and kind.
    pub(super) fn of(chat: usize, kind: Kind) -> String {
        // The tail differs from chat to chat too, so that no part is anybody else's.
        let tail = chat.wrapping_mul(2_654_435_761) & 0xffff_ffff;
        format!("{SIGN}{chat:06}{}-{tail:08x}", kind.letter())
    }

    /// The first secret of a text.
    pub(super) fn find(text: &str) -> Option<Self> {
        Self::all_in(text).next()
    }

    /// All secrets of a text, in one pass.
    pub(super) fn all_in(text: &str) -> impl Iterator<Item = Self> {
        text.match_indices(SIGN).filter_map(|(at, sign)| {
            let number = text.get(at + sign.len()..)?.get(..6)?;
            let letter = text.get(at + sign.len() + 6..)?.chars().next()?;
            let kind = Kind::ALL.into_iter().find(|kind| kind.letter() == letter)?;
            Some(Self { chat: number.parse().ok()?, kind })
        })
    }
}

/// Where secrets of a chat are searched, and which kinds are at home there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) at_home: &'static [Kind],
}

impl Place {
    /// The event that creates a chat holds what was attached to it.
    pub(super) const CREATED: Self = Self { name: "chat.created", at_home: &[Kind::Chat] };
    /// The event that accepts a prompt holds what was attached to it.
    pub(super) const ACCEPTED: Self =
        Self { name: "prompt.accepted", at_home: &[Kind::Said, Kind::Prompt] };
    /// All other recorded events, and summaries.
    pub(super) const RECORDED: Self =
        Self { name: "recorded", at_home: &[Kind::Said, Kind::Decided] };
    /// Live events.
    pub(super) const LIVE: Self =
        Self { name: "live", at_home: &[Kind::Said, Kind::Shown, Kind::Decided] };
    /// What a model reads.
    pub(super) const READ: Self = Self { name: "request", at_home: &[Kind::Said, Kind::Decided] };
    /// The arguments of a call.
    pub(super) const ARGUMENTS: Self = Self { name: "arguments", at_home: &[Kind::Said] };

    /// Searches a text that belongs to one chat; answers with how many secrets are at home.
    pub(super) fn search(self, text: &str, own: usize, leaks: &mut Vec<Leak>) -> usize {
        let mut at_home = 0;
        for of in Secret::all_in(text) {
            if of.chat == own && self.at_home.contains(&of.kind) {
                at_home += 1;
            } else {
                leaks.push(Leak { of, place: self.name });
            }
        }
        at_home
    }
}
