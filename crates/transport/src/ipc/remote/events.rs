//! The events of one subscription at the end beside the caller.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use tokio::sync::mpsc;

use super::driver::Order;
use crate::ipc::protocol::{More, SubscriptionId};

/// The events of one subscription, as they came. Dropping it unsubscribes.
pub(super) struct Events {
    id: SubscriptionId,
    waiting: mpsc::Receiver<Vec<u8>>,
    orders: mpsc::UnboundedSender<Order>,
    /// Taken since the server was last told that there is room.
    taken: usize,
}

impl Events {
    pub(super) fn new(
        id: SubscriptionId,
        waiting: mpsc::Receiver<Vec<u8>>,
        orders: mpsc::UnboundedSender<Order>,
    ) -> Self {
        Self { id, waiting, orders, taken: 0 }
    }
}

impl Stream for Events {
    type Item = Vec<u8>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let Some(event) = ready!(self.waiting.poll_recv(cx)) else { return Poll::Ready(None) };
        self.taken += 1;
        // Half of the room at a time, so that the server need not stop and little is said.
        if self.taken >= self.waiting.max_capacity().div_ceil(2) {
            let events = u64::try_from(std::mem::take(&mut self.taken)).unwrap_or(u64::MAX);
            let more = More { subscription_id: self.id.clone(), events };
            // Without a connection nothing more comes, and the stream will say so.
            let _ = self.orders.send(Order::More(more));
        }
        Poll::Ready(Some(event))
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Unsubscribe(self.id.clone()));
    }
}
