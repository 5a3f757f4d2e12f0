//! Things break: a model panics in one chat while another one streams, and a world is closed in the
//! middle of a turn and opened again.
//!
//! ```text
//! cargo run --example 04_crash_and_recover
//! ```

use std::{panic, sync::Arc, time::Duration};

use polychat::{
    Chat, DemoModel, Error, Limits, MemoryStore, Notice, PromptId, PromptOutcome, StartAt,
    StreamExt, World, WorldBuilder,
};

#[tokio::main]
async fn main() -> Result<(), Error> {
    // The panic below is on purpose; without this, Rust would also print where it happened.
    panic::set_hook(Box::new(|_| {}));

    // The logs outlive the world, because this program keeps the store.
    let store = Arc::new(MemoryStore::new());
    let world = open(&store).await?;
    crash(&world).await?;
    let unfinished = leave_work_behind(&world).await?;
    let world = open(&store).await?;
    recover(&world, unfinished).await?;
    world.shutdown().await;
    Ok(())
}

/// Opens the world `home` over what the store holds of it.
async fn open(store: &Arc<MemoryStore>) -> Result<World, Error> {
    let mut limits = Limits::default();
    // Turns that still run when the world is closed get no more time: we want to see one broken off.
    limits.shutdown_turn_duration = Duration::ZERO;
    let builder = WorldBuilder::new("home", DemoModel::new()).limits(limits);
    builder.store(store.clone()).open().await
}

/// A panic ends one turn of one chat, and nothing else.
async fn crash(world: &World) -> Result<(), Error> {
    let (calm, wild) = (world.open_chat("calm").await?, world.open_chat("wild").await?);
    wild.prompt("my name is Wanda").await?.outcome().await?;

    println!("A model panics in one chat while another one streams:");
    let story = calm.prompt("/long 20").await?;
    let crash = wild.prompt("/crash").await?;
    if let PromptOutcome::Failed { failure } = crash.outcome().await? {
        println!("  wild: failed, {failure}");
    }
    println!("  calm: {} {}", story.outcome().await?.as_str(), story.answer().await?);

    // The chat goes on, with its history and all.
    let again = wild.prompt("what is my name?").await?;
    println!("  wild: {}", again.answer().await?);
    Ok(())
}

/// Closes the world while one prompt runs and one waits; answers with their ids.
async fn leave_work_behind(world: &World) -> Result<[PromptId; 2], Error> {
    println!("The world closes in the middle of a turn:");
    let chat = world.open_chat("calm").await?;
    let running = chat.prompt("/long 1000").await?;
    let waiting = chat.prompt("my name is Ada").await?;
    first_words(&chat).await?;
    world.shutdown().await;
    if let Err(refusal) = chat.prompt("hello?").await {
        println!("  a new prompt is refused: {refusal}");
    }
    Ok([running.id().clone(), waiting.id().clone()])
}

/// What ran is told as interrupted, and is not run again; what waited runs now.
async fn recover(world: &World, [running, waiting]: [PromptId; 2]) -> Result<(), Error> {
    println!("It is opened again over the same store:");
    let chat = world.chat("calm")?;
    // Work that was left behind is taken up by itself. To ask for the same id again is safe at any
    // time: it is answered alike, and runs nothing twice. So this only finds the prompts again.
    let running = chat.prompt("/long 1000").id(running).await?;
    let waiting = chat.prompt("my name is Ada").id(waiting).await?;
    println!(
        "  what ran:    {} after {:?}",
        running.outcome().await?.as_str(),
        short(&running.answer().await?)
    );
    println!("  what waited: {} {:?}", waiting.outcome().await?.as_str(), waiting.answer().await?);
    let known = chat.prompt("what do you know?").await?;
    println!("  and now:     {}", known.answer().await?);
    Ok(())
}

/// Waits until the running turn has said something.
async fn first_words(chat: &Chat) -> Result<(), Error> {
    let mut notices = chat.subscribe(StartAt::Now).await?;
    while let Some(notice) = notices.next().await {
        if matches!(notice, Notice::Live { .. }) {
            break;
        }
    }
    Ok(())
}

fn short(text: &str) -> String {
    text.chars().take(20).collect()
}
