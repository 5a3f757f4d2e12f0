//! What messages are made of, and the JSON that embedders attach.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Text that log, feed and history share without copying it.
pub type Text = Arc<str>;

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Part {
    /// Plain text or Markdown.
    Text {
        /// The text.
        text: Text,
    },
    /// Something that is not text.
    Blob {
        /// Its media type, for example `image/png`.
        media_type: Text,
        /// Where it is.
        source: BlobSource,
    },
    /// What a provider wants back unchanged in later requests, for example a thinking signature.
    Opaque {
        /// The provider that understands it.
        provider: Text,
        /// Its data, never interpreted here.
        data: Value,
    },
}

impl Part {
    /// A part of text.
    ///
    /// ```
    /// use polychat_core::Part;
    /// assert_eq!(Part::text("hello").as_text(), Some("hello"));
    /// ```
    pub fn text(text: impl Into<Text>) -> Self {
        Self::Text { text: text.into() }
    }

    /// The text of a text part.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            Self::Blob { .. } | Self::Opaque { .. } => None,
        }
    }

    /// How much of a byte limit this part uses.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text { text } => text.len(),
            Self::Blob { media_type, source } => {
                media_type.len()
                    + match source {
                        BlobSource::Uri { uri } => uri.len(),
                        BlobSource::Base64 { data } => data.len(),
                    }
            }
            Self::Opaque { provider, data } => provider.len() + json_bytes(data),
        }
    }
}

/// Where the bytes of a [`Part::Blob`] are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "camelCase")]
#[non_exhaustive]
pub enum BlobSource {
    /// Somewhere else; Polychat never follows it.
    Uri {
        /// The address.
        uri: Text,
    },
    /// Inside, as Base64; counts against the byte limit of what holds it.
    Base64 {
        /// The encoded bytes.
        data: Text,
    },
}

/// The text of all text parts, one after the other.
#[must_use]
pub fn text_of(parts: &[Part]) -> String {
    parts.iter().filter_map(Part::as_text).collect()
}

/// How much of a byte limit these parts use together.
#[must_use]
pub fn bytes_of(parts: &[Part]) -> usize {
    parts.iter().map(Part::bytes).sum()
}

/// A JSON object that an embedder attaches to a chat, a prompt or a message.
///
/// Polychat stores it and gives it back untouched. Its size is bounded by
/// [`Limits::metadata_bytes_max`](crate::Limits::metadata_bytes_max).
#[derive(Clone, PartialEq, Default, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(type = "Record<string, JsonValue>"))]
#[serde(from = "Option<Map<String, Value>>")]
pub struct Metadata(Option<Arc<Map<String, Value>>>);

impl fmt::Debug for Metadata {
    // It may be a host context, which is never logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metadata({} keys)", self.0.as_ref().map_or(0, |object| object.len()))
    }
}

impl Metadata {
    /// No metadata.
    pub const NONE: Self = Self(None);

    /// Metadata of a JSON object; an empty object is the same as none.
    #[must_use]
    pub fn new(object: Map<String, Value>) -> Self {
        if object.is_empty() { Self(None) } else { Self(Some(Arc::new(object))) }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.as_ref()?.get(key)
    }

    /// All of it; `None` when there is none.
    pub(crate) fn object(&self) -> Option<&Map<String, Value>> {
        self.0.as_deref()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Its size as compact JSON, in bytes; 0 when there is none.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |object| {
            object.iter().map(|(key, value)| key.len() + 4 + json_bytes(value)).sum::<usize>() + 1
        })
    }
}

impl Serialize for Metadata {
    /// As `{}` when there is none: where it is optional, `null` stands for "not set".
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(object) => object.serialize(serializer),
            None => Map::new().serialize(serializer),
        }
    }
}

impl From<Option<Map<String, Value>>> for Metadata {
    fn from(object: Option<Map<String, Value>>) -> Self {
        object.map_or(Self::NONE, Self::new)
    }
}

impl<K: Into<String>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Metadata {
    /// Of pairs; the last one of a key counts.
    ///
    /// ```
    /// use polychat_core::Metadata;
    /// let metadata = Metadata::from([("tenant", "north"), ("folder", "/srv/north")]);
    /// assert_eq!(metadata.get("tenant").and_then(|it| it.as_str()), Some("north"));
    /// ```
    fn from(pairs: [(K, V); N]) -> Self {
        Self::new(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl From<Map<String, Value>> for Metadata {
    fn from(object: Map<String, Value>) -> Self {
        Self::new(object)
    }
}

/// The size of a value as compact JSON, in bytes, without building the string.
pub fn json_bytes(value: &impl Serialize) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting cannot fail, and what is counted is always serialisable.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}
