//! MCP servers: somebody else's programs, whose tools all chats share without mixing.
//!
//! ```text
//! cargo run --example 07_mcp
//! cargo run --example 07_mcp -- npx -y @modelcontextprotocol/server-everything
//! cargo run --example 07_mcp -- http://127.0.0.1:3001/mcp
//! ```
//!
//! Without arguments the server is this very program, started once more, so that nothing else is
//! needed. With a command or an address it lists the tools that are there, and sends the lines that
//! you type to a chat: `/tool NAME {JSON}` makes the demo model call one.

use std::{env, error::Error, pin::pin, sync::Arc, time::Duration};

use polychat::{
    Chat, DemoModel, LiveBody, Notice, StartAt, StreamExt, World, WorldBuilder,
    ports::Toolbox,
    tool::ToolSelection,
    tools::{
        mcp::{Mcp, McpServer},
        schemars,
    },
};
use rmcp::{
    RoleServer, ServiceExt, handler::server::wrapper::Parameters, model::ProgressNotificationParam,
    service::RequestContext, tool, tool_router, transport::stdio,
};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let mut args = env::args().skip(1);
    match args.next() {
        None => ours().await,
        Some(word) if word == "--serve" => serve().await,
        Some(url) if url.starts_with("http") => theirs(McpServer::http("theirs", url)).await,
        Some(command) => theirs(McpServer::stdio("theirs", command).args(args)).await,
    }
}

async fn ours() -> Outcome {
    // What a server says of its tools is believed only where we say so. We wrote this one.
    let server = McpServer::stdio("kitchen", env::current_exe()?).arg("--serve");
    let (world, mcp) = open(server.trust_annotations()).await?;
    println!("nothing is started before it is needed\n  {}", status(&mcp));

    println!("two chats use one server at once, each hears of its own call");
    let (ada, bob) = (chat(&world, "ada").await?, chat(&world, "bob").await?);
    let soup = ada.prompt(r#"/tool kitchen_stir {"pot": "soup", "times": 3}"#).await?;
    let jam = bob.prompt(r#"/tool kitchen_stir {"pot": "jam", "times": 5}"#).await?;
    println!("  ada: {}\n  bob: {}", soup.answer().await?, jam.answer().await?);
    println!("  {}", status(&mcp));

    println!("a tool that may change something waits for a yes; this one ends the whole server");
    println!("  ada: {}", allowed(&ada, "/tool kitchen_burn").await?);
    println!("the chats go on, and the next call finds it started again");
    println!("  bob: {}", allowed(&bob, r#"/tool kitchen_stir {"pot": "tea"}"#).await?);
    println!("  {}", status(&mcp));
    world.shutdown().await;
    Ok(())
}

async fn theirs(server: McpServer) -> Outcome {
    let (world, mcp) = open(server).await?;
    // A chat does this by itself before its model is asked.
    mcp.prepare(&ToolSelection::All).await;
    println!("{}", status(&mcp));
    for spec in mcp.catalog().specs() {
        let first_line = spec.description.lines().next().unwrap_or_default();
        println!("  {}: {first_line}", spec.name);
    }
    let chat = chat(&world, "you").await?;
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        println!("{}", allowed(&chat, &line).await?);
    }
    world.shutdown().await;
    Ok(())
}

/// A world whose default agent may use all that the server has.
async fn open(server: McpServer) -> Outcome<(World, Mcp)> {
    let mcp = Mcp::new([server])?;
    let builder = WorldBuilder::new("home", DemoModel::new()).tools(Arc::new(mcp.clone()));
    Ok((builder.open().await?, mcp))
}

/// A chat whose progress is printed.
async fn chat(world: &World, name: &str) -> Outcome<Chat> {
    let chat = world.open_chat(name).await?;
    let notices = chat.subscribe(StartAt::Now).await?;
    tokio::spawn(notices.for_each(|notice| async move {
        let Notice::Live { event, .. } = notice else { return };
        let LiveBody::ToolProgress { progress, .. } = &event.body else { return };
        println!("  {}: {} of {}", event.chat_id, progress["progress"], progress["total"]);
    }));
    Ok(chat)
}

/// Sends a message, and says yes to whatever is asked in its turn: you have written it yourself.
async fn allowed(chat: &Chat, text: &str) -> Outcome<String> {
    let prompt = chat.prompt(text).await?;
    let mut requests = pin!(prompt.approval_requests().await?);
    while let Some(request) = requests.next().await {
        chat.allow(request.tool_call_id).await?;
    }
    Ok(prompt.answer().await?)
}

fn status(mcp: &Mcp) -> String {
    let told = mcp.status().into_iter().map(|it| {
        let why = if it.reason.is_empty() { String::new() } else { format!(" ({})", it.reason) };
        let (name, state) = (it.name, it.state);
        format!("{name}: {state:?}{why}, started {} times, {} tools", it.starts, it.tools)
    });
    told.collect()
}

// ---- the other side: a server, which knows nothing of Polychat

struct Kitchen;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Pot {
    pot: String,
    /// How often; once, if it is not said.
    times: Option<u32>,
}

#[tool_router(server_handler)]
impl Kitchen {
    /// Stirs a pot, and tells of each round.
    #[tool(annotations(read_only_hint = true))]
    async fn stir(
        &self,
        Parameters(Pot { pot, times }): Parameters<Pot>,
        context: RequestContext<RoleServer>,
    ) -> String {
        let times = times.unwrap_or(1);
        for round in 1..=times {
            tokio::time::sleep(Duration::from_millis(30)).await;
            // The caller's own token: that is how it is told apart from other calls.
            if let Some(token) = context.meta.get_progress_token() {
                let progress = ProgressNotificationParam::new(token, round.into());
                let _ = context.peer.notify_progress(progress.with_total(times.into())).await;
            }
        }
        format!("the {pot} is smooth")
    }

    /// Burns the kitchen down.
    #[tool]
    #[allow(clippy::exit)] // to show what the others make of it
    async fn burn(&self) -> String {
        std::process::exit(1)
    }
}

async fn serve() -> Outcome {
    Kitchen.serve(stdio()).await?.waiting().await?;
    Ok(())
}
