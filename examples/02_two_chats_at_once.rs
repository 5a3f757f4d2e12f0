//! Two chats answer at once, and neither knows of the other. This is the README's first program.
//!
//! ```text
//! cargo run --example 02_two_chats_at_once
//! ```
//!
//! Ada's words run down on the left, Bob's on the right. A chunk is a preview: words that came too
//! late to be read one by one stand in the recorded answer, which is printed at the end.

use polychat::{DemoModel, LiveBody, Notice, StartAt, StreamExt, WorldBuilder};

#[tokio::main]
async fn main() -> Result<(), polychat::Error> {
    let world = WorldBuilder::new("home", DemoModel::new()).open().await?;
    let (ada, bob) = (world.open_chat("ada").await?, world.open_chat("bob").await?);
    for (chat, name, column) in [(&ada, "Ada", 0), (&bob, "Bob", 24)] {
        chat.prompt(format!("my name is {name}")).await?.outcome().await?;
        let notices = chat.subscribe(StartAt::Now).await?;
        tokio::spawn(notices.for_each(move |notice| async move {
            let Notice::Live { event, .. } = notice else { return };
            let LiveBody::MessageChunk { text, .. } = &event.body else { return };
            println!("{:column$}{}: {text}", "", event.chat_id);
        }));
    }
    let (left, right) = (ada.prompt("what is my name?").await?, bob.prompt("who am I?").await?);
    println!("ada: {}\nbob: {}", left.answer().await?, right.answer().await?);
    world.shutdown().await;
    Ok(())
}
