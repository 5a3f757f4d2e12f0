//! Chats that stay: start, chat, kill, start again, and the chats are there.
//!
//! ```text
//! cargo run --example 09_keep_chats
//! cargo run --example 09_keep_chats -- chats.db
//! ```
//!
//! The program starts itself once more, lets that process chat, and kills it in the middle of a long
//! answer, without a chance to say goodbye. Then it opens the file itself. The file is gone at the
//! end, unless you name one; of a file that has these chats already it shows what is there.
//!
//! Next: `10_import_and_search`.

use std::{env, error::Error, path::Path, process::Stdio, time::Duration};

use polychat::{
    Chat, DemoModel, Event, Limits, Message, Notice, PromptHandle, PromptId, SqliteError,
    SqliteStore, StartAt, StreamExt, World, WorldBuilder,
    command::{ChatFilter, Page},
    message::Role,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

/// How many words of the long answer are shown. When it is killed, at least these are saved.
const WORDS: usize = 10;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let mut args = env::args().skip(1);
    match (args.next().as_deref(), args.next()) {
        (Some("--chat"), Some(file)) => chat_until_killed(Path::new(&file)).await,
        (Some(file), _) => start_chat_kill_and_start_again(Path::new(file)).await,
        (None, _) => {
            let folder = tempfile::tempdir()?;
            start_chat_kill_and_start_again(&folder.path().join("chats.db")).await
        }
    }
}

/// What this whole program is about. All it takes to keep chats is one line: `keep_in`.
async fn open(file: &Path) -> Outcome<World> {
    let file = SqliteStore::open(file)?;
    let mut limits = Limits::default();
    // Chunks are previews, and not stored. What was said of an open message is saved now and then:
    // here often, so that there is something to see.
    limits.checkpoint_interval = Duration::from_millis(100);
    Ok(WorldBuilder::new("home", DemoModel::new()).keep_in(file).limits(limits).open().await?)
}

async fn start_chat_kill_and_start_again(file: &Path) -> Outcome {
    if !file.exists() {
        println!("a process chats:");
        chat_and_kill(file).await?;
    }
    println!("the file is opened again:");
    let world = open(file).await?;
    // Nobody has to ask for it: a prompt that was accepted is answered, whatever came in between.
    // Its id finds it, as it does in any life of the program.
    let ada = world.chat("ada")?;
    let waited = ask_again(&ada, "what is my name?", "the question").await?;
    waited.outcome().await?;
    let page = world.chats(Page::first(10), ChatFilter::new()).await?;
    for summary in &page.chats {
        println!("  {} has {} messages", summary.chat_id, summary.messages);
    }
    println!("ada's chat is whole:");
    for message in ada.snapshot().await?.messages {
        println!("  {}", told(&message));
    }
    // What was lost in the middle is told as it is, and not run again.
    let running = ask_again(&ada, "/long 100000", "the long one").await?;
    println!("the turn that ran ended as {}", running.outcome().await?.as_str());

    let bob = world.chat("bob")?;
    println!("and bob goes on: {}", bob.prompt("what do you know?").await?.answer().await?);
    world.shutdown().await;
    Ok(())
}

/// Starts the other process, and kills it as soon as it says that some of the answer is saved.
async fn chat_and_kill(file: &Path) -> Outcome {
    let mut process = Command::new(env::current_exe()?)
        .arg("--chat")
        .arg(file)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let process_id = process.id();
    let stdout = process.stdout.take().ok_or("no output")?;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        println!("  {line}");
        if line.ends_with('…') {
            break;
        }
    }

    // One process writes to a file at a time. Whoever comes second is told who has it.
    if let Err(SqliteError::Held { holder, .. }) = SqliteStore::open(file) {
        let by_it = holder.pid == process_id;
        println!("the file is held by {}", if by_it { "that process" } else { "somebody else" });
    }
    // On Unix this is `kill -9`: nothing is flushed, closed or told to anybody.
    process.kill().await?;
    println!("the process is killed in the middle of the answer");
    Ok(())
}

/// What the other process does, until it is killed.
async fn chat_until_killed(file: &Path) -> Outcome {
    let world = open(file).await?;
    let (ada, bob) = (world.open_chat("ada").await?, world.open_chat("bob").await?);
    for (chat, name) in [(&ada, "Ada"), (&bob, "Bob")] {
        let prompt = chat.prompt(format!("my name is {name}")).await?;
        println!("{}: {}", chat.id(), prompt.answer().await?);
    }

    let mut notices = ada.subscribe(StartAt::Now).await?;
    ask_again(&ada, "/long 100000", "the long one").await?;
    // Awaited means stored: from here on it will be answered, even if this process is not there.
    ask_again(&ada, "what is my name?", "the question").await?;
    let mut saved = String::new();
    while let Some(notice) = notices.next().await {
        let Notice::Recorded { event, .. } = notice else { continue };
        let Event::MessageCheckpoint { text, .. } = &event.event else { continue };
        saved.push_str(text);
        if saved.split(' ').count() > WORDS {
            println!("ada: {} …", beginning(&saved));
            break;
        }
    }
    // The answer goes on meanwhile, for an hour. The end comes from outside.
    std::future::pending().await
}

/// Sends a prompt under an id of our own. The same id with the same text is answered alike and runs
/// nothing twice, so this also finds a prompt that was sent before.
async fn ask_again(chat: &Chat, text: &str, id: &str) -> Outcome<PromptHandle> {
    Ok(chat.prompt(text).id(PromptId::new(id)?).await?)
}

fn told(message: &Message) -> String {
    let who = match &message.role {
        Role::User { .. } => "you",
        _ => "assistant",
    };
    match &message.failure {
        // All that was saved is there; how much that is, is a matter of milliseconds.
        Some(failure) => format!("{who}: {} … ({failure})", beginning(&message.text())),
        None => format!("{who}: {}", message.text()),
    }
}

/// The first words of an answer that was too long to end.
fn beginning(text: &str) -> String {
    text.split(' ').take(WORDS).collect::<Vec<_>>().join(" ")
}
