//! Two chats answer at once, and neither knows of the other. This is the README's first program.

use polychat::{DemoModel, LiveBody, Notice, StartAt, StreamExt, WorldBuilder};

#[tokio::main]
async fn main() -> Result<(), polychat::Error> {
    let world = WorldBuilder::new("home", DemoModel::new()).open().await?;
    let (ada, bob) = (world.open_chat("ada").await?, world.open_chat("bob").await?);
    for (chat, name) in [(&ada, "Ada"), (&bob, "Bob")] {
        let mut notices = chat.subscribe(StartAt::Now).await?;
        tokio::spawn(async move {
            while let Some(notice) = notices.next().await {
                let Notice::Live { event, .. } = notice else { continue };
                let LiveBody::MessageChunk { text, .. } = &event.body else { continue };
                println!("{}: {text}", event.chat_id);
            }
        });
        chat.prompt(format!("my name is {name}")).await?;
    }
    let answers = tokio::join!(ada.prompt("what is my name?"), bob.prompt("what is my name?"));
    println!("{} — {}", answers.0?.answer().await?, answers.1?.answer().await?);
    Ok(world.shutdown().await)
}
