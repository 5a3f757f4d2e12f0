//! Readers in step share one encoding (law 4: nothing is made per subscriber but the envelope).

use std::sync::Arc;

use polychat_core::{Cursor, Event, Live, Notice, Recorded, Scope};
use polychat_testkit::samples::{chat_id, every_live, recorded, seq, world_id};
use polychat_transport::wire::{EventEncoder, WireNotice, encode_notice};

fn event() -> Arc<Recorded> {
    recorded(&chat_id("a"), seq(1), Event::ChatClosed {})
}

#[test]
fn the_same_event_is_encoded_once_for_all_its_readers() {
    let (encoder, event) = (EventEncoder::new(), event());
    let first = encoder.recorded(&event).unwrap();
    assert!(first.shares_with(&encoder.recorded(&Arc::clone(&event)).unwrap()));
    let live: Arc<Live> = Arc::new(every_live(&chat_id("a")).remove(0));
    let chunk = encoder.live(&live).unwrap();
    assert!(chunk.shares_with(&encoder.live(&live).unwrap()));
    assert!(first.shares_with(&encoder.recorded(&event).unwrap()));
}

#[test]
fn an_equal_event_elsewhere_is_another_one() {
    let encoder = EventEncoder::new();
    let first = encoder.recorded(&event()).unwrap();
    let second = encoder.recorded(&event()).unwrap();
    assert!(!first.shares_with(&second));
    assert_eq!(first.as_str(), second.as_str());
}

// law 7
#[test]
fn an_encoder_forgets_what_nobody_reads_any_more() {
    let (encoder, old) = (EventEncoder::new(), event());
    let first = encoder.recorded(&old).unwrap();
    for _ in 0..1_000 {
        encoder.recorded(&event()).unwrap();
    }
    assert_eq!(Arc::strong_count(&old), 1, "the encoder still holds the event");
    assert!(!first.shares_with(&encoder.recorded(&old).unwrap()));
}

#[test]
fn readers_at_different_places_share_the_event_and_keep_their_cursors() {
    let (world, scope) = (world_id("w"), Scope::Chat(chat_id("a")));
    let (encoder, event) = (EventEncoder::new(), event());
    let at = |n| Notice::Recorded { cursor: Cursor::after(seq(n)), event: Arc::clone(&event) };
    let first = WireNotice::new(&world, &scope, &at(1), &encoder).unwrap();
    let second = WireNotice::new(&world, &scope, &at(2), &encoder).unwrap();
    assert!(first.event.shares_with(&second.event));
    assert_ne!(first.cursor, second.cursor);
}

#[test]
fn a_recorded_event_travels_in_its_stored_form() {
    let (world, scope) = (world_id("w"), Scope::Chat(chat_id("a")));
    let event = event();
    let notice = Notice::Recorded { cursor: Cursor::after(seq(1)), event: Arc::clone(&event) };
    let bytes = encode_notice(&world, &scope, &notice, &EventEncoder::new()).unwrap();
    let stored = serde_json::to_string(&*event).unwrap();
    assert!(String::from_utf8(bytes).unwrap().ends_with(&format!(r#""event":{stored}}}"#)));
}
