//! Secrets of a form that is found in one pass, and says whose it is.

use std::fmt;

/// How every secret begins.
const SIGN: &str = "canary-";

/// A secret that was found in some text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Secret {
    /// The number of the chat that it belongs to.
    pub(super) chat: usize,
}

/// A secret in a place where it must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leak {
    pub(super) of: Secret,
    pub(super) place: &'static str,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret of chat {}", self.chat)
    }
}

impl Secret {
    /// The secret of this chat.
    pub(super) fn of(chat: usize) -> String {
        // The tail differs from chat to chat too, so that no part is anybody else's.
        format!("{SIGN}{chat:06}-{:08x}", chat.wrapping_mul(2_654_435_761) & 0xffff_ffff)
    }

    /// The first secret of a text.
    pub(super) fn find(text: &str) -> Option<Self> {
        Self::all_in(text).next()
    }

    /// All secrets of a text, in one pass.
    pub(super) fn all_in(text: &str) -> impl Iterator<Item = Self> {
        text.match_indices(SIGN).filter_map(|(at, sign)| {
            let number = text.get(at + sign.len()..)?.get(..6)?;
            Some(Self { chat: number.parse().ok()? })
        })
    }
}
