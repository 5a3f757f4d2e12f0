//! What an import tells: while it runs, and at its end.

use std::fmt;

use polychat_core::ChatId;

use crate::import::Placed;

/// How many problems a [`Report`] keeps; all of them reach the observer, and all are counted.
pub const PROBLEMS_KEPT_MAX: usize = 1_000;

/// The longest explanation of a problem, in bytes. What is quoted in one may be hostile and long.
const WHY_BYTES_MAX: usize = 512;

/// How far an import has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Progress {
    /// Chats that were dealt with, in whichever way.
    pub chats_done: u64,
    /// Chats there are; `None` where that shows only at the end, as with lines.
    pub chats_total: Option<u64>,
    /// Messages of those chats.
    pub messages: u64,
    /// Bytes read, of lines; 0 of a database.
    pub bytes: u64,
}

/// Where something stands that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A line of a file, from 1.
    Line(u64),
    /// A row of a database.
    Row {
        /// The table.
        table: &'static str,
        /// The row's number, as SQLite's `rowid`.
        rowid: i64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row { table, rowid } => write!(f, "{table}, row {rowid}"),
        }
    }
}

/// The sorts of problem, stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ProblemKind {
    /// It is longer or larger than allowed.
    TooLarge,
    /// It is no JSON.
    NotJson,
    /// It is of a version that is not known here.
    UnknownVersion,
    /// It is of a kind or role that is not known here.
    UnknownKind,
    /// A field is missing or of the wrong sort.
    WrongType,
    /// An id breaks the rules of ids.
    InvalidId,
    /// A time lies nowhere.
    ImpossibleTime,
    /// It belongs to no chat that is known.
    NoChat,
    /// It names another chat than the one around it (REQ-13).
    ForeignChat,
    /// A tool's result without the call that it answers.
    Orphan,
    /// Something else of the same name is there already; that one stays.
    Conflict,
    /// The chat was deleted here; its id is never used again.
    Deleted,
    /// The world refused it.
    Refused,
    /// No agent of this name is here; the chat takes the world's.
    UnknownAgent,
    /// It was not exported, or never answered, where it comes from.
    Missing,
    /// The lines end before their last line.
    CutOff,
}

impl ProblemKind {
    /// A stable word for scripts and tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::NotJson => "not_json",
            Self::UnknownVersion => "unknown_version",
            Self::UnknownKind => "unknown_kind",
            Self::WrongType => "wrong_type",
            Self::InvalidId => "invalid_id",
            Self::ImpossibleTime => "impossible_time",
            Self::NoChat => "no_chat",
            Self::ForeignChat => "foreign_chat",
            Self::Orphan => "orphan",
            Self::Conflict => "conflict",
            Self::Deleted => "deleted",
            Self::Refused => "refused",
            Self::UnknownAgent => "unknown_agent",
            Self::Missing => "missing",
            Self::CutOff => "cut_off",
        }
    }
}

/// One thing that was left out or kept otherwise, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// The chat that it is about, where that is known.
    pub chat: Option<ChatId>,
    /// What sort of problem.
    pub kind: ProblemKind,
    /// What is wrong, for people; bounded.
    pub why: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

/// What an observer is told.
#[derive(Debug)]
#[non_exhaustive]
pub enum Observed<'a> {
    /// A chat was dealt with.
    Progress(&'a Progress),
    /// Something was left out.
    Problem(&'a Problem),
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Report {
    /// How far it came.
    pub progress: Progress,
    /// Chats that were created.
    pub chats_imported: u64,
    /// Chats that were there already, with this history.
    pub chats_already_there: u64,
    /// Chats that were left out; each has its problem.
    pub chats_left_out: u64,
    /// Messages of the chats that were created.
    pub messages_imported: u64,
    /// Lines and rows that hold a message and were left out; each has its problem.
    pub messages_left_out: u64,
    /// Rows that said again what another row says, and were collapsed into it.
    pub duplicates: u64,
    /// Agents that were added.
    pub agents_added: u64,
    /// All problems, also those that `problems` has no room for.
    pub problems_total: u64,
    /// The first [`PROBLEMS_KEPT_MAX`] problems, in the order of their finding.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether everything that was read is here now.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.problems_total == 0
    }
}

/// Who is told while an import runs.
pub(crate) type Observer<'a> = Box<dyn FnMut(Observed<'_>) + Send + 'a>;

/// A report in the making, and who is told of it.
pub(crate) struct Ledger<'a> {
    pub(crate) report: Report,
    observer: Option<Observer<'a>>,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(observer: Option<Observer<'a>>) -> Self {
        Self { report: Report::default(), observer }
    }

    pub(crate) fn problem(
        &mut self,
        place: Place,
        chat: Option<&ChatId>,
        kind: ProblemKind,
        why: &str,
    ) {
        let why = polychat_core::outcome::cut(why, WHY_BYTES_MAX).to_owned();
        let problem = Problem { place, chat: chat.cloned(), kind, why };
        if let Some(observer) = &mut self.observer {
            observer(Observed::Problem(&problem));
        }
        self.report.problems_total += 1;
        if self.report.problems.len() < PROBLEMS_KEPT_MAX {
            self.report.problems.push(problem);
        }
    }

    /// A chat was brought to its world.
    pub(crate) fn placed(&mut self, place: Place, chat: &ChatId, placed: Placed, messages: usize) {
        match placed {
            Placed::Here => {
                self.report.chats_imported += 1;
                self.report.messages_imported += messages as u64;
            }
            Placed::AlreadyThere => self.report.chats_already_there += 1,
            Placed::LeftOut(kind, why) => {
                self.report.chats_left_out += 1;
                self.problem(place, Some(chat), kind, &why);
            }
        }
        self.chat_done(messages);
    }

    /// A chat was dealt with.
    pub(crate) fn chat_done(&mut self, messages: usize) {
        self.report.progress.chats_done += 1;
        self.report.progress.messages += messages as u64;
        if let Some(observer) = &mut self.observer {
            observer(Observed::Progress(&self.report.progress));
        }
    }
}
