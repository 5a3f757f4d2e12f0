//! A world that records what it is asked, what it answers, and what its subscribers receive.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use async_trait::async_trait;
use futures_core::Stream;
use polychat_core::{
    Command, CommandError, Notice, Reply, Scope, StartAt,
    ports::{NoticeStream, WorldService},
};

use super::{History, SubscriberId};

/// Wraps a world and records commands, answers, subscriptions and notices.
///
/// A notice is recorded when the subscriber takes it out of the stream: a slow reader's notices
/// are late, as they are in life. A command whose future is dropped stays without an answer.
#[derive(Debug, Clone)]
pub struct RecordingWorld<W> {
    inner: W,
    history: History,
}

impl<W> RecordingWorld<W> {
    /// Records what passes through `inner`.
    pub fn new(inner: W, history: History) -> Self {
        Self { inner, history }
    }
}

#[async_trait]
impl<W: WorldService> WorldService for RecordingWorld<W> {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        let call = self.history.sent(command.clone());
        let answer = self.inner.call(command).await;
        self.history.answered(call, answer.clone());
        answer
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        let stream = self.inner.subscribe(scope.clone(), start.clone()).await?;
        let subscriber = self.history.subscribed(scope, start);
        Ok(Box::pin(Recording { stream, subscriber, history: self.history.clone() }))
    }
}

struct Recording {
    stream: NoticeStream,
    subscriber: SubscriberId,
    history: History,
}

impl Stream for Recording {
    type Item = Notice;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Notice>> {
        let polled = self.stream.as_mut().poll_next(cx);
        if let Poll::Ready(Some(notice)) = &polled {
            self.history.noticed(self.subscriber, notice.clone());
        }
        polled
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.history.unsubscribed(self.subscriber);
    }
}
