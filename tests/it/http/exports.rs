//! Chats taken out over HTTP, in the formats of `transfer`.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use polychat::{Exports, transfer::Export, transport::http::HttpOptions};

use super::{ask, door_with};
use crate::support::house;

// issue 6: export, as `transfer` makes it
#[tokio::test(start_paused = true)]
async fn what_is_taken_out_over_http_is_what_transfer_takes_out() {
    let house = house().open().await;
    for id in ["a", "b"] {
        let chat = house.chat(id).await;
        house.turn(&chat, &format!("green tea for {id}"), "well").await;
    }
    let mut options = HttpOptions::default();
    options.exporter = Some(Arc::new(Exports));
    let router = door_with(&house.local, options);
    let (world, chat) = (
        || Export::world(house.local.service()),
        || Export::chat(house.local.service(), polychat::ChatId::new("a").unwrap()),
    );
    for (path, pieces) in [
        ("/export", world().json_lines()),
        ("/export?format=jsonl", world().json_lines()),
        ("/export?format=markdown", world().markdown()),
        ("/chats/a/export", chat().json_lines()),
        ("/chats/a/export?format=markdown", chat().markdown()),
    ] {
        let answer = ask(&router, Method::GET, path, None).await;
        let text = pieces.into_text().await.unwrap();
        assert!(text.contains("green tea for a"), "{text}");
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, text), "{path}");
    }
    let answer = ask(&router, Method::GET, "/chats/nobody/export", None).await;
    assert_eq!(answer.json()["code"], "unknown_chat");
}
