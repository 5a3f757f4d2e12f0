//! Several agents in one chat: addressed, handing on, all asked at once, changed while they speak;
//! and a title that a model finds.
//!
//! ```text
//! cargo run --example 08_agents
//! ```

use std::{error::Error, pin::pin};

use polychat::{
    AgentConfig, AgentName, Chat, DemoModel, Event, ModelName, Notice, StartAt, StreamExt, World,
    WorldBuilder, event::TitleProvenance, message::Role, tool::ToolSelection, tools::builtin,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// An agent is a name, a model registered by name, instructions, and which tools it may use.
fn agent(name: &str, system: &str) -> Result<AgentConfig> {
    let agent = AgentConfig::new(AgentName::new(name)?, ModelName::new("demo")?);
    Ok(agent.system(system).tools(ToolSelection::All))
}

#[tokio::main]
async fn main() -> Result<()> {
    let world = WorldBuilder::new("inn", DemoModel::new())
        .agent(agent("waiter", "You serve.")?)
        .add_agent(agent("cook", "You cook with butter.")?)
        .add_agent(agent("porter", "You carry.")?)
        .tool(builtin::ask_user())
        .open()
        .await?;
    // All of this is off by default: text that somebody pastes must not re-route a chat.
    let mut settings = world.info().await?.settings;
    (settings.mentions, settings.broadcast, settings.titles) = (true, true, true);
    world.update(settings).await?;

    let chat = world.open_chat("table").await?;
    println!("the world's default agent answers, unless a prompt names another one");
    say(&chat, "my name is Ada").await?;
    println!("  and the chat, which nobody had named, is called {:?}", title(&chat).await?);
    say(&chat, "@porter, who are you?").await?;
    println!("an agent hands on by saying so, and the other one answers in the same turn");
    say(&chat, "/handoff cook what is my name?").await?;
    println!("all can be asked, one after the other");
    say(&chat, "@all who are you?").await?;
    println!("an agent that is changed ends its turn as it was");
    change(&world, &chat).await?;

    world.shutdown().await;
    Ok(())
}

/// Changes an agent in the middle of its turn, while it waits for an answer.
async fn change(world: &World, chat: &Chat) -> Result<()> {
    let prompt = chat.prompt("/ask Shall I begin? | yes | no").agent(AgentName::new("cook")?);
    let prompt = prompt.await?;
    let mut requests = pin!(prompt.approval_requests().await?);
    let request = requests.next().await.ok_or("the cook has asked nothing")?;
    world.put_agent(agent("cook", "You cook with oil.")?).await?;
    // Joins the turn at its next step, which begins with the answer.
    let steering = chat.prompt("what are your instructions?").steer().await?;
    chat.answer(request.tool_call_id, "yes").await?;
    println!("  cook: {}", steering.answer().await?);
    say(chat, "@cook what are your instructions?").await
}

/// Sends a message, and prints what was said in its turn: every message tells who wrote it.
async fn say(chat: &Chat, text: &str) -> Result<()> {
    println!("  you: {text}");
    let known = chat.snapshot().await?.messages.len();
    chat.prompt(text).await?.outcome().await?;
    for message in chat.snapshot().await?.messages.iter().skip(known) {
        if let Role::Assistant { author: Some(author), .. } = &message.role {
            println!("  {author}: {}", message.text());
        }
    }
    Ok(())
}

/// Waits for the title that a model proposes after a chat's first turn. A person's goes before it.
async fn title(chat: &Chat) -> Result<String> {
    let mut notices = chat.subscribe(StartAt::Start).await?;
    while let Some(notice) = notices.next().await {
        let Notice::Recorded { event, .. } = notice else { continue };
        if let Event::ChatUpdated { title: Some(title), provenance, .. } = &event.event
            && *provenance == Some(TitleProvenance::Auto)
        {
            return Ok(title.to_string());
        }
    }
    Err("the chat has ended without a title".into())
}
