//! The floor: a handler of axum that sends events it was given as texts.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    response::sse::{Event, Sse},
    routing::get,
};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::broadcast;

use crate::measure::PATH;

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

/// Tells all there is, which is there already.
pub(crate) fn there(events: Texts) -> Router {
    serving(move || {
        let events = Arc::clone(&events);
        let told = (0..events.len()).map(move |n| Ok(event(&events, n)));
        // What is there is told; the stream stays open.
        stream::iter(told).chain(stream::pending())
    })
}

/// Tells the events whose numbers are sent.
pub(crate) fn sent(events: Texts, sender: broadcast::Sender<usize>) -> Router {
    serving(move || {
        let events = Arc::clone(&events);
        stream::unfold(sender.subscribe(), move |mut sent| {
            let events = Arc::clone(&events);
            async move { Some((Ok(event(&events, sent.recv().await.ok()?)), sent)) }
        })
    })
}

fn event(events: &Texts, n: usize) -> Event {
    let (id, data) = &events[n];
    Event::default().id(id).data(data)
}

fn serving<S>(told: impl Fn() -> S + Clone + Send + Sync + 'static) -> Router
where
    S: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    Router::new().route(PATH, get(move || async move { Sse::new(told()) }))
}
