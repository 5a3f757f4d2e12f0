//! The subscriptions of one connection, served in turn.
//!
//! Each pulls from its own cursor, and only when the connection has room. One that had its turn
//! goes behind all others that have something to say, so a flooding chat delays a calm one by one
//! event per subscription, whatever it has to say.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_util::{
    stream::{SelectAll, StreamExt},
    task::AtomicWaker,
};

use crate::{
    bytes::Notices,
    ipc::{event::EventHead, protocol::SubscriptionId},
    wire::WireNotice,
};

/// The subscriptions of one connection.
#[derive(Default)]
pub(super) struct Subscriptions {
    in_turn: SelectAll<One>,
    by_id: HashMap<SubscriptionId, Arc<Control>>,
}

impl Subscriptions {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Takes one in; `room` is how many of its events may be under way, `None` for any number.
    pub(super) fn insert(&mut self, head: EventHead, notices: Notices, room: Option<u64>) {
        let control = Arc::new(Control {
            bounded: room.is_some(),
            room: AtomicU64::new(room.unwrap_or(0)),
            ended: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        self.by_id.insert(head.subscription_id().clone(), Arc::clone(&control));
        self.in_turn.push(One { head: Arc::new(head), notices: Some(notices), control });
    }

    /// The next one's next event; pending while nobody has any.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<(Arc<EventHead>, WireNotice)> {
        loop {
            match self.in_turn.poll_next_unpin(cx) {
                Poll::Ready(Some((head, Some(notice)))) => return Poll::Ready((head, notice)),
                Poll::Ready(Some((head, None))) => {
                    self.by_id.remove(head.subscription_id());
                }
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Ends one; none of its events comes after this. One that has ended already may be ended.
    pub(super) fn remove(&mut self, id: &SubscriptionId) {
        if let Some(control) = self.by_id.remove(id) {
            control.ended.store(true, Ordering::Relaxed);
            control.waker.wake();
        }
    }

    /// The client has room for further events of this one.
    pub(super) fn more(&self, id: &SubscriptionId, events: u64) {
        if let Some(control) = self.by_id.get(id) {
            let room = control.room.load(Ordering::Relaxed).saturating_add(events);
            control.room.store(room, Ordering::Relaxed);
            control.waker.wake();
        }
    }
}

/// What the connection tells a subscription. Only the connection's own task touches it.
struct Control {
    bounded: bool,
    room: AtomicU64,
    ended: AtomicBool,
    waker: AtomicWaker,
}

/// One subscription: its events, then one `None` to say that it has ended.
struct One {
    head: Arc<EventHead>,
    notices: Option<Notices>,
    control: Arc<Control>,
}

impl Stream for One {
    type Item = (Arc<EventHead>, Option<WireNotice>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.control.waker.register(cx.waker());
        if this.control.ended.load(Ordering::Relaxed) {
            return Poll::Ready(None);
        }
        let Some(notices) = this.notices.as_mut() else { return Poll::Ready(None) };
        let room = this.control.room.load(Ordering::Relaxed);
        // To be over needs no room.
        if this.control.bounded && room == 0 && !notices.have_ended() {
            return Poll::Pending;
        }
        let Poll::Ready(notice) = Pin::new(notices).poll_next(cx) else { return Poll::Pending };
        if notice.is_none() {
            this.notices = None;
        }
        this.control.room.store(room.saturating_sub(1), Ordering::Relaxed);
        Poll::Ready(Some((Arc::clone(&this.head), notice)))
    }
}
