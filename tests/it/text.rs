//! The text of an answer as a stream, as programs print it.

use std::time::Duration;

use polychat::{DemoModel, StreamExt, WorldBuilder};

async fn collect(prompt: &polychat::PromptHandle) -> Vec<String> {
    prompt.text().await.unwrap().collect().await
}

// law 4
#[tokio::test(start_paused = true)]
async fn the_pieces_of_an_answer_are_its_recorded_text_whenever_one_begins_to_listen() {
    let model = DemoModel::new().pace(Duration::from_millis(30));
    let world = WorldBuilder::new("w", model).open().await.unwrap();
    let chat = world.open_chat("a").await.unwrap();
    let prompt = chat.prompt("my name is Ada").await.unwrap();
    let behind = chat.prompt("what is my name?").await.unwrap();

    let pieces = collect(&prompt).await;
    assert!(pieces.len() > 3, "it comes word by word: {pieces:?}");
    assert_eq!(pieces.concat(), prompt.answer().await.unwrap());
    let next = collect(&behind).await;
    assert_eq!(next.concat(), "Your name is Ada.");
    assert_eq!(collect(&behind).await.concat(), "Your name is Ada.", "also afterwards");
    assert_eq!(collect(&prompt).await.concat(), pieces.concat(), "each prompt has its own");
}

// law 5
#[tokio::test(start_paused = true)]
async fn the_text_of_an_answer_that_breaks_off_ends_where_it_broke_off() {
    let world = WorldBuilder::new("w", DemoModel::new()).open().await.unwrap();
    let chat = world.open_chat("a").await.unwrap();
    let prompt = chat.prompt("/error").await.unwrap();
    assert_eq!(collect(&prompt).await.concat(), prompt.answer().await.unwrap());

    let hangs = chat.prompt("/hang").await.unwrap();
    let withdrawn = chat.prompt("never mind").await.unwrap();
    chat.withdraw_prompt(withdrawn.id()).await.unwrap();
    assert!(collect(&withdrawn).await.is_empty());
    let listening = tokio::spawn({
        let hangs = hangs.clone();
        async move { collect(&hangs).await }
    });
    tokio::time::advance(Duration::from_secs(1)).await;
    chat.cancel().await.unwrap();
    assert_eq!(listening.await.unwrap().concat(), hangs.answer().await.unwrap());
}
