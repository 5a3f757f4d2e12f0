//! Where a reader of several chats stands: one text for all of them.
//!
//! It names the list of chats by a hash, and then in the order of that list where the reader is in
//! each: `v1_89f2…_12_9-2-4-17__3`. Between the strokes stands nothing where nothing was read yet, the
//! last event's number where that says all, and the chat's own cursor where live events were read
//! after it. Clients get it as the `id` of an event and need not look inside.

use std::io::Write;

use polychat_core::{ChatId, Cursor, Seq, WorldId, notice::InvalidCursor};

/// Bytes of such a text at most.
const BYTES_MAX: usize = 2 * 1024;

/// Chats on one stream at most, whatever the options say: their numbers alone still fit.
pub(super) const CHATS_MAX: usize = 100;

/// Where a reader is in each of several chats.
#[derive(Debug)]
pub(super) struct Places {
    /// The version of this form, and the list that it is for.
    mark: String,
    at: Vec<Option<Cursor>>,
}

impl Places {
    /// A reader who has read nothing yet.
    pub(super) fn new(world: &WorldId, chats: &[ChatId]) -> Self {
        let list = std::iter::once(world.as_str()).chain(chats.iter().map(ChatId::as_str));
        Self { mark: format!("v1_{:016x}", fnv1a(list)), at: vec![None; chats.len()] }
    }

    /// Goes where this text says.
    ///
    /// # Errors
    ///
    /// [`InvalidCursor`] for whatever is none for this list.
    pub(super) fn go_to(&mut self, text: &str) -> Result<(), InvalidCursor> {
        let places = text.strip_prefix(&self.mark).and_then(|rest| rest.strip_prefix('_'));
        let places: Vec<_> = places.ok_or(InvalidCursor)?.split('_').collect();
        if places.len() != self.at.len() {
            return Err(InvalidCursor);
        }
        for (at, place) in self.at.iter_mut().zip(places) {
            *at = read(place)?;
        }
        Ok(())
    }

    /// Where the reader is in the chat of this index; `None` before its first event.
    pub(super) fn get(&self, chat: usize) -> Option<Cursor> {
        self.at.get(chat).copied().flatten()
    }

    /// Whether nothing was read in any of them.
    pub(super) fn are_at_start(&self) -> bool {
        self.at.iter().all(Option::is_none)
    }

    /// The reader has come here in the chat of this index.
    pub(super) fn set(&mut self, chat: usize, cursor: Cursor) {
        if let Some(at) = self.at.get_mut(chat) {
            *at = Some(cursor);
        }
    }

    /// Appends the text.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let begin = out.len();
        self.write_places(out, true);
        if out.len() - begin > BYTES_MAX {
            // The live events since the last recorded ones are told again, each with its offset.
            out.truncate(begin);
            self.write_places(out, false);
        }
    }

    fn write_places(&self, out: &mut Vec<u8>, with_live: bool) {
        out.extend_from_slice(self.mark.as_bytes());
        for at in &self.at {
            // A buffer takes all that is written to it.
            let _ = match at {
                None => out.write_all(b"_"),
                Some(at) if with_live && (at.live, at.offset) != (0, 0) => write!(out, "_{at}"),
                Some(at) => write!(out, "_{}", at.seq),
            };
        }
    }
}

fn read(place: &str) -> Result<Option<Cursor>, InvalidCursor> {
    if place.is_empty() {
        return Ok(None);
    }
    let Ok(seq) = place.parse::<u64>() else { return place.parse().map(Some) };
    let seq = Seq::try_from(seq).map_err(|_| InvalidCursor)?;
    Ok(Some(Cursor::after(seq)))
}

/// FNV-1a over texts that hold no control characters, so that no two lists are the same bytes.
fn fnv1a<'a>(texts: impl Iterator<Item = &'a str>) -> u64 {
    let bytes = texts.flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use polychat_core::Epoch;

    use super::*;

    fn chats(count: usize) -> Vec<ChatId> {
        (0..count).map(|n| ChatId::new(n.to_string()).unwrap()).collect()
    }

    fn places(chats: &[ChatId]) -> Places {
        Places::new(&WorldId::new("w").unwrap(), chats)
    }

    fn text(places: &Places) -> String {
        let mut text = Vec::new();
        places.write(&mut text);
        String::from_utf8(text).unwrap()
    }

    fn live(n: u64) -> Cursor {
        Cursor { seq: Seq::MAX, epoch: Epoch(n), live: n, offset: n }
    }

    // law 4: a reader goes on in each chat where it was there
    #[test]
    fn a_text_says_of_each_chat_where_its_reader_is() {
        let chats = chats(4);
        let mut before = places(&chats);
        before.set(0, Cursor { epoch: Epoch(7), ..Cursor::after(Seq::MAX) });
        before.set(2, live(3));
        before.set(3, Cursor::after(Seq::FIRST));
        let mut after = places(&chats);
        after.go_to(&text(&before)).unwrap();
        // The life of the chat's actor says nothing where no live event was read.
        assert_eq!(after.get(0), Some(Cursor::after(Seq::MAX)));
        assert_eq!(after.get(1), None);
        assert_eq!(after.get(2), Some(live(3)));
        assert_eq!(after.get(3), Some(Cursor::after(Seq::FIRST)));
        assert_eq!(text(&after), text(&before));
    }

    // law 7
    #[test]
    fn a_text_that_would_be_too_long_forgets_live_events_and_no_recorded_one() {
        let chats = chats(CHATS_MAX);
        let mut before = places(&chats);
        for chat in 0..CHATS_MAX {
            before.set(chat, live(u64::MAX));
        }
        assert!(text(&before).len() <= BYTES_MAX, "{}", text(&before).len());
        let mut after = places(&chats);
        after.go_to(&text(&before)).unwrap();
        assert!((0..CHATS_MAX).all(|chat| after.get(chat) == Some(Cursor::after(Seq::MAX))));
    }

    // REQ-13: a place in one chat is never taken for a place in another
    #[test]
    fn a_text_for_another_list_or_world_is_none() {
        let two = chats(2);
        let mut here = places(&two);
        here.set(0, Cursor::after(Seq::FIRST));
        let here = text(&here);
        let turned: Vec<_> = two.iter().rev().cloned().collect();
        let joined = [ChatId::new("01").unwrap(), ChatId::new("x").unwrap()];
        for other in [&turned[..], &two[..1], &chats(3), &joined] {
            assert_eq!(places(other).go_to(&here), Err(InvalidCursor), "{other:?}");
        }
        let mut elsewhere = Places::new(&WorldId::new("v").unwrap(), &two);
        assert_eq!(elsewhere.go_to(&here), Err(InvalidCursor));
        for broken in ["", "v1", "x", "1-0-0-0", &here[..here.len() - 3], &format!("{here}_")] {
            assert_eq!(places(&two).go_to(broken), Err(InvalidCursor), "{broken:?}");
        }
        let mark = places(&two).mark;
        for place in ["9007199254740992", "-1", "1-2", "1-2-3-x", "🙂"] {
            assert_eq!(places(&two).go_to(&format!("{mark}_1_{place}")), Err(InvalidCursor));
        }
    }
}
