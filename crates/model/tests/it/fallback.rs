//! `Fallback`: who is asked, when, and what comes out.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::{FutureExt, StreamExt, future::join_all};
use polychat_core::{
    event::FinishReason,
    message::Usage,
    ports::{Model, ModelDelta, ModelError, ModelErrorKind, ModelRequest, ModelStream},
};
use polychat_model::{Fallback, Script, ScriptedModel, Step};
use tracing::Level;

use crate::{
    history::{History, Taken, poll_once, take},
    log::Log,
};

use ModelErrorKind::{HostGone, InvalidResponse, RateLimited, Refused, Unavailable};

fn ask(text: &str) -> ModelRequest {
    History::default().user(text).request()
}

fn error(kind: ModelErrorKind) -> ModelError {
    ModelError::new(kind, "as the test wants it")
}

/// A model that begins with these steps whatever it is asked.
fn steps(steps: Vec<Step>) -> ScriptedModel {
    ScriptedModel::answering(move |_| steps.clone())
}

fn failing(error: ModelError) -> ScriptedModel {
    steps(vec![Step::Error(error)])
}

/// Two models in a row, and what tells them what to say.
fn pair() -> (Fallback, Script, Script) {
    let ((first, one), (second, two)) = (ScriptedModel::new(), ScriptedModel::new());
    (Fallback::new(first).then(second), one, two)
}

/// Polls an answer that has nothing to say yet, so that its model is asked.
async fn begin(stream: &mut ModelStream) {
    assert!(poll_once(stream).await.is_pending());
}

#[tokio::test]
async fn a_model_that_answers_is_the_only_one_that_is_asked() {
    let (model, one, two) = pair();
    let mut stream = model.stream(ask("hello"));
    begin(&mut stream).await;
    let call = one.next_call().await;
    assert_eq!(call.last_user_text(), "hello");
    call.text("hi").usage(1, 2).reason(FinishReason::Length).finish();
    let deltas: Vec<_> = stream.map(Result::unwrap).collect().await;
    let expected = [
        ModelDelta::Text("hi".to_owned()),
        ModelDelta::Usage(Usage::new(1, 2)),
        ModelDelta::Finish(FinishReason::Length),
    ];
    assert_eq!(deltas, expected);
    assert_eq!(two.calls_seen(), 0);
}

#[tokio::test]
async fn only_a_model_that_cannot_be_had_is_passed_over() {
    for (kind, passed_over) in [
        (Unavailable, true),
        (RateLimited, true),
        (HostGone, true),
        (Refused, false),
        (InvalidResponse, false),
    ] {
        let model = Fallback::new(failing(error(kind))).then(steps(vec![Step::text("second")]));
        let taken = take(&model, ask("hello")).await;
        let expected = if passed_over { ("second", None) } else { ("", Some(kind)) };
        let text = taken.text();
        assert_eq!((text.as_str(), taken.error.map(|error| error.kind)), expected);
    }
}

#[tokio::test]
async fn the_next_model_is_given_the_same_request() {
    // REQ-2
    let (model, one, two) = pair();
    let mut request = History::default().user("one").assistant("two").user("three").request();
    request.system = "Be brief.".into();
    request.params.temperature = Some(0.5);
    let mut stream = model.stream(request.clone());
    begin(&mut stream).await;
    one.next_call().await.fail(error(Unavailable));
    begin(&mut stream).await;
    let asked = two.next_call().await;
    assert_eq!(asked.request().messages, request.messages);
    assert_eq!(asked.request().system, request.system);
    assert_eq!(asked.request().params, request.params);
}

