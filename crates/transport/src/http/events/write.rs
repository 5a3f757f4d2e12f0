//! The text of server-sent events.
//!
//! Most of an event is the same for all of a stream, and what happened for all who read it, so only
//! the cursor is written anew.

use std::{io::Write, time::Duration};

use polychat_core::{ChatId, Seq, WorldId};
use serde::Serialize;

use super::followed::{Followed, Told};

/// Why a stream ends that could go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Over {
    /// All is told, and nothing is at work: `?until=idle`.
    Idle,
    /// As many notices were told as were asked for: `?limit=`.
    Limit,
    /// The server is about to stop.
    Closing,
}

/// Writes the events of one stream.
pub(super) struct Writer {
    world_id: WorldId,
    /// What the data of every notice begins with.
    data: Box<[u8]>,
}

impl Writer {
    pub(super) fn new(world_id: &WorldId) -> Self {
        let mut data = b"data: {\"worldId\":".to_vec();
        json(&mut data, world_id);
        Self { world_id: world_id.clone(), data: data.into() }
    }

    /// After how long a client that lost the stream comes back, and where to, if "now" was a place
    /// that only the server knows: otherwise whoever lost it before the first event would miss some.
    pub(super) fn begin(out: &mut Vec<u8>, retry_after: Duration, followed: &Followed) {
        line(out, format_args!("retry: {}\n", retry_after.as_millis()));
        if let Some(cursor) = followed.now() {
            line(out, format_args!("id: {cursor}\n"));
        } else if let Some(places) = followed.places().filter(|places| !places.are_at_start()) {
            out.extend_from_slice(b"id: ");
            places.write(out);
            out.push(b'\n');
        }
        out.push(b'\n');
    }

    /// Something that happened, or the end of what is followed.
    pub(super) fn told(&self, out: &mut Vec<u8>, told: &Told, followed: &Followed) {
        let Told { notice, ended, .. } = told;
        match (notice.cursor, followed.places()) {
            (Some(cursor), None) => {
                out.extend_from_slice(b"id: ");
                let begin = out.len();
                line(out, format_args!("{cursor}"));
                let end = out.len();
                out.push(b'\n');
                out.extend_from_slice(&self.data);
                out.extend_from_slice(b",\"cursor\":\"");
                out.extend_from_within(begin..end);
                out.push(b'"');
            }
            (Some(cursor), Some(places)) => {
                out.extend_from_slice(b"id: ");
                places.write(out);
                out.push(b'\n');
                out.extend_from_slice(&self.data);
                line(out, format_args!(",\"cursor\":\"{cursor}\""));
            }
            (None, _) => {
                if *ended {
                    out.extend_from_slice(b"event: ended\n");
                }
                out.extend_from_slice(&self.data);
            }
        }
        out.extend_from_slice(b",\"event\":");
        out.extend_from_slice(notice.event.as_str().as_bytes());
        out.extend_from_slice(b"}\n\n");
    }

    /// The end of the stream for a reason that is not the world's.
    pub(super) fn over(&self, out: &mut Vec<u8>, over: Over, followed: &Followed) {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Ended<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            chat_id: Option<&'a ChatId>,
            #[serde(rename = "type")]
            name: &'static str,
            reason: Over,
        }

        let chat_id = followed.only_chat().map(|(chat, _)| chat);
        out.extend_from_slice(b"event: ended\n");
        out.extend_from_slice(&self.data);
        out.extend_from_slice(b",\"event\":");
        json(out, &Ended { chat_id, name: "ended", reason: over });
        out.extend_from_slice(b"}\n\n");
    }

    /// That the stream lives, and how far it has come.
    pub(super) fn heartbeat(&self, out: &mut Vec<u8>, followed: &Followed) {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Heartbeat<'a> {
            world_id: &'a WorldId,
            #[serde(skip_serializing_if = "Option::is_none")]
            chat_id: Option<&'a ChatId>,
            #[serde(skip_serializing_if = "Option::is_none")]
            head: Option<Seq>,
        }

        let (chat_id, head) = followed.only_chat().unzip();
        out.extend_from_slice(b"event: heartbeat\ndata: ");
        json(out, &Heartbeat { world_id: &self.world_id, chat_id, head });
        out.extend_from_slice(b"\n\n");
    }
}

fn line(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // A buffer takes all that is written to it.
    let _ = out.write_fmt(text);
}

fn json(out: &mut Vec<u8>, value: &impl Serialize) {
    // Texts and numbers always have a form in JSON.
    let _ = serde_json::to_writer(out, value);
}
