//! The screen: one thread that prints whole lines, so that no two are ever mixed.
//!
//! Printing blocks, for as long as whoever reads it likes. On a thread of its own it holds up only
//! the readers of chats, which is harmless: a reader that lags sees bigger chunks.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, IsTerminal, Write},
    thread::{self, JoinHandle},
};

use anstyle::{AnsiColor, Style};
use polychat::{ChatId, ChatStatus, StatusKind};
use tokio::sync::mpsc;

/// Lines that may wait to be printed; whoever has more waits.
const WAITING_MAX: usize = 256;

/// One after the other, in the order in which chats are first heard of.
const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::Red,
];

/// What can be shown.
enum Item {
    /// What a chat says.
    Said(ChatId, String),
    /// What this program says about a chat.
    Noted(ChatId, String),
    /// What this program says about the world.
    OfWorld(String),
    /// What a chat is doing.
    Status(ChatStatus),
    /// For the person at the keyboard; it goes to standard error.
    Hint(String),
}

/// Where everything is shown; clones are the same screen.
#[derive(Clone)]
pub(crate) struct Screen {
    items: mpsc::Sender<Item>,
    is_terminal: bool,
    is_quiet: bool,
}

impl Screen {
    /// The screen, and its thread, which ends when the last clone is gone.
    pub(crate) fn start() -> (Self, JoinHandle<()>) {
        let (items, taken) = mpsc::channel(WAITING_MAX);
        let is_terminal = io::stdout().is_terminal();
        let printer = Printer { is_terminal, colours: HashMap::new(), states: BTreeMap::new() };
        (Self { items, is_terminal, is_quiet: false }, thread::spawn(move || printer.run(taken)))
    }

    /// The same screen, on which nothing is shown.
    pub(crate) fn quiet(&self) -> Self {
        Self { is_quiet: true, ..self.clone() }
    }

    /// The same screen, on which everything is shown.
    pub(crate) fn loud(&self) -> Self {
        Self { is_quiet: false, ..self.clone() }
    }

    /// Whether a person is looking.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    pub(crate) async fn said(&self, chat: &ChatId, line: impl Into<String>) {
        self.show(Item::Said(chat.clone(), line.into())).await;
    }

    pub(crate) async fn noted(&self, chat: &ChatId, line: impl Into<String>) {
        self.show(Item::Noted(chat.clone(), line.into())).await;
    }

    pub(crate) async fn of_world(&self, line: impl Into<String>) {
        self.show(Item::OfWorld(line.into())).await;
    }

    pub(crate) async fn status(&self, status: ChatStatus) {
        self.show(Item::Status(status)).await;
    }

    pub(crate) async fn hint(&self, line: impl Into<String>) {
        self.show(Item::Hint(line.into())).await;
    }

    async fn show(&self, item: Item) {
        if self.is_quiet {
            return;
        }
        // The thread takes items until the last sender is gone, so there is always one to take it.
        let _ = self.items.send(item).await;
    }
}

struct Printer {
    is_terminal: bool,
    colours: HashMap<ChatId, AnsiColor>,
    states: BTreeMap<ChatId, String>,
}

impl Printer {
    fn run(mut self, mut items: mpsc::Receiver<Item>) {
        // It knows whether there is a terminal, and honours NO_COLOR.
        let mut out = anstream::stdout();
        let mut states_changed = false;
        while let Some(item) = items.blocking_recv() {
            // Nobody may be reading any more, as with `| head`: then there is nothing to do about it.
            let _ = match item {
                Item::Said(chat, line) => self.line(&mut out, &chat, Style::new(), &line),
                Item::Noted(chat, line) => {
                    self.line(&mut out, &chat, Style::new().dimmed(), &format!("[{line}]"))
                }
                Item::OfWorld(line) => world_line(&mut out, &line),
                Item::Hint(line) => writeln!(io::stderr(), "{line}"),
                Item::Status(status) => {
                    states_changed |= self.note_state(&status);
                    Ok(())
                }
            };
            // Several changes at once are one line.
            if states_changed && items.is_empty() {
                let _ = self.show_states(&mut out);
                states_changed = false;
            }
        }
    }

    fn line(
        &mut self,
        out: &mut impl Write,
        chat: &ChatId,
        style: Style,
        line: &str,
    ) -> io::Result<()> {
        let name = self.style_of(chat);
        let line = harmless(line);
        writeln!(out, "{name}{chat}:{name:#} {style}{line}{style:#}")
    }

    fn note_state(&mut self, status: &ChatStatus) -> bool {
        if !self.is_terminal {
            return false;
        }
        let mut state = status.kind.as_str().to_owned();
        if status.queued > 0 {
            state = match status.kind {
                StatusKind::Idle => format!("queued {}", status.queued),
                _ => format!("{state}, queued {}", status.queued),
            };
        }
        let old = self.states.insert(status.chat_id.clone(), state.clone());
        old.is_none_or(|old| old != state)
    }

    fn show_states(&mut self, out: &mut impl Write) -> io::Result<()> {
        let states: Vec<_> = self.states.iter().map(|(c, s)| (c.clone(), s.clone())).collect();
        for (n, (chat, state)) in states.iter().enumerate() {
            let (name, dim) = (self.style_of(chat), Style::new().dimmed());
            let gap = if n == 0 { "  ── " } else { " · " };
            write!(out, "{dim}{gap}{dim:#}{name}{chat}{name:#} {dim}{state}{dim:#}")?;
        }
        writeln!(out)
    }

    fn style_of(&mut self, chat: &ChatId) -> Style {
        let next = COLOURS.iter().cycle().nth(self.colours.len()).copied();
        let colour = *self.colours.entry(chat.clone()).or_insert(next.unwrap_or(AnsiColor::White));
        Style::new().bold().fg_color(Some(colour.into()))
    }
}

/// A line under a label that no chat can have, because it is two words.
fn world_line(out: &mut impl Write, line: &str) -> io::Result<()> {
    let (bold, dim, line) = (Style::new().bold(), Style::new().dimmed(), harmless(line));
    writeln!(out, "{bold}the world:{bold:#} {dim}[{line}]{dim:#}")
}

/// What a model or a server says must not steer a terminal, nor begin a line of its own, nor show
/// its letters in another order than they have.
fn harmless(line: &str) -> String {
    let spaced = line.chars().map(|c| if c.is_whitespace() && c != '\t' { ' ' } else { c });
    spaced.filter(|c| *c == '\t' || !(c.is_control() || turns_text_around(*c))).collect()
}

/// The characters that reverse how others are shown: what is to be allowed must be what it seems.
fn turns_text_around(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
