//! Who reads, and who of them waits: one place for a waker each.

use std::task::Waker;

/// The readers of a feed. A reader that waits has read everything there is, because everything
/// that adds to the feed takes all wakers out.
#[derive(Default)]
pub(super) struct Waiters {
    places: Vec<Place>,
    readers: usize,
    waiting: usize,
}

enum Place {
    Free,
    Reading,
    Waiting(Waker),
}

impl Waiters {
    pub(super) fn readers(&self) -> usize {
        self.readers
    }

    /// Whether every reader has read everything there is; also true without readers.
    pub(super) fn all_wait(&self) -> bool {
        self.waiting == self.readers
    }

    /// Takes a place for a reader, a free one where there is one.
    pub(super) fn join(&mut self) -> usize {
        self.readers += 1;
        let free = self.places.iter_mut().enumerate().find(|(_, p)| matches!(p, Place::Free));
        if let Some((index, place)) = free {
            *place = Place::Reading;
            return index;
        }
        self.places.push(Place::Reading);
        self.places.len() - 1
    }

    /// Frees a place. The caller drops what is returned after unlocking: dropping a waker can drop
    /// a task, and with it another reader of this feed.
    #[must_use]
    pub(super) fn leave(&mut self, index: usize) -> Option<Waker> {
        let place = self.places.get_mut(index)?;
        let old = std::mem::replace(place, Place::Free);
        if !matches!(old, Place::Free) {
            self.readers -= 1;
        }
        if self.readers == 0 {
            self.places = Vec::new();
        }
        self.vacated(old)
    }

    /// Lets a reader wait. The caller drops what is returned after unlocking, as with `leave`.
    #[must_use]
    pub(super) fn wait(&mut self, index: usize, waker: &Waker) -> Option<Waker> {
        let place = self.places.get_mut(index)?;
        if matches!(place, Place::Waiting(old) if old.will_wake(waker)) {
            return None;
        }
        let old = std::mem::replace(place, Place::Waiting(waker.clone()));
        self.waiting += 1;
        self.vacated(old)
    }

    /// Takes the wakers of all who wait, to be woken after unlocking; `None` when nobody waits.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Wakers> {
        if self.waiting == 0 { None } else { self.take_waiting() }
    }

    fn take_waiting(&mut self) -> Option<Wakers> {
        let mut wakers = Wakers { few: [const { None }; FEW], rest: Vec::new() };
        for place in &mut self.places {
            if self.waiting == 0 {
                break;
            }
            if matches!(place, Place::Waiting(_))
                && let Place::Waiting(waker) = std::mem::replace(place, Place::Reading)
            {
                self.waiting -= 1;
                wakers.add(waker, self.waiting);
            }
        }
        Some(wakers)
    }

    fn vacated(&mut self, old: Place) -> Option<Waker> {
        match old {
            Place::Waiting(waker) => {
                self.waiting -= 1;
                Some(waker)
            }
            Place::Free | Place::Reading => None,
        }
    }
}

/// So many readers are woken without an allocation.
const FEW: usize = 4;

/// Wakers taken out of a feed.
#[must_use]
pub(super) struct Wakers {
    few: [Option<Waker>; FEW],
    rest: Vec<Waker>,
}

impl Wakers {
    fn add(&mut self, waker: Waker, more: usize) {
        match self.few.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(waker),
            None => {
                self.rest.reserve(more + 1);
                self.rest.push(waker);
            }
        }
    }

    pub(super) fn wake(self) {
        self.few.into_iter().flatten().chain(self.rest).for_each(Waker::wake);
    }
}
