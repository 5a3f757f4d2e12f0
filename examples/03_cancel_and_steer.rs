//! A chat is busy, and you have more to say: queue, steer, interrupt, cancel, withdraw.
//!
//! ```text
//! cargo run --example 03_cancel_and_steer
//! ```
//!
//! Whatever you do, each prompt that was accepted ends in exactly one outcome, which is recorded.

use polychat::{Chat, DemoModel, PromptHandle, WorldBuilder};

#[tokio::main]
async fn main() -> Result<(), polychat::Error> {
    let world = WorldBuilder::new("home", DemoModel::new()).open().await?;

    println!("queue: a prompt waits its turn; that is what plain prompts do");
    let chat = world.open_chat("queue").await?;
    let first = chat.prompt("my name is Ada").await?;
    let second = chat.prompt("what is my name?").queue().await?;
    println!("  waiting now: {}", chat.waiting_prompts().await?.len());
    show("first", &first).await?;
    show("second", &second).await?;

    println!("steer: a prompt joins the running turn at its next step, or comes right after it");
    let chat = world.open_chat("steer").await?;
    let long = chat.prompt("/long 20").await?;
    let later = chat.prompt("and later this").await?;
    let steering = chat.prompt("but this first").steer().await?;
    show("long", &long).await?;
    // The demo answers in one step, so none follows that could be joined: the steering prompt went
    // to the head of the queue.
    show("steering", &steering).await?;
    show("later", &later).await?;

    println!("interrupt: the running turn stops, and this prompt is next");
    let chat = world.open_chat("interrupt").await?;
    let long = chat.prompt("/long 1000").await?;
    some_text(&chat).await?;
    let urgent = chat.prompt("my kettle is boiling").interrupt().await?;
    show("long", &long).await?;
    show("urgent", &urgent).await?;

    println!("cancel: the running turn stops, what it said is kept, and the queue goes on");
    let chat = world.open_chat("cancel").await?;
    let endless = chat.prompt("/hang").await?;
    let after = chat.prompt("are you there?").await?;
    some_text(&chat).await?;
    chat.cancel().await?;
    show("endless", &endless).await?;
    show("after", &after).await?;

    println!("withdraw: a waiting prompt leaves the queue, and no turn ever takes it");
    let chat = world.open_chat("withdraw").await?;
    let running = chat.prompt("/long 10").await?;
    let regretted = chat.prompt("something I did not mean").await?;
    chat.withdraw_prompt(regretted.id()).await?;
    show("running", &running).await?;
    show("regretted", &regretted).await?;

    // With nothing to stop, to stop something is refused. A refusal is typed, and changes nothing.
    if let Err(refusal) = chat.cancel().await {
        println!("cancelling an idle chat is refused: {refusal}");
    }
    world.shutdown().await;
    Ok(())
}

/// Waits for the prompt's outcome, and prints it with what was answered.
async fn show(name: &str, prompt: &PromptHandle) -> Result<(), polychat::Error> {
    let outcome = prompt.outcome().await?;
    println!("  {name:<9} {:<9} {}", outcome.as_str(), prompt.answer().await?);
    Ok(())
}

/// Waits until the running turn has said something.
async fn some_text(chat: &Chat) -> Result<(), polychat::Error> {
    use polychat::{Notice, StartAt, StreamExt};
    let mut notices = chat.subscribe(StartAt::Start).await?;
    while let Some(notice) = notices.next().await {
        if matches!(notice, Notice::Live { .. }) {
            break;
        }
    }
    Ok(())
}
