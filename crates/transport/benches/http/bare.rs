//! The floor: a handler of axum that sends events it was given as texts.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    response::sse::{Event, Sse},
    routing::get,
};
use futures_util::{Stream, stream};

use crate::{measure::PATH, source::Pace};

/// Id and data of an event.
pub(crate) type Texts = Arc<[(String, String)]>;

/// The events in what was sent.
pub(crate) fn events(sent: &str) -> Texts {
    let events = sent.split_terminator("\n\n");
    let texts = events.map(|event| {
        let (id, data) = event.split_once('\n').unwrap();
        let (id, data) = (id.strip_prefix("id: ").unwrap(), data.strip_prefix("data: ").unwrap());
        (id.to_owned(), data.to_owned())
    });
    texts.collect()
}

pub(crate) fn router(pace: Pace, events: Texts) -> Router {
    Router::new().route(PATH, get(move || async move { Sse::new(told(pace, events)) }))
}

fn told(pace: Pace, events: Texts) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(0, move |n| {
        let next = events.get(n).map(|(id, data)| Event::default().id(id).data(data));
        async move {
            // What is there is told; the stream stays open.
            let Some(event) = next else { return std::future::pending().await };
            if n > 0 {
                pace.after(n).await;
            }
            Some((Ok(event), n + 1))
        }
    })
}
