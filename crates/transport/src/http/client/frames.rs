//! The notices of one stream, out of the body of its answer.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use hyper::body::{Body, Incoming};
use polychat_core::{Fault, FaultKind};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use super::event_parser::{Came, Event, EventParser};
use crate::ipc::remote::Ended;

/// The notices of one stream, one frame each, as they came. Dropping it closes the connection.
pub(super) struct EventFrames {
    body: Incoming,
    parser: EventParser,
    /// Told when it breaks off, as opposed to ending with a reason.
    ended: Ended,
    _place: OwnedSemaphorePermit,
}

impl EventFrames {
    pub(super) fn new(
        body: Incoming,
        notice_bytes_max: usize,
        ended: Ended,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self { body, parser: EventParser::new(notice_bytes_max), ended, _place: place }
    }

    fn lost(&self, why: &str) -> Poll<Option<Vec<u8>>> {
        self.ended.because(Fault::new(FaultKind::ConnectionLost, why));
        Poll::Ready(None)
    }
}

impl Stream for EventFrames {
    type Item = Vec<u8>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        loop {
            match self.parser.next() {
                Some(Came::Event(event)) if is_goodbye(&event) => {
                    return self.lost("the server is about to stop");
                }
                Some(Came::Event(Event { name, data })) => match name.as_str() {
                    "message" | "ended" => return Poll::Ready(Some(data)),
                    // A heartbeat, or what a newer server has to say beside the notices.
                    _ => continue,
                },
                // No notice, which its reader finds out.
                Some(Came::TooLong) => return Poll::Ready(Some(Vec::new())),
                None => {}
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.parser.push(&bytes);
                    }
                }
                Some(Err(error)) => return self.lost(&format!("the stream broke off: {error}")),
                None => return self.lost("the stream broke off"),
            }
        }
    }
}

/// Whether the server ends a stream only because it stops serving for now.
fn is_goodbye(Event { name, data }: &Event) -> bool {
    #[derive(Deserialize)]
    struct Notice<'a> {
        #[serde(borrow)]
        event: Ended<'a>,
    }
    #[derive(Deserialize)]
    struct Ended<'a> {
        reason: &'a str,
    }
    name == "ended"
        && serde_json::from_slice::<Notice<'_>>(data).is_ok_and(|it| it.event.reason == "closing")
}
