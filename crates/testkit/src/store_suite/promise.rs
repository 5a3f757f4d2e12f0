//! A promise in one sentence, and what it means to break it.

use std::fmt::{self, Debug, Display};

use polychat_core::ports::{AppendError, StoreError, StoreErrorKind};

/// What a check answers.
pub type Outcome = Result<(), Broken>;

/// A promise that a store does not keep.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken {
    /// The promise, as a sentence.
    pub promise: String,
    /// What was found instead.
    pub found: String,
}

impl Broken {
    pub(super) fn hung(check: &str) -> Self {
        let promise = "every call to a store is answered".to_owned();
        Self { promise, found: format!("{check} did not end within {:?}", super::PATIENCE) }
    }

    pub(super) fn unknown(check: &str) -> Self {
        let promise = "the suite knows its checks".to_owned();
        Self { promise, found: format!("there is no check {check}") }
    }
}

impl Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken promise: {}; {}", self.promise, self.found)
    }
}

/// Reads as the sentence that it is when a test returns it.
impl Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl std::error::Error for Broken {}

/// The sentence that a check holds a store to.
#[derive(Clone, Copy)]
pub(super) struct Promise(pub(super) &'static str);

impl Promise {
    pub(super) fn broken<T>(self, found: impl Into<String>) -> Result<T, Broken> {
        Err(Broken { promise: self.0.to_owned(), found: found.into() })
    }

    pub(super) fn holds(self, holds: bool, otherwise: impl FnOnce() -> String) -> Outcome {
        if holds { Ok(()) } else { self.broken(otherwise()) }
    }

    pub(super) fn equal<T: PartialEq + Debug>(self, what: &str, found: &T, wanted: &T) -> Outcome {
        self.holds(found == wanted, || format!("{what} is {found:?}, not {wanted:?}"))
    }

    /// What must succeed in a store that reaches its medium.
    pub(super) fn done<T, E: Display>(
        self,
        doing: &str,
        result: Result<T, E>,
    ) -> Result<T, Broken> {
        result.or_else(|error| self.broken(format!("{doing} failed: {error}")))
    }

    /// What must be refused as this kind.
    pub(super) fn refused<T: Debug>(
        self,
        doing: &str,
        result: Result<T, StoreError>,
        kind: StoreErrorKind,
    ) -> Outcome {
        match result {
            Ok(answer) => self.broken(format!("{doing} was answered {answer:?}")),
            Err(error) if error.kind == kind => Ok(()),
            Err(error) => self.broken(format!("{doing} was refused as {error}, not as {kind}")),
        }
    }

    /// An append that certainly must store nothing; answers why it was refused.
    pub(super) fn rejected(
        self,
        doing: &str,
        result: Result<(), AppendError>,
    ) -> Result<StoreErrorKind, Broken> {
        match result {
            Ok(()) => self.broken(format!("{doing} was acknowledged")),
            Err(AppendError::Rejected(error)) => Ok(error.kind),
            Err(error @ AppendError::Ambiguous(_)) => {
                self.broken(format!("{doing} was not refused but {error}"))
            }
        }
    }
}
