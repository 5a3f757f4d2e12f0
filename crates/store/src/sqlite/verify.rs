//! Walking a whole file: is everything what was stored, and where it was stored?
//!
//! One piece of work per log, each in a snapshot of its own, so that readers and the writer go on
//! meanwhile, and dropping the future ends the walk. Nothing is repaired.

mod file;
mod log;

use polychat_core::{
    Seq,
    content::Text,
    ports::{LogKey, StoreError},
};

use super::{SqliteStore, readers::Reader};

/// What is wrong beyond these is counted and not named.
const FINDINGS_MAX: usize = 1_000;

/// What a walk through a file found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Verification {
    /// Logs looked at: chats, and worlds' own logs.
    pub logs: u64,
    /// Events looked at.
    pub events: u64,
    /// What is wrong: first with the file as a whole, then log by log. At most 1,000.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub findings_left_out: u64,
}

impl Verification {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    fn add(&mut self, part: Self) {
        self.logs += part.logs;
        self.events += part.events;
        self.findings_left_out += part.findings_left_out;
        for finding in part.findings {
            self.find(finding);
        }
    }

    fn find(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.findings_left_out += 1;
        }
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The log concerned; `None` for the file as a whole.
    pub key: Option<LogKey>,
    /// The position in it; `None` when it is not about one event.
    pub seq: Option<Seq>,
    /// What is wrong.
    pub problem: Problem,
}

impl Finding {
    /// Something that is wrong with a log, or with the file as a whole.
    #[must_use]
    pub fn new(key: Option<LogKey>, seq: Option<Seq>, problem: Problem) -> Self {
        Self { key, seq, problem }
    }
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// An event is not there.
    #[error("an event is missing")]
    Missing,
    /// An event was changed after it was stored.
    #[error("the checksum is wrong")]
    Changed,
    /// An event was stored in another place than where it stands.
    #[error("it was written to another place")]
    Foreign,
    /// An event was written by a newer version of this program.
    #[error("its form is newer than this program")]
    Newer,
    /// An event is as it was stored, and still nothing that this program knows.
    #[error("it is nothing that this program knows")]
    Unknown,
    /// An event cannot follow those before it.
    #[error("it contradicts what stands before it: {reason}")]
    Contradicts {
        /// Why.
        reason: Text,
    },
    /// An event stands behind the end of its log.
    #[error("it stands behind the end of its log")]
    BehindHead,
    /// The stored summary of a chat is not what its log says.
    #[error("the summary is not what the log says")]
    Summary,
    /// The search knows other messages of a chat than its log says.
    #[error("the search knows other messages than the log says")]
    Search,
    /// The index of the search was found damaged. It is made anew at the next opening for writing.
    #[error("the index of the search is damaged, and made anew at the next opening")]
    SearchGivenUp,
    /// The name of a log or a world is none, or it is taken twice.
    #[error("the name {name:?} is none, or is taken twice")]
    Name {
        /// The name, shortened.
        name: Text,
    },
    /// Rows that belong to no log.
    #[error("{rows} rows of {table} belong to no log")]
    Stray {
        /// The table.
        table: &'static str,
        /// How many.
        rows: u64,
    },
    /// SQLite finds its own file damaged.
    #[error("the file is damaged: {reason}")]
    File {
        /// What SQLite says.
        reason: Text,
    },
}

impl SqliteStore {
    /// Walks the whole file and says what is wrong with it.
    ///
    /// It reads everything once, and takes as long as that. Whoever reads or writes meanwhile goes
    /// on.
    ///
    /// # Errors
    ///
    /// A fault of the medium that kept it from looking. What is wrong with the contents is no
    /// error here, but a [`Finding`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the walk after the log at hand.
    pub async fn verify(&self) -> Result<Verification, StoreError> {
        let whole = |reader: &mut Reader| reader.snapshot(|connection, _| file::check(connection));
        let mut verification = self.house.readers.read(whole).await?;
        let mut after = 0;
        loop {
            let next = move |reader: &mut Reader| {
                reader.snapshot(|connection, _| log::check_next(connection, after))
            };
            let Some((id, part)) = self.house.readers.read(next).await? else {
                return Ok(verification);
            };
            verification.add(part);
            after = id;
        }
    }
}