#[tokio::test]
async fn after_the_first_delta_an_error_goes_through_as_it_is() {
    // Even when nothing of it was visible: it was counted, or was thought.
    for first in [Step::text("hel"), Step::reasoning("hm"), Step::usage(1, 0)] {
        let limited = error(RateLimited).retry_after(Duration::from_secs(7));
        let model = Fallback::new(steps(vec![first, Step::Error(limited)]))
            .then(steps(vec![Step::text("never heard")]));
        let taken = take(&model, ask("hello")).await;
        assert_eq!(taken.deltas.len(), 1, "{taken:?}");
        let error = taken.error.unwrap();
        assert_eq!(error.kind, RateLimited);
        assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
        assert_eq!(&*error.message, "as the test wants it");
    }
}

#[tokio::test]
async fn an_answer_without_a_word_is_complete() {
    let second = steps(vec![Step::text("never heard")]);
    let taken = take(&Fallback::new(steps(vec![])).then(second), ask("hello")).await;
    assert_eq!((taken.deltas.len(), taken.error.is_none()), (0, true));
}

#[tokio::test]
async fn models_are_asked_in_their_order_until_one_answers() {
    let out = || failing(error(Unavailable));
    let model = Fallback::new(out()).then(out()).then(steps(vec![Step::text("third")])).then(out());
    assert_eq!(take(&model, ask("hello")).await.text(), "third");
}

#[tokio::test]
async fn when_no_model_answers_the_error_is_that_of_the_one_that_comes_back_first() {
    let secs = Duration::from_secs;
    let out = || error(Unavailable);
    let limited = |pause| error(RateLimited).retry_after(secs(pause));
    let table: Vec<(Vec<ModelError>, _)> = vec![
        (vec![out()], (Unavailable, false, None)),
        (vec![limited(9), limited(4), limited(6)], (RateLimited, true, Some(secs(4)))),
        // A pause of our own choice is sooner than one that a provider has chosen.
        (vec![limited(9), out().retryable()], (Unavailable, true, None)),
        // What may pass counts, though the last one said that it will not.
        (vec![limited(9), out(), error(Refused)], (RateLimited, true, Some(secs(9)))),
        (vec![out(), error(Refused)], (Unavailable, false, None)),
        (vec![error(Refused), limited(1)], (Refused, false, None)),
    ];
    for (errors, expected) in table {
        let shown = format!("{errors:?}");
        let mut models = errors.into_iter().map(failing);
        let first = Fallback::new(models.next().unwrap());
        let Taken { deltas, error } = take(&models.fold(first, Fallback::then), ask("hello")).await;
        assert_eq!(deltas, [], "{shown}");
        let error = error.unwrap();
        assert_eq!((error.kind, error.retryable, error.retry_after), expected, "{shown}");
    }
}

#[tokio::test]
async fn when_no_model_answers_the_error_tells_of_each_one() {
    let model = Fallback::new(failing(ModelError::new(Unavailable, "the house is dark")))
        .then(failing(ModelError::new(Refused, format!("the key is bad {}", "x".repeat(9_999)))));
    let error = take(&model, ask("hello")).await.error.unwrap();
    let beginning =
        "no model answered: unavailable: the house is dark; refused: the key is bad xxx";
    assert!(error.message.starts_with(beginning), "{error}");
    assert!(error.message.len() < 1_000, "{} bytes", error.message.len());

    let alone = Fallback::new(failing(ModelError::new(Unavailable, "the house is dark")));
    let error = take(&alone, ask("hello")).await.error.unwrap();
    assert_eq!(&*error.message, "the house is dark", "one model speaks for itself");
}

