//! What a hostile reading of the heart found, each held by a scenario: callers that go away while
//! something begins or ends for them, outages at the wrong moment, and bounds at their extremes.

mod bounds;
mod callers;
mod outages;

use std::time::Duration;

use crate::support::House;

const SECOND: Duration = Duration::from_secs(1);

/// Fills the world with chats that are all busy: every place for a live chat is free for that.
async fn assert_room_for(house: &House, chats: usize) {
    for n in 0..chats {
        let chat = house.chat(&format!("busy {n}")).await;
        house.begin(&chat, &format!("hello {n}")).await;
    }
}
