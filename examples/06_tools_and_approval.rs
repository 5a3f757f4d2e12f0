//! Tools: functions that a model may call. They know for whom they work, and what acts waits for a
//! yes.
//!
//! ```text
//! cargo run --example 06_tools_and_approval
//! ```
//!
//! The demo model calls a tool when it is told `/tool NAME {JSON}`; a real one decides by itself.

use std::{error::Error, pin::pin};

use polychat::{
    Chat, ChatId, DemoModel, Metadata, NewChat, PendingApproval, PromptHandle, StreamExt, World,
    WorldBuilder,
    tools::{FnTool, builtin, schemars, tool_with},
};

/// What both tools take. Models are told what these comments say.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Goods {
    /// What it is about, for example flour.
    item: String,
}

/// Looks something up. Which shop it works for, the embedder has attached to the chat; the model
/// neither sees nor chooses it.
fn stock() -> FnTool {
    tool_with("stock", "how much of something there is", |goods: Goods, context| async move {
        match (text(&context.host.chat, "shop"), &*goods.item) {
            ("north", "flour") => Ok("12 bags"),
            ("south", "flour") => Ok("3 bags"),
            (shop, item) => Err(format!("{shop} has no {item}")),
        }
    })
    .reads_only()
}

/// Does something. Until it says that it only reads, a tool asks before it runs.
fn order() -> FnTool {
    tool_with("order", "orders more of something", |goods: Goods, context| async move {
        // What came with the prompt is there beside what came with the chat.
        let (shop, clerk) = (text(&context.host.chat, "shop"), text(&context.host.prompt, "clerk"));
        format!("{} for {shop}, by {clerk}", goods.item)
    })
}

fn text<'a>(context: &'a Metadata, key: &str) -> &'a str {
    context.get(key).and_then(|value| value.as_str()).unwrap_or("nobody")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let builder = WorldBuilder::new("bakery", DemoModel::new());
    let world = builder.tool(stock()).tool(order()).tool(builtin::ask_user()).open().await?;
    let (north, south) = (shop(&world, "north").await?, shop(&world, "south").await?);

    println!("a tool that only reads runs at once, and knows for whom");
    for chat in [&north, &south] {
        say(chat, &chat.prompt(r#"/tool stock {"item": "flour"}"#).await?).await?;
    }
    println!("what is wrong goes back to the model, also what does not fit the schema");
    say(&north, &north.prompt(r#"/tool stock {"item": "gold"}"#).await?).await?;
    say(&north, &north.prompt(r#"/tool stock {"item": 7}"#).await?).await?;

    println!("a tool that acts waits for a person, and nobody else waits for that");
    let prompt = north.prompt(r#"/tool order {"item": "flour"}"#).context([("clerk", "Ida")]);
    let prompt = prompt.await?;
    let request = next_request(&prompt).await?;
    println!("  north {}: {} {}?", status(&north).await?, request.name, request.arguments);
    say(&south, &south.prompt("my name is Sue").await?).await?;
    north.allow(&request).await?;
    say(&north, &prompt).await?;
    if let Err(refusal) = north.allow(&request).await {
        println!("  a second yes is refused: {refusal}");
    }

    println!("a no has a reason, which the model hears; a yes may be for the whole chat");
    let prompt = south.prompt(r#"/tool order {"item": "rye"}"#).await?;
    south.deny(&next_request(&prompt).await?, "we sell no rye").await?;
    say(&south, &prompt).await?;
    let prompt = north.prompt(r#"/tool order {"item": "salt"}"#).await?;
    north.allow_for_chat(&next_request(&prompt).await?).await?;
    say(&north, &prompt).await?;
    // Both run at once, and nobody is asked.
    let both = r#"/tool order {"item": "yeast"}; /tool order {"item": "milk"}"#;
    say(&north, &north.prompt(both).await?).await?;

    println!("a question is a tool that never runs: the answer is what it brings");
    let prompt = south.prompt("/ask Which bread? | rolls | baguettes").await?;
    let request = next_request(&prompt).await?;
    let question = request.arguments.get("question").ok_or("a question without its text")?;
    println!("  south {}: {question}", status(&south).await?);
    south.answer(&request, "rolls").await?;
    say(&south, &prompt).await?;

    world.shutdown().await;
    Ok(())
}

/// Opens a chat that works for a shop. Its context is stored with it, and bounded; secrets come from
/// a `ContextProvider`, call by call.
async fn shop(world: &World, name: &str) -> Result<Chat, Box<dyn Error>> {
    let chat = NewChat::with_id(ChatId::new(name)?).context([("shop", name)]);
    Ok(world.create_chat(chat).await?)
}

/// Waits until the prompt's turn wants something of a person.
async fn next_request(prompt: &PromptHandle) -> Result<PendingApproval, Box<dyn Error>> {
    let mut requests = pin!(prompt.approval_requests().await?);
    Ok(requests.next().await.ok_or("the turn has ended, and nobody was asked")?)
}

async fn status(chat: &Chat) -> Result<&'static str, Box<dyn Error>> {
    Ok(chat.snapshot().await?.status.kind.as_str())
}

async fn say(chat: &Chat, prompt: &PromptHandle) -> Result<(), Box<dyn Error>> {
    println!("  {}: {}", chat.id(), prompt.answer().await?);
    Ok(())
}
