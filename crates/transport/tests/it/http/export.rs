//! Chats taken out as text.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use futures_util::{StreamExt, stream, stream::BoxStream};
use polychat_core::{CommandError, Fault, FaultKind, Refusal, Reply, Scope, ports::WorldService};
use polychat_testkit::{fake_world::FakeWorld, samples::chat_id};
use polychat_transport::http::{ExportFormat, Exporter, HttpOptions};
use tower::ServiceExt;

use super::{ask, door};

/// Says what it was asked for; then it may break off.
struct Echo {
    then: Option<CommandError>,
    first: Option<CommandError>,
}

impl Exporter for Echo {
    fn export(
        &self,
        _: Arc<dyn WorldService>,
        scope: Scope,
        format: ExportFormat,
    ) -> BoxStream<'static, Result<String, CommandError>> {
        let first = self.first.clone().map_or_else(|| Ok(format!("{scope:?}\n{format:?}\n")), Err);
        stream::iter([first].into_iter().chain(self.then.clone().map(Err))).boxed()
    }
}

fn exporting(exporter: Echo) -> axum::Router {
    let mut options = HttpOptions::default();
    options.exporter = Some(Arc::new(exporter));
    door(Arc::new(FakeWorld::always(Ok(Reply::Done))), options)
}

// issue 6: export
#[tokio::test]
async fn a_chat_and_a_world_are_taken_out_in_the_form_that_is_asked_for() {
    let router = exporting(Echo { first: None, then: None });
    let chat = Scope::Chat(chat_id("a\"b"));
    for (path, scope, format, media, name) in [
        ("/export", &Scope::World, "Jsonl", "application/x-ndjson", "world.jsonl"),
        ("/export?format=markdown", &Scope::World, "Markdown", "text/markdown", "world.md"),
        ("/chats/a%22b/export", &chat, "Jsonl", "application/x-ndjson", "chat.jsonl"),
        ("/chats/a%22b/export?format=markdown", &chat, "Markdown", "text/markdown", "chat.md"),
    ] {
        let answer = ask(&router, Method::GET, path, None).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, format!("{scope:?}\n{format}\n"), "{path}");
        let said = answer.header(header::CONTENT_TYPE);
        assert_eq!(said, format!("{media}; charset=utf-8"));
        let disposition = answer.header(header::CONTENT_DISPOSITION);
        assert_eq!(disposition, format!("attachment; filename=\"{name}\""));
    }
}

// issue 6: nobody takes a part for the whole
#[tokio::test]
async fn an_export_that_fails_is_a_problem_at_first_and_breaks_off_later() {
    let unknown = CommandError::from(Refusal::UnknownChat { chat_id: chat_id("a") });
    let router = exporting(Echo { first: Some(unknown), then: None });
    let answer = ask(&router, Method::GET, "/chats/a/export", None).await;
    assert_eq!(answer.problem(), (404, "unknown_chat".into()));

    let away = CommandError::from(Fault::new(FaultKind::StoreUnavailable, "away"));
    let router = exporting(Echo { first: None, then: Some(away) });
    let request = Request::get("/v1/worlds/w/export").body(Body::empty()).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut pieces = answer.into_body().into_data_stream();
    assert!(pieces.next().await.unwrap().is_ok());
    assert!(pieces.next().await.unwrap().is_err());
}

// issue 6
#[tokio::test]
async fn where_nobody_brought_an_exporter_nothing_is_taken_out() {
    let world = Arc::new(FakeWorld::always(Ok(Reply::Done)));
    let router = door(world, HttpOptions::default());
    for path in ["/export", "/chats/a/export"] {
        let answer = ask(&router, Method::GET, path, None).await;
        assert_eq!(answer.problem(), (501, "unsupported".into()));
    }
}
