//! One chat: ask, wait for the answer, and look at what was recorded.
//!
//! ```text
//! cargo run --example 01_one_chat
//! ```
//!
//! Next: `02_two_chats_at_once`.

use polychat::{DemoModel, WorldBuilder};

#[tokio::main]
async fn main() -> Result<(), polychat::Error> {
    // A world needs a name and a model. The demo model needs no key, and knows only what it is told.
    let world = WorldBuilder::new("home", DemoModel::new()).open().await?;

    // A chat is opened by its id: created now, or found again later.
    let chat = world.open_chat("diary").await?;

    // Awaiting a prompt means that it is stored. Its answer comes later, and can be waited for.
    for text in ["my name is Ada", "remember that the tea is ready", "what do you know?"] {
        println!("you:  {text}");
        let prompt = chat.prompt(text).await?;
        println!("demo: {}", prompt.answer().await?);
    }

    // Everything that happened is one log, in order. Messages, statuses and outcomes follow from it.
    let snapshot = chat.snapshot().await?;
    let (messages, events) = (snapshot.messages.len(), snapshot.status.head);
    println!("\nThe chat now is {}, with {messages} messages.", snapshot.status.kind.as_str());
    println!("Its log has {events} events; the last ones are:");
    for event in chat.log(polychat::Seq::ZERO, 100).await?.events.iter().rev().take(5).rev() {
        println!("  {:>3}  {}", event.seq, event.event.name());
    }

    // Closes the world in order: turns that still run get a moment to end.
    world.shutdown().await;
    Ok(())
}
