//! Tokens: what a caller shows, and the little that is kept of it.
//!
//! A token is 256 random bits or as good as that, so one round of a fast hash hides it well enough:
//! there is nothing to guess. What is configured, compared and held in memory is the hash.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Random bytes of a token that is made here.
const RANDOM_BYTES: usize = 32;
/// Characters of a token that somebody else made, at least.
const CHOSEN_LENGTH_MIN: usize = 32;
/// And at most: it has to fit into a header.
const CHOSEN_LENGTH_MAX: usize = 512;
/// What stands before a hash, so that nobody takes one for a token.
const PREFIX: &str = "sha256:";

/// A token itself. It is shown to whoever shall use it, and nowhere else.
pub(crate) struct Token(String);

impl Token {
    /// A token that nobody has seen.
    ///
    /// # Errors
    ///
    /// What the operating system says that gives no random numbers.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut random = [0_u8; RANDOM_BYTES];
        getrandom::fill(&mut random)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(random)))
    }

    /// A token that somebody else made. It goes into links, headers and cookies as it is.
    pub(crate) fn chosen(text: &str) -> Result<Self, BadToken> {
        let text = text.trim();
        if !(CHOSEN_LENGTH_MIN..=CHOSEN_LENGTH_MAX).contains(&text.len()) {
            return Err(BadToken::Length);
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !text.bytes().all(plain) {
            return Err(BadToken::Characters);
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Why something cannot be a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadToken {
    #[error("a token has {CHOSEN_LENGTH_MIN} to {CHOSEN_LENGTH_MAX} characters")]
    Length,
    #[error("a token consists of letters, digits and -._~")]
    Characters,
    #[error("the hash of a token is {PREFIX} and 64 hexadecimal digits")]
    Hash,
}

/// The SHA-256 of a token, as it may stand in a file: `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of what a caller shows, whatever it is.
    pub(crate) fn of(shown: &str) -> Self {
        Self(Sha256::digest(shown).into())
    }

    /// Whether they are the same; it takes as long if they are not.
    pub(crate) fn same(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

impl FromStr for TokenHash {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<Self, BadToken> {
        let digits = text.trim().strip_prefix(PREFIX).ok_or(BadToken::Hash)?.as_bytes();
        let mut hash = [0_u8; 32];
        if digits.len() != 2 * hash.len() {
            return Err(BadToken::Hash);
        }
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok();
            // A sign is no digit, though numbers may have one.
            let pair = pair.filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let value = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
            *byte = value.ok_or(BadToken::Hash)?;
        }
        Ok(Self(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_back_as_it_was_written_and_holds_for_its_token_only() {
        let token = Token::generate().unwrap();
        assert_eq!(token.as_str().len(), 43);
        let written = token.hash().to_string();
        let read: TokenHash = written.parse().unwrap();
        assert!(bool::from(read.same(&TokenHash::of(token.as_str()))));
        let another = Token::generate().unwrap();
        assert!(!bool::from(read.same(&another.hash())));
        // The known hash of the empty string: another program's hashes are the same.
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(TokenHash::of("").to_string(), empty);
    }

    #[test]
    fn what_is_no_hash_or_too_easy_to_guess_is_refused() {
        let digits = "0".repeat(64);
        for text in [
            digits.clone(),
            "sha256:".to_owned(),
            format!("sha256:{}", &digits[2..]),
            format!("sha256:+1{}", &digits[2..]),
            format!("sha256:zz{}", &digits[2..]),
            format!("sha256:é{}", &digits[2..]),
        ] {
            assert_eq!(text.parse::<TokenHash>().unwrap_err(), BadToken::Hash, "{text}");
        }
        assert_eq!(Token::chosen("short").unwrap_err(), BadToken::Length);
        assert_eq!(Token::chosen(&"x".repeat(513)).unwrap_err(), BadToken::Length);
        let spaced = format!("{} x", "x".repeat(40));
        assert_eq!(Token::chosen(&spaced).unwrap_err(), BadToken::Characters);
        assert!(Token::chosen(&format!("{}\n", "x".repeat(32))).is_ok());
    }

    #[test]
    fn neither_token_nor_hash_comes_out_by_being_printed() {
        let token = Token::generate().unwrap();
        let printed = format!("{token:?} {:?}", token.hash());
        assert_eq!(printed, "Token(…) TokenHash(…)");
    }
}
