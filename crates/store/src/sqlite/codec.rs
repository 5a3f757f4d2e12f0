//! The stored form of entries and summaries.
//!
//! The payload of an event is the JSON of the event itself; where it belongs is the key of its
//! row, and is not repeated in it. A seal of two checksums tells a changed payload from a payload
//! that stands in the wrong place. The form has a version of its own: a newer one is refused where
//! it is met, and with it the one log it is in.

use std::sync::Arc;

use crc32fast::Hasher;
use polychat_core::{
    Event, Recorded, Seq, Summary, Timestamp,
    ports::{Entry, LogKey, StoreError, StoreErrorKind},
    world::{WorldEvent, WorldRecorded},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// The newest form of payloads.
pub(super) const FORMAT: i64 = 1;

/// How much of the name of an unknown event is passed on.
const TAG_BYTES_MAX: usize = 64;

/// An event as it lies in its row, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Payload<B> {
    pub(super) at: i64,
    pub(super) format: i64,
    pub(super) seal: i64,
    pub(super) body: B,
}

/// Why a payload is not what was stored here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("its form {0} is newer than this program")]
    Newer(i64),
    #[error("its checksum is wrong")]
    Changed,
    #[error("it was written to another place")]
    Foreign,
    #[error("it is nothing that this program knows: `{tag}`, at column {column}")]
    Unreadable { tag: String, column: usize },
}

impl Flaw {
    /// What a store says of it.
    pub(super) fn at(&self, seq: Seq) -> StoreError {
        StoreError::new(StoreErrorKind::Corrupt { seq }, self.to_string())
    }
}

/// Whose log it is: what each seal of it begins with.
#[derive(Clone)]
pub(super) struct Owner(Hasher);

impl Owner {
    pub(super) fn of(key: &LogKey) -> Self {
        let mut hasher = Hasher::new();
        // No id holds a control character, so these end it.
        hasher.update(key.world().as_str().as_bytes());
        hasher.update(&[0]);
        hasher.update(key.chat().map_or("", |chat| chat.as_str()).as_bytes());
        hasher.update(&[0]);
        Self(hasher)
    }

    fn place(&self, seq: Seq) -> u32 {
        let mut hasher = self.0.clone();
        hasher.update(&seq.get().to_le_bytes());
        hasher.finalize()
    }
}

fn contents(at: i64, format: i64, body: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&at.to_le_bytes());
    hasher.update(&format.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

fn seal(contents: u32, place: u32) -> i64 {
    (i64::from(contents) << 32) | i64::from(place)
}

/// The payload of an entry.
pub(super) fn encode(owner: &Owner, entry: &Entry) -> Result<Payload<String>, StoreError> {
    let (at, body) = match entry {
        Entry::Chat(recorded) => (recorded.at, json(&recorded.event, entry.seq())?),
        Entry::World(recorded) => (recorded.at, json(&recorded.event, entry.seq())?),
    };
    let at = i64::try_from(at.0).map_err(|_| {
        let kind = StoreErrorKind::Corrupt { seq: entry.seq() };
        StoreError::new(kind, "its time is too far in the future to be stored")
    })?;
    let contents = contents(at, FORMAT, body.as_bytes());
    let seal = seal(contents, owner.place(entry.seq()));
    Ok(Payload { at, format: FORMAT, seal, body })
}

/// The entry that was stored at `seq` of this log.
pub(super) fn decode(
    key: &LogKey,
    owner: &Owner,
    seq: Seq,
    payload: &Payload<&[u8]>,
) -> Result<Entry, Flaw> {
    check(payload, owner.place(seq))?;
    // What was sealed was not negative.
    let at = Timestamp(u64::try_from(payload.at).map_err(|_| Flaw::Changed)?);
    Ok(match key {
        LogKey::Chat(_, chat) => {
            let event: Event = parse(payload.body)?;
            Entry::Chat(Arc::new(Recorded { chat_id: chat.clone(), seq, at, event }))
        }
        LogKey::World(_) => {
            let event: WorldEvent = parse(payload.body)?;
            Entry::World(Arc::new(WorldRecorded { seq, at, event }))
        }
    })
}

/// A chat's summary in the form in which it is stored; it is sealed with its head.
pub(super) fn encode_summary(
    owner: &Owner,
    summary: &Summary,
    head: Seq,
) -> Result<Payload<String>, StoreError> {
    let body = json(summary, head)?;
    let seal = seal(contents(0, FORMAT, body.as_bytes()), owner.place(head));
    Ok(Payload { at: 0, format: FORMAT, seal, body })
}

/// The summary that was stored with this head of this log.
pub(super) fn decode_summary(
    owner: &Owner,
    head: Seq,
    payload: &Payload<&[u8]>,
) -> Result<Summary, Flaw> {
    check(payload, owner.place(head))?;
    parse(payload.body)
}

fn check(payload: &Payload<&[u8]>, place: u32) -> Result<(), Flaw> {
    if payload.format > FORMAT {
        // Its seal may be another one altogether.
        return Err(Flaw::Newer(payload.format));
    }
    let contents = contents(payload.at, payload.format, payload.body);
    if payload.seal >> 32 != seal(contents, 0) >> 32 {
        return Err(Flaw::Changed);
    }
    if payload.seal != seal(contents, place) {
        return Err(Flaw::Foreign);
    }
    Ok(())
}

fn json(value: &impl Serialize, seq: Seq) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| {
        StoreError::new(StoreErrorKind::Corrupt { seq }, format!("it cannot be stored: {error}"))
    })
}

