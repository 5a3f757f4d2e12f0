//! The message of one event, spliced from what is written already.
//!
//! Most of it is the same for all events of a subscription, and the event itself for all who read
//! it, so only the cursor is written anew. What comes out is what [`EventParams`] in a
//! [`Notification`] would be; that type says what the message is, this is a faster way to it.

use std::fmt::Write;

use bytes::BytesMut;
use polychat_core::WorldId;
use serde::Serialize;
use tokio_util::codec::Encoder;

use super::{
    error::ConnectionError,
    frame::FrameCodec,
    protocol::{SubscriptionId, method},
    rpc::Notification,
};
#[cfg(doc)]
use crate::ipc::protocol::EventParams;
use crate::wire::WireNotice;

/// What all events of one subscription begin with.
#[derive(Debug)]
pub(super) struct EventHead {
    id: SubscriptionId,
    /// The message up to the world's id.
    begin: Box<[u8]>,
}

impl EventHead {
    pub(super) fn new(id: SubscriptionId, world_id: &WorldId) -> Result<Self, ConnectionError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Begin<'a> {
            subscription_id: &'a SubscriptionId,
            world_id: &'a WorldId,
        }

        let begin = Notification::new(method::EVENT, Begin { subscription_id: &id, world_id });
        let begin = serde_json::to_vec(&begin)
            .map_err(|error| ConnectionError::Protocol { why: crate::error::why(&error) })?;
        // The parameters and the message go on, and end with the event.
        let begin = begin.strip_suffix(b"}}").unwrap_or(&begin).into();
        Ok(Self { id, begin })
    }

    /// Whose events.
    pub(super) fn subscription_id(&self) -> &SubscriptionId {
        &self.id
    }
}

/// The message of one event of the subscription with this head.
#[derive(Debug)]
pub(super) struct EventMessage<'a> {
    pub(super) head: &'a EventHead,
    /// Of the world that the head names.
    pub(super) notice: &'a WireNotice,
}

impl Encoder<EventMessage<'_>> for FrameCodec {
    type Error = ConnectionError;

    fn encode(&mut self, message: EventMessage<'_>, out: &mut BytesMut) -> Result<(), Self::Error> {
        let EventMessage { head, notice } = message;
        let begin = out.len();
        out.extend_from_slice(&head.begin);
        if let Some(cursor) = notice.cursor {
            // Numbers and dashes, so nothing in it is to be escaped; and a buffer takes all.
            let _ = write!(out, r#","cursor":"{cursor}""#);
        }
        out.extend_from_slice(br#","event":"#);
        out.extend_from_slice(notice.event.as_str().as_bytes());
        out.extend_from_slice(b"}}");
        self.close(begin, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use polychat_core::{Cursor, Epoch, Seq};

    use super::*;
    use crate::{
        ipc::{
            frame::{Framing, Json},
            protocol::EventParams,
        },
        wire::EncodedEvent,
    };

    // law 4: the two ways to write an event must never differ
    #[test]
    fn a_spliced_event_is_the_message_that_its_type_says() {
        let world_id = WorldId::new("wörld \"1\"").unwrap();
        let id = SubscriptionId::new(7);
        let head = EventHead::new(id.clone(), &world_id).unwrap();
        let cursor = Cursor { seq: Seq::MAX, epoch: Epoch(u64::MAX), live: 0, offset: 9 };
        for cursor in [None, Some(cursor)] {
            let event = EncodedEvent::new(&serde_json::json!({ "type": "x", "text": "}}\n" }));
            let notice = WireNotice { world_id: world_id.clone(), cursor, event: event.unwrap() };
            for framing in [Framing::Lines, Framing::ContentLength] {
                let mut codec = FrameCodec::new(framing, 0);
                let (mut spliced, mut written) =
                    (BytesMut::from("before"), BytesMut::from("before"));
                codec.encode(EventMessage { head: &head, notice: &notice }, &mut spliced).unwrap();
                let params = EventParams { subscription_id: &id, notice: &notice };
                codec.encode(Json(Notification::new(method::EVENT, params)), &mut written).unwrap();
                assert_eq!(spliced, written);
            }
        }
    }
}
