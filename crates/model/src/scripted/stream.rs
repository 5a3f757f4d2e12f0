//! The stream of a scripted call, as the caller holds it.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use polychat_core::ports::{ModelDelta, ModelError};

use super::{Shared, call::Channel};
use crate::step::{Done, Step, perform};

type Doing = Pin<Box<dyn Future<Output = Done> + Send>>;

pub(super) struct Scripted {
    channel: Arc<Channel>,
    shared: Arc<Shared>,
    /// The step under way; a pause or a hang takes more than one poll.
    doing: Option<Doing>,
    ended: bool,
}

impl Scripted {
    pub(super) fn new(channel: Arc<Channel>, shared: Arc<Shared>) -> Self {
        Self { channel, shared, doing: None, ended: false }
    }

    fn end(&mut self) {
        self.ended = true;
        self.channel.end();
    }
}

impl Stream for Scripted {
    type Item = Result<ModelDelta, ModelError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        while !this.ended {
            if this.doing.is_none() {
                match this.channel.pop(cx.waker()) {
                    Some(step) => {
                        if matches!(step, Step::Panic(_)) {
                            // Said before it happens: afterwards nobody is left to say it.
                            this.end();
                        }
                        this.doing = Some(Box::pin(perform(step)));
                    }
                    None => return Poll::Pending,
                }
            }
            let Some(doing) = this.doing.as_mut() else { continue };
            let done = ready!(doing.as_mut().poll(cx));
            this.doing = None;
            match done {
                Done::Nothing => {}
                Done::End => this.end(),
                Done::Item(Ok(delta)) => return Poll::Ready(Some(Ok(delta))),
                Done::Item(Err(error)) => {
                    this.end();
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        Poll::Ready(None)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.channel.drop_stream();
        self.shared.end();
    }
}