/// Says of what it cannot read no more than its type: contents of messages stay where they are.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Flaw> {
    serde_json::from_slice(body).map_err(|error| {
        let object: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
        let tag = object.as_ref().and_then(|object| object.get("type")?.as_str());
        let mut tag = tag.unwrap_or("no event").to_owned();
        tag.truncate(tag.floor_char_boundary(TAG_BYTES_MAX));
        Flaw::Unreadable { tag, column: error.column() }
    })
}

#[cfg(test)]
mod tests {
    use polychat_testkit::samples::{chat_id, every_event, recorded, seq, summary, world_id};

    use super::*;

    fn key(chat: &str) -> LogKey {
        LogKey::Chat(world_id("w"), chat_id(chat))
    }

    fn entry(n: u64) -> Entry {
        let event = every_event().swap_remove(0);
        Entry::Chat(recorded(&chat_id("a"), seq(n), event))
    }

    fn borrowed(payload: &Payload<String>) -> Payload<&[u8]> {
        let Payload { at, format, seal, body } = payload;
        Payload { at: *at, format: *format, seal: *seal, body: body.as_bytes() }
    }

    // REQ-9: what stands elsewhere than where it was written is not taken for this log's
    #[test]
    fn a_payload_is_good_in_its_place_only() {
        let owner = Owner::of(&key("a"));
        let payload = encode(&owner, &entry(7)).unwrap();
        let read = |chat: &str, n| {
            let key = key(chat);
            decode(&key, &Owner::of(&key), seq(n), &borrowed(&payload))
        };
        assert_eq!(read("a", 7), Ok(entry(7)));
        assert_eq!(read("a", 8), Err(Flaw::Foreign));
        assert_eq!(read("b", 7), Err(Flaw::Foreign));
        let world = LogKey::World(world_id("w"));
        let moved = decode(&world, &Owner::of(&world), seq(7), &borrowed(&payload));
        assert_eq!(moved, Err(Flaw::Foreign));
        // Where one id ends and the next begins matters.
        let place =
            |w: &str, c: &str| Owner::of(&LogKey::Chat(world_id(w), chat_id(c))).place(seq(1));
        assert_ne!(place("ab", "c"), place("a", "bc"));
    }

    #[test]
    fn any_flipped_bit_is_found() {
        let (key, owner) = (key("a"), Owner::of(&key("a")));
        let payload = encode(&owner, &entry(7)).unwrap();
        let flaw = |changed: Payload<&[u8]>| decode(&key, &owner, seq(7), &changed).unwrap_err();
        let body = payload.body.as_bytes();
        for bit in 0..body.len() * 8 {
            let mut body = body.to_vec();
            body[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(flaw(Payload { body: &body, ..borrowed(&payload) }), Flaw::Changed);
        }
        for bit in 0..64 {
            let seal = payload.seal ^ (1 << bit);
            flaw(Payload { seal, ..borrowed(&payload) });
            let at = payload.at ^ (1 << bit);
            assert_eq!(flaw(Payload { at, ..borrowed(&payload) }), Flaw::Changed);
        }
    }

    #[test]
    fn what_a_newer_program_wrote_is_named_and_its_contents_are_not() {
        let (key, owner) = (key("a"), Owner::of(&key("a")));
        let stored = |format: i64, body: &str| {
            let contents = contents(5, format, body.as_bytes());
            let seal = seal(contents, owner.place(seq(7)));
            let payload = Payload { at: 5, format, seal, body: body.as_bytes() };
            decode(&key, &owner, seq(7), &payload).unwrap_err()
        };
        assert_eq!(stored(FORMAT + 1, "?"), Flaw::Newer(FORMAT + 1));
        let flaw = stored(FORMAT, r#"{"type":"chat.frobbed","secret":"s3cret"}"#);
        let error = flaw.at(seq(7));
        assert_eq!(error.kind, StoreErrorKind::Corrupt { seq: seq(7) });
        assert!(error.message.contains("chat.frobbed"), "{error}");
        let known_but_odd = stored(FORMAT, r#"{"type":"message.end","text":{"s3cret":1}}"#);
        for flaw in [flaw, known_but_odd, stored(FORMAT, "[\"s3cret\"]")] {
            assert!(!flaw.to_string().contains("s3cret"), "{flaw}");
        }
    }

    #[test]
    fn a_summary_is_good_with_its_head_only() {
        let owner = Owner::of(&key("a"));
        let wanted = summary(&chat_id("a"), seq(3));
        let payload = encode_summary(&owner, &wanted, seq(3)).unwrap();
        assert_eq!(decode_summary(&owner, seq(3), &borrowed(&payload)), Ok(wanted));
        assert_eq!(decode_summary(&owner, seq(4), &borrowed(&payload)), Err(Flaw::Foreign));
        let body = payload.body.replace("idle", "busy");
        let changed = Payload { body: body.as_bytes(), ..borrowed(&payload) };
        assert_eq!(decode_summary(&owner, seq(3), &changed), Err(Flaw::Changed));
    }

    // constraint 1: this row was stored by a version that told no outcome
    #[test]
    fn a_summary_from_before_there_were_outcomes_is_read() {
        let body = r#"{"chatId":"a","kind":"idle","title":"a at 48","provenance":"manual","archived":false,"agent":"guide","metadata":{"nested":{"":"🔑","größe":[1,2.5,null,true]},"word":"a"},"createdAt":1700000000000,"updatedAt":1700000000048,"head":48,"messages":1,"queued":0}"#;
        let seal = 163_911_738_451_792_423;
        let stored = Payload { at: 0, format: 1, seal, body: body.as_bytes() };
        let wanted = Summary { last_outcome: None, ..summary(&chat_id("a"), seq(48)) };
        assert_eq!(decode_summary(&Owner::of(&key("a")), seq(48), &stored), Ok(wanted));
    }
}