#[tokio::test]
async fn a_request_that_is_passed_on_changes_nothing_for_others() {
    // law 6, REQ-11
    let (model, one, two) = pair();
    let names = ["ada", "bob", "eve"];
    let mut streams = names.map(|name| model.stream(ask(name)));
    for stream in &mut streams {
        begin(stream).await;
    }
    // Bob's model cannot be had; those who were asked before and after him go on with theirs.
    one.call_for("bob").await.fail(error(Unavailable));
    begin(&mut streams[1]).await;
    let (ada, bob, eve) =
        (one.call_for("ada").await, two.call_for("bob").await, one.call_for("eve").await);
    for (call, text) in [(&eve, "first to eve"), (&bob, "second to bob"), (&ada, "first to ada")] {
        call.text(text).finish();
    }
    let texts = join_all(streams.map(|stream| async {
        let deltas: Vec<_> = stream.map(Result::unwrap).collect().await;
        deltas
    }));
    let expected = ["first to ada", "second to bob", "first to eve"]
        .map(|text| vec![ModelDelta::Text(text.to_owned())]);
    assert_eq!(texts.await, expected);

    // And the next request begins with the first model again: nothing is remembered.
    let mut later = model.stream(ask("bob again"));
    begin(&mut later).await;
    assert_eq!((one.calls_seen(), two.calls_seen()), (4, 1));
}

#[tokio::test]
async fn dropping_the_answer_stops_whoever_works_on_it() {
    // REQ-12
    let (model, one, two) = pair();
    let mut stream = model.stream(ask("hello"));
    assert_eq!(one.calls_seen(), 0, "nobody works before the answer is asked for");
    begin(&mut stream).await;
    let first = one.next_call().await;
    drop(stream);
    assert!(first.is_cancelled(), "while the first one has said nothing");

    let mut stream = model.stream(ask("hello"));
    begin(&mut stream).await;
    let first = one.next_call().await;
    first.fail(error(Unavailable));
    begin(&mut stream).await;
    assert!(first.is_dropped(), "who is passed over keeps nothing");
    let second = two.next_call().await;
    second.text("hel");
    stream.next().await.unwrap().unwrap();
    assert!(!second.is_dropped());
    drop(stream);
    assert!(second.is_cancelled(), "in the middle of the second one's answer");
    assert_eq!((one.calls_open(), two.calls_open()), (0, 0));
}

/// Panics before it has a stream to show.
struct Bomb;

impl Model for Bomb {
    fn stream(&self, request: ModelRequest) -> ModelStream {
        let text = request.messages.last().map(|message| message.text()).unwrap_or_default();
        assert_ne!(text, "explode", "as the test wants it");
        steps(vec![Step::Error(error(Unavailable))]).stream(request)
    }
}

#[tokio::test]
async fn a_panic_is_no_unavailability_and_stays_in_its_request() {
    // law 6
    for model in [
        Fallback::new(Bomb).then(steps(vec![Step::text("stand-in")])),
        Fallback::new(failing(error(Unavailable)))
            .then(Bomb)
            .then(steps(vec![Step::text("stand-in")])),
    ] {
        // Beginning must not panic, only polling.
        let mut stream = model.stream(ask("explode"));
        let panic = AssertUnwindSafe(stream.next()).catch_unwind().await;
        assert!(panic.is_err(), "{panic:?}");
        assert_eq!(take(&model, ask("hello")).await.text(), "stand-in");
    }
}

#[tokio::test]
async fn the_log_says_which_model_is_passed_over_and_nothing_of_what_was_said() {
    // NFR-1, NFR-4
    let log = Log::default();
    let _guard = log.listen(Level::TRACE);
    let secret = |kind| ModelError::new(kind, "canary-of-a-provider");
    let model = Fallback::new(failing(secret(Unavailable)))
        .then(failing(secret(RateLimited)))
        .then(failing(secret(Refused)));
    take(&model, ask("canary-of-a-prompt")).await;
    let text = log.text();
    let lines: Vec<&str> = text.lines().collect();
    // The last one is not passed over: its error comes out.
    assert_eq!(lines.len(), 2, "{text}");
    for (line, fields) in
        lines.iter().zip(["place=1 kind=unavailable", "place=2 kind=rate limited"])
    {
        assert!(line.contains("WARN"), "{line}");
        assert!(line.contains("polychat_model::fallback"), "{line}");
        assert!(line.contains("a model is passed over"), "{line}");
        assert!(line.contains(fields), "{line}");
    }
    assert!(!text.contains("canary"), "{text}");
}
