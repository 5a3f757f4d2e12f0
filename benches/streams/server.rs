//! The server: a world whose model says the time.

use std::{sync::Arc, time::Duration};

use polychat::{
    Limits, StreamExt, WorldBuilder, WorldId,
    ports::{Model, ModelDelta, ModelRequest, ModelStream},
    stream,
    transport::http::{self, HttpOptions},
};
use tokio::{
    io::AsyncReadExt,
    net::TcpListener,
    time::{Instant, sleep_until},
};

use crate::reader::since_epoch;

/// More than is measured, so that no limit is what is measured.
const MANY: usize = 100_000;

/// Says its words at their times: `WORDS APART BEFORE`, the latter two in microseconds.
struct Speaker;

impl Model for Speaker {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let told = request.messages.last().map(|message| message.text()).unwrap_or_default();
        let mut numbers = told.split(' ').map(|number| number.parse::<u64>().unwrap());
        let (words, apart, before) =
            (numbers.next().unwrap(), numbers.next().unwrap(), numbers.next().unwrap());
        let begin = Instant::now() + Duration::from_micros(before);
        Box::pin(stream::iter(0..words).then(move |number| async move {
            sleep_until(begin + Duration::from_micros(apart * number)).await;
            Ok(ModelDelta::Text(format!("{number}:{} ", since_epoch())))
        }))
    }
}

/// Serves until its standard input ends.
pub(crate) async fn serve() {
    let mut limits = Limits::default();
    limits.turns_running_max = MANY;
    limits.live_chats_max = MANY;
    limits.world_subscribers_max = MANY;
    let world = WorldBuilder::new("home", Speaker).limits(limits).open().await.unwrap();
    let service = world.service();
    let resolve = move |_: &WorldId, _: &axum::http::request::Parts| Ok(Arc::clone(&service));
    let router = http::router(resolve, HttpOptions::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    tokio::select! {
        served = axum::serve(listener, router) => served.unwrap(),
        _ = async { tokio::io::stdin().read_to_end(&mut Vec::new()).await } => {}
    }
}
