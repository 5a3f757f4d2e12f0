//! How long something may take, as people write it.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The word for a duration without an end.
const UNLIMITED: &str = "unlimited";

/// A duration with its units, as in `1m 30s` or `250ms`; or `unlimited`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    pub(crate) const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Duration::MAX {
            return f.write_str(UNLIMITED);
        }
        humantime::format_duration(self.0).fmt(f)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"a duration with its unit, as "90s" or "1m 30s", or "{UNLIMITED}""#)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
        if text.trim() == UNLIMITED {
            return Ok(Span(Duration::MAX));
        }
        let duration = humantime::parse_duration(text);
        duration.map(Span).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}
