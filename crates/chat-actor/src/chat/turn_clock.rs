//! How long the running turn has run. The time in which it waits for a person does not count.

use std::time::Duration;

use polychat_core::TurnId;
use tokio::time::Instant;

use crate::step::after;

/// The clock of one turn at a time. It begins anew with each life of the actor. An idle chat, of
/// which there are many, has no room for one.
#[derive(Default)]
pub(super) struct TurnClock(Option<Box<Running>>);

struct Running {
    turn: TurnId,
    began: Instant,
    /// How long it ran before it last went on.
    ran: Duration,
    /// Since when it runs; `None` while it waits.
    since: Option<Instant>,
}

impl TurnClock {
    /// Lets the clock of a turn run, and answers with the moment at which `max` is used up.
    pub(super) fn deadline(&mut self, turn: TurnId, max: Duration) -> Instant {
        let now = Instant::now();
        let running = match &mut self.0 {
            Some(running) if running.turn == turn => running,
            other => {
                let running = Running { turn, began: now, ran: Duration::ZERO, since: None };
                other.insert(Box::new(running))
            }
        };
        let since = *running.since.get_or_insert(now);
        after(since, max.saturating_sub(running.ran))
    }

    /// Stops the clock: the turn only waits.
    pub(super) fn pause(&mut self) {
        let Some(running) = &mut self.0 else { return };
        if let Some(since) = running.since.take() {
            running.ran += since.elapsed();
        }
    }

    /// How long a turn that has ended took, waiting included.
    pub(super) fn ended(&mut self, turn: TurnId) -> Option<Duration> {
        let running = self.0.take_if(|running| running.turn == turn)?;
        Some(running.began.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use polychat_core::Seq;
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn turn(n: u64) -> TurnId {
        TurnId(Seq::try_from(n).unwrap())
    }

    // Issue 3: a turn that waits for a person stops its deadlines
    #[tokio::test(start_paused = true)]
    async fn waiting_does_not_count_and_working_does() {
        let (mut clock, begin) = (TurnClock::default(), Instant::now());
        assert_eq!(clock.deadline(turn(1), 10 * SECOND), begin + 10 * SECOND);
        advance(4 * SECOND).await;
        assert_eq!(clock.deadline(turn(1), 10 * SECOND), begin + 10 * SECOND);
        clock.pause();
        advance(100 * SECOND).await;
        clock.pause();
        let again = Instant::now();
        assert_eq!(clock.deadline(turn(1), 10 * SECOND), again + 6 * SECOND);
        advance(SECOND).await;
        assert_eq!(clock.ended(turn(1)), Some(105 * SECOND));
        assert_eq!(clock.ended(turn(1)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn another_turn_has_its_whole_time() {
        let mut clock = TurnClock::default();
        clock.deadline(turn(1), 10 * SECOND);
        advance(9 * SECOND).await;
        assert_eq!(clock.deadline(turn(2), 10 * SECOND), Instant::now() + 10 * SECOND);
        assert_eq!(clock.ended(turn(1)), None);
    }
}
