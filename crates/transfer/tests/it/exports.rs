//! The stream of an export.

use std::sync::Arc;

use futures_util::StreamExt;
use polychat_core::{
    ChatId, Command, CommandError, Refusal, Reply, Scope, StartAt,
    command::NewChat,
    ports::{NoticeStream, WorldService},
};
use polychat_transfer::{Export, ExportError};
use polychat_world_actor::LocalWorld;

use crate::support::{chat_id, create, import, lines, old_chat, problems, snapshot, world};

/// A world in which some chats cannot be read, and one answers for another.
struct Odd(Arc<LocalWorld>);

#[async_trait::async_trait]
impl WorldService for Odd {
    async fn call(&self, command: Command) -> Result<Reply, CommandError> {
        match &command {
            Command::Snapshot { chat } if chat.as_str() == "damaged" => {
                Err(Refusal::ChatFailed { reason: "its log is damaged".into() }.into())
            }
            Command::Snapshot { chat } if chat.as_str() == "gone" => {
                Err(Refusal::UnknownChat { chat_id: chat.clone() }.into())
            }
            Command::Snapshot { chat } if chat.as_str() == "swapped" => {
                self.0.call(Command::Snapshot { chat: chat_id("whole") }).await
            }
            Command::Snapshot { chat } if chat.as_str() == "stalled" => {
                Err(Refusal::ChatStalled { reason: "no store".into() }.into())
            }
            _ => self.0.call(command).await,
        }
    }

    async fn subscribe(&self, scope: Scope, start: StartAt) -> Result<NoticeStream, CommandError> {
        self.0.subscribe(scope, start).await
    }
}

async fn odd(chats: &[&str]) -> Arc<Odd> {
    let world = world("home").await;
    for id in chats {
        let chat = Box::new(old_chat(id, &["x"]));
        world.call(Command::ImportChat { chat }).await.unwrap();
    }
    Arc::new(Odd(world))
}

// Law 6, REQ-13: one chat that cannot be read costs no other
#[tokio::test(start_paused = true)]
async fn a_damaged_chat_and_one_that_answers_for_another_have_a_line_that_says_so() {
    let world = odd(&["damaged", "gone", "swapped", "whole"]).await;
    let text = Export::world(world).json_lines().into_text().await.unwrap();
    let second = crate::support::world("two").await;
    let report = import(&second, &text).await;
    assert_eq!(problems(&report), ["line 3 missing", "line 4 missing"]);
    assert_eq!(report.chats_imported, 1);
    let names: Vec<_> = report.problems.iter().map(|it| it.chat.clone().unwrap()).collect();
    assert_eq!(names, ["damaged", "swapped"].map(chat_id));
    assert_eq!(snapshot(&second, "whole").await.messages.len(), 1);
}

// issue 4: an export that ended early is not taken for a whole one
#[tokio::test(start_paused = true)]
async fn what_passes_ends_the_export_with_an_error_and_without_its_last_line() {
    let world = odd(&["a", "stalled"]).await;
    let mut pieces = Export::world(world.clone()).json_lines();
    let (mut text, mut error) = (String::new(), None);
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => text.push_str(&piece),
            Err(ended) => error = Some(ended),
        }
    }
    assert!(matches!(error, Some(ExportError::World(error)) if error.code() == "chat_stalled"));
    assert!(text.contains("\"chatId\":\"a\"") && !text.contains("\"end\""));
    let one =
        |id: &str| Export::chat(world.clone(), ChatId::new(id).unwrap()).markdown().into_text();
    assert!(matches!(one("damaged").await, Err(ExportError::World(_))));
}

// issue 4: a big world never sits in memory, and comes in the order of its ids
#[tokio::test(start_paused = true)]
async fn more_chats_than_a_page_holds_are_all_exported_and_archived_ones_too() {
    let world = world("home").await;
    for n in 0..1_203 {
        create(&world, NewChat::with_id(chat_id(&format!("{n:04}")))).await;
    }
    let change = polychat_core::command::ChatChange::default().archived(true);
    world.call(Command::UpdateChat { chat: chat_id("0500"), change }).await.unwrap();
    let text = lines(&world).await;
    let chats: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            line.strip_prefix(r#"{"v":1,"type":"chat","chatId":""#)?.split('"').next()
        })
        .collect();
    let expected: Vec<String> = (0..1_203).map(|n| format!("{n:04}")).collect();
    assert_eq!(chats, expected);
    assert!(text.ends_with("{\"v\":1,\"type\":\"end\",\"chats\":1203,\"messages\":0}\n"));
}
