//! What a chat costs while it does nothing: thousands of them are to be live at once.

use std::mem::size_of;

use polychat_core::{Command, Event, Recorded, rules::ChatState};

#[test]
fn states_and_events_stay_small() {
    // An idle live chat has 8 kB for everything, most of which its actor needs.
    let sizes = [
        ("ChatState", size_of::<ChatState>(), 336),
        ("Event", size_of::<Event>(), 112),
        ("Recorded", size_of::<Recorded>(), 144),
        ("Command", size_of::<Command>(), 144),
    ];
    for (name, bytes, max) in sizes {
        println!("{name}: {bytes} bytes");
        assert!(bytes <= max, "{name} has {bytes} bytes, at most {max} were planned");
    }
}
