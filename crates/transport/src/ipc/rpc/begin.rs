//! What a message is that is too long to be read, as far as its beginning says so.
//!
//! Whoever waits for it need not wait in vain then: a request is answered, a question that it answers
//! has failed, and what it tells of has a hole. One that says last whose it is, is nobody's.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::RequestId;

/// What a message is, by its first members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// A request of this id.
    Request(RequestId),
    /// An answer to the request of this id.
    Answer(RequestId),
    /// A notification.
    Notification {
        /// What is told.
        method: String,
        /// Of what: the first of its parameters.
        of: String,
    },
}

/// What the message is that begins like this; `None` when that cannot be told.
///
/// ```
/// use polychat_transport::ipc::rpc::{Begun, RequestId, begun};
///
/// let begin = br#"{"jsonrpc":"2.0","id":7,"result":{"parts":["a long te"#;
/// assert_eq!(begun(begin), Some(Begun::Answer(RequestId::number(7))));
/// ```
#[must_use]
pub fn begun(begin: &[u8]) -> Option<Begun> {
    let mut found = None;
    // It breaks off somewhere, so that it cannot be read to its end is no news.
    let _ = serde_json::Deserializer::from_slice(begin).deserialize_map(Members(&mut found));
    found
}

/// Reads members up to the one that may be long.
struct Members<'a>(&'a mut Option<Begun>);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the beginning of a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self(found) = self;
        let (mut id, mut method) = (None, None);
        // A member is whole once the next one has begun: a number may have been cut.
        while let Some(member) = members.next_key::<&str>()? {
            match (member, method.take()) {
                ("id", known) => {
                    (id, method) = (Some(members.next_value::<&RawValue>()?), known);
                }
                ("method", _) => method = Some(members.next_value()?),
                ("params", Some(method)) => {
                    let Some(id) = id else { return members.next_value_seed(Told(found, method)) };
                    *found = RequestId::of(id).map(Begun::Request);
                    return Ok(());
                }
                ("result" | "error", None) => {
                    *found = id.and_then(RequestId::of).map(Begun::Answer);
                    return Ok(());
                }
                ("params" | "result" | "error", _) => return Ok(()),
                (_, known) => {
                    members.next_value::<IgnoredAny>()?;
                    method = known;
                }
            }
        }
        Ok(())
    }
}

/// Reads the first parameter of a notification.
struct Told<'a>(&'a mut Option<Begun>, String);

impl<'de> DeserializeSeed<'de> for Told<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, params: D) -> Result<(), D::Error> {
        params.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Told<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the beginning of parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut params: A) -> Result<(), A::Error> {
        let Self(found, method) = self;
        if params.next_key::<&str>()?.is_some() {
            *found = Some(Begun::Notification { method, of: params.next_value()? });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // law 7: whoever waits hears of it, and nobody else does
    #[test]
    fn a_message_that_breaks_off_is_told_by_the_members_before_its_long_one() {
        let id = |text: &str| RequestId(text.into());
        let told = |method: &str, of: &str| {
            Some(Begun::Notification { method: method.into(), of: of.into() })
        };
        let table = [
            (r#"{"jsonrpc":"2.0","id":12,"result":{"parts"#, Some(Begun::Answer(id("12")))),
            (r#" { "error" : {"#, None),
            (r#"{"id":"a-1","error":"#, Some(Begun::Answer(id(r#""a-1""#)))),
            (r#"{"id":12,"method":"x","params":[1"#, Some(Begun::Request(id("12")))),
            (r#"{"method":"x","id":12,"params":"#, Some(Begun::Request(id("12")))),
            // It may go on as 123.
            (r#"{"jsonrpc":"2.0","id":12"#, None),
            (r#"{"jsonrpc":"2.0","id":12,"resu"#, None),
            // What it is, is not said yet, or not said like that.
            (r#"{"params":{},"id":12,"method":"x""#, None),
            (r#"{"id":12,"params":{"#, None),
            (r#"{"id":12,"method":"x","result":{"#, None),
            (r#"{"id":null,"result":{"#, None),
            (r#"{"id":[1],"result":{"#, None),
            (r#"{"id":null,"method":"x","params":{"a":"b""#, None),
            (r#"{"method":"x","params":{"a":"b","c":"#, told("x", "b")),
            (r#"{"method":"x","params":{"a":"b"#, None),
            (r#"{"method":"x","params":{"id":12,"result":1"#, None),
            (r#"{"method":"x","params":["b","#, None),
            (r#"[{"id":12,"result":{"#, None),
            ("nonsense", None),
            ("", None),
        ];
        for (begin, expected) in table {
            assert_eq!(begun(begin.as_bytes()), expected, "{begin}");
        }
        let cut_in_a_letter = "{\"id\":1,\"result\":\"ü".as_bytes();
        let cut_in_a_letter = &cut_in_a_letter[..cut_in_a_letter.len() - 1];
        assert_eq!(begun(cut_in_a_letter), Some(Begun::Answer(id("1"))));
    }
}
