//! The clock and the ids of a real machine.

use polychat_core::{
    ChatId, PromptId, Timestamp,
    ports::{Clock, Ids},
};

/// The machine's time of day.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port's one real clock")]
    fn now(&self) -> Timestamp {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let millis = now.map(|since| since.as_millis()).unwrap_or_default();
        Timestamp(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

/// Random ids that sort by the time of their making (UUID version 7).
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn chat(&self) -> ChatId {
        fresh(|text| ChatId::new(text))
    }

    fn prompt(&self) -> PromptId {
        fresh(|text| PromptId::new(text))
    }
}

/// The text of a UUID is always an id, so this makes one at the first attempt.
fn fresh<T, E>(parse: impl Fn(&str) -> Result<T, E>) -> T {
    loop {
        let uuid = uuid::Uuid::now_v7();
        let mut buffer = uuid::Uuid::encode_buffer();
        if let Ok(id) = parse(uuid.hyphenated().encode_lower(&mut buffer)) {
            return id;
        }
    }
}
