//! One process after another over the same logs: each is a runtime of its own, and when it is lost
//! nothing of it goes on.

use polychat::Timestamp;
use polychat_testkit::clock::TokioClock;

use crate::support::{Ground, House, Setup, settle};

/// What outlives a process.
pub(super) struct Lives {
    ground: Ground,
    house: House,
    lost: u64,
}

impl Lives {
    /// The first process opens the world.
    pub(super) fn begin(ground: &Ground, setup: Setup, acts: impl AsyncFnOnce(&House)) -> Self {
        let setup = setup.on(ground);
        let house = process(async {
            let house = setup.open().await;
            acts(&house).await;
            house
        });
        Self { ground: ground.clone(), house, lost: 0 }
    }

    /// The process before is lost, and another one opens the world over a store that works.
    pub(super) fn go_on<T>(&mut self, acts: impl AsyncFnOnce(&House) -> T) -> T {
        self.house.faults.clear();
        self.go_on_as_it_is(acts)
    }

    /// The same over a store whose faults last.
    pub(super) fn go_on_as_it_is<T>(&mut self, acts: impl AsyncFnOnce(&House) -> T) -> T {
        self.ground.reopen();
        self.lost += 1;
        let began = Timestamp(1_000_000 + self.lost * 1_000_000_000);
        let (house, seen) = process(async {
            let clock = TokioClock::starting_at(began);
            let house = self.house.in_another_process(clock).await;
            settle().await;
            let seen = acts(&house).await;
            (house, seen)
        });
        self.house = house;
        seen
    }

    pub(super) fn house(&self) -> &House {
        &self.house
    }
}

/// Runs what one process does; when it has done that, it is lost with all that it was doing.
fn process<T>(does: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap().block_on(does)
}
