//! Many chats at once, by hand: each line of input is `NAME: MESSAGE` and goes to the chat it names.
//!
//! ```text
//! $ cargo run --release --example concurrent_chats
//! a: my name is Ada
//! b: my name is Bob
//! a: /long 200
//! b: what is my name?
//! b: /crash
//! b: are you still there?
//! a: /cancel
//! b: /tool ring {"times": 3}
//! b: /allow
//! ```
//!
//! With `-- --keep chats.db` the chats are there when the program is started again, however it ended.
//! With `-- --base-url http://127.0.0.1:11434/v1 --model NAME` a real model answers, and each
//! `--mcp 'COMMAND ARGS …'` adds the tools of an MCP server; `-- --help` lists the options,
//! `a: /help` what a chat can be told.
//!
//! Read on: `args`, `mcp` and `line` (what was asked), `model` and `toolbox` (who answers, and with
//! which tools), `kept` (what earlier runs left), `room` and `decide` (the chats, and what they are
//! told), `watcher`, `voice`, `tool_calls` and `progress` (what comes back, per chat), `news` (and
//! from the world), `screen` and `tally` (how it is shown).

mod args;
mod decide;
mod kept;
mod line;
mod mcp;
mod model;
mod news;
mod progress;
mod room;
mod screen;
mod tally;
mod tool_calls;
mod toolbox;
mod voice;
mod watcher;

use std::{
    error::Error,
    io::{self, BufRead, IsTerminal},
    panic,
    process::ExitCode,
    thread,
};

use polychat::World;
use tokio::{signal, sync::mpsc};

use args::{Args, Request};
use kept::Kept;
use room::Room;
use screen::Screen;

/// Lines that may wait to be obeyed.
const LINES_WAITING_MAX: usize = 64;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match args::parse(std::env::args_os().skip(1)) {
        Ok(Request::Help) => {
            println!("{}", args::USAGE);
            Ok(())
        }
        Ok(Request::Run(args)) => run(args).await,
        Err(error) => Err(format!("{error}; --help lists the options").into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", whole(&*error));
            ExitCode::FAILURE
        }
    }
}

/// What went wrong, and why.
fn whole(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut reason = error.source();
    while let Some(error) = reason {
        told.push_str(&format!(": {error}"));
        reason = error.source();
    }
    told
}

async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let servers = toolbox::servers(&args)?;
    let file = args.keep.as_deref().map(kept::open).transpose()?;
    let kept = match &file {
        Some(file) => Kept::in_file(file).await?,
        None => Kept::default(),
    };
    let world = model::world(&args, servers.clone(), file)?.open().await?;
    keep_panics_of_models_quiet();
    let (screen, printer) = Screen::start();
    let news = tokio::spawn(news::show(world.subscribe().await?, screen.clone()));
    let mut room = Room::new(world.clone(), screen.clone(), args.patience);

    kept.tell(&world, &screen).await;
    room.go_on(kept.unfinished).await;
    if io::stdin().is_terminal() {
        screen
            .hint("say `a: hello`; `a: /help` tells what else; Ctrl-D on an empty line ends")
            .await;
    }
    let mut lines = read_lines();
    tokio::select! {
        () = converse(&mut room, &mut lines) => {}
        _ = signal::ctrl_c() => screen.hint("closing: running turns get a moment to end").await,
    }
    finish(world, room, &screen).await;
    servers.stop().await;

    news.await?;
    drop(screen);
    // It prints what is left, and ends with the last clone of the screen.
    tokio::task::spawn_blocking(|| printer.join()).await?.map_err(|_| "the printer panicked")?;
    Ok(())
}

/// Obeys line by line, and then waits until all chats have done what they were sent.
async fn converse(room: &mut Room, lines: &mut mpsc::Receiver<String>) {
    while let Some(line) = lines.recv().await {
        room.obey(&line).await;
    }
    room.end_input();
    room.wait().await;
}

/// Closes the world in order, with which all watchers end, and says what became of each chat.
async fn finish(world: World, room: Room, screen: &Screen) {
    world.shutdown().await;
    for (chat, tally) in room.into_tallies().await {
        screen.said(&chat, tally.row()).await;
    }
}

/// The lines of standard input. They are read on a thread of their own, which may wait for the
/// next one for ever and yet holds up neither the runtime nor the end of the program.
fn read_lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(LINES_WAITING_MAX);
    thread::spawn(move || {
        for line in io::stdin().lock().split(b'\n') {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line).into_owned();
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// A model that panics is a failed turn, which its chat tells; it need not be told twice.
fn keep_panics_of_models_quiet() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().name() == Some("main") {
            usual(info);
        }
    }));
}
