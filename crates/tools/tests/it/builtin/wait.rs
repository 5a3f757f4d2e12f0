//! `wait`.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::poll;
use polychat_core::{FailureKind, content::text_of, ports::Tool};
use polychat_tools::builtin::{wait, wait_up_to};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Sink, answer, call_into, failure};

fn shown(sink: &Sink) -> Vec<(f64, f64)> {
    let number = |progress: &Value, name: &str| progress[name].as_f64().unwrap();
    let progress = sink.progress.lock().unwrap();
    progress.iter().map(|it| (number(it, "progress"), number(it, "total"))).collect()
}

#[tokio::test(start_paused = true)]
async fn it_waits_as_long_as_it_is_told_and_shows_each_second() {
    let (sink, begin) = (Arc::new(Sink::default()), Instant::now());
    let output = call_into(&wait(), json!({"seconds": 2.5}), &sink).await.unwrap();
    assert_eq!(begin.elapsed(), Duration::from_millis(2_500));
    assert_eq!(text_of(&output.parts), "waited 2.5 seconds");
    assert_eq!(shown(&sink), [(0.0, 2.5), (1.0, 2.5), (2.0, 2.5), (2.5, 2.5)]);
    assert_eq!(sink.progress.lock().unwrap()[1]["message"], "1 of 2.5 seconds");
}

#[tokio::test(start_paused = true)]
async fn it_shows_nothing_before_its_time() {
    let sink = Arc::new(Sink::default());
    let tool = wait();
    let mut waiting = pin!(call_into(&tool, json!({"seconds": 10}), &sink));
    assert!(poll!(waiting.as_mut()).is_pending());
    tokio::time::advance(Duration::from_millis(999)).await;
    assert!(poll!(waiting.as_mut()).is_pending());
    assert_eq!(shown(&sink), [(0.0, 10.0)]);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(poll!(waiting.as_mut()).is_pending());
    assert_eq!(shown(&sink), [(0.0, 10.0), (1.0, 10.0)]);
}

#[tokio::test(start_paused = true)]
async fn to_wait_for_nothing_takes_no_time() {
    let begin = Instant::now();
    assert_eq!(answer(&wait(), json!({"seconds": 0})).await, "waited 0 seconds");
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn it_waits_no_longer_than_its_maximum() {
    let begin = Instant::now();
    for seconds in [json!(300.01), json!(1e300), json!(-1), json!(-0.001)] {
        let failed = failure(&wait(), json!({"seconds": seconds})).await;
        assert_eq!(failed.kind, FailureKind::InvalidArguments);
        assert_eq!(&*failed.message, "seconds must be 0 to 300");
    }
    assert_eq!(begin.elapsed(), Duration::ZERO);
    assert_eq!(answer(&wait(), json!({"seconds": 300})).await, "waited 300 seconds");
}

#[test]
fn its_maximum_stands_in_its_schema_and_its_time_limit_leaves_room() {
    let spec = wait_up_to(Duration::from_secs(20)).spec();
    assert_eq!(spec.schema["properties"]["seconds"]["maximum"], 20.0);
    assert_eq!(spec.duration_max_ms, Some(30_000));
    let forever = wait_up_to(Duration::MAX).spec();
    assert!(forever.duration_max_ms.is_some());
}
