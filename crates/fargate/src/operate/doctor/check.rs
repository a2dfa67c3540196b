//! A check and its result.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::cli::Category;

/// The subject of a check.
#[derive(Debug)]
pub(super) struct Subject {
    /// Name for programs, and anchor in docs/doctor.md. It never changes.
    pub(super) id: &'static str,
    /// Name for people.
    pub(super) name: &'static str,
    pub(super) category: Category,
}

/// A check that was made, or skipped.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) subject: &'static Subject,
    pub(super) status: Status,
    /// What was found; of a skipped check the reason.
    pub(super) found: String,
    /// What to do, in sentences and commands, each on a line of its own.
    pub(super) fix: Option<String>,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// As it must be.
    Pass,
    /// Jobs run, but not always or not well.
    Warn,
    /// Jobs fail.
    Fail,
    /// It could not be seen.
    Skip,
}

impl Status {
    /// Its mark in a report, and the mark's colour in a terminal.
    pub(crate) fn mark(self) -> (&'static str, &'static str) {
        match self {
            Self::Pass => ("✓", "32"),
            Self::Warn => ("!", "33"),
            Self::Fail => ("✗", "31"),
            Self::Skip => ("-", "2"),
        }
    }
}

impl Subject {
    pub(super) fn pass(&'static self, found: impl Into<String>) -> Check {
        self.check(Status::Pass, found.into(), None)
    }

    pub(super) fn warn(&'static self, found: impl Into<String>, fix: impl Into<String>) -> Check {
        self.check(Status::Warn, found.into(), Some(fix.into()))
    }

    pub(super) fn fail(&'static self, found: impl Into<String>, fix: impl Into<String>) -> Check {
        self.check(Status::Fail, found.into(), Some(fix.into()))
    }

    pub(super) fn skip(&'static self, reason: impl Into<String>) -> Check {
        self.check(Status::Skip, reason.into(), None)
    }

    fn check(&'static self, status: Status, found: String, fix: Option<String>) -> Check {
        Check {
            subject: self,
            status,
            found,
            fix,
        }
    }

    /// The paragraph about it.
    pub(super) fn doc(&self) -> String {
        format!("docs/doctor.md#{}", self.id)
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("Check", 6)?;
        members.serialize_field("id", self.subject.id)?;
        members.serialize_field("category", &self.subject.category)?;
        members.serialize_field("status", &self.status)?;
        members.serialize_field("found", &self.found)?;
        members.serialize_field("fix", &self.fix)?;
        members.serialize_field("doc", &self.subject.doc())?;
        members.end()
    }
}
