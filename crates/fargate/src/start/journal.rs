//! The record of the attempt that this process prepares, for the parts of it that run side by side.

use std::cell::RefCell;

use crate::aws::{AwsError, RunTaskAnswer};
use crate::error::Result;
use crate::state::record::Record;
use crate::state::records::Records;

/// A record that is written whenever it changes.
pub(crate) struct Journal<'a> {
    records: &'a Records,
    record: RefCell<Record>,
}

/// How a job's tasks are found among others.
#[derive(Debug)]
pub(super) struct Marks {
    /// Names the manager (AWS: startedBy).
    pub(super) started_by: String,
    /// Names the job (AWS: group).
    pub(super) group: String,
}

impl<'a> Journal<'a> {
    /// Of a `record` that is written already.
    pub(crate) fn new(records: &'a Records, record: Record) -> Self {
        Self {
            records,
            record: RefCell::new(record),
        }
    }

    /// Changes the record, and writes it durably.
    ///
    /// # Errors
    ///
    /// As [`Records::update`].
    pub(super) fn note(&self, change: impl FnOnce(&mut Record)) -> Result<()> {
        let mut record = self.record.borrow_mut();
        change(&mut record);
        self.records.update(&record)
    }

    /// Notes AWS's answer to the call with this token, and the hash of the start where that is known. A call without a
    /// clear answer stays open.
    ///
    /// # Errors
    ///
    /// As [`Records::update`].
    pub(super) fn answered(
        &self,
        token: &str,
        answer: &Result<RunTaskAnswer, AwsError>,
        hash: Option<String>,
    ) -> Result<()> {
        self.note(|record| {
            match answer {
                Ok(RunTaskAnswer::Task(task)) => record.started(token, task),
                Err(refusal) if refusal.may_have_worked() => {}
                _ => record.refuse(token),
            }
            record.start_hash = hash.or_else(|| record.start_hash.take());
        })
    }

    /// The record as it is now.
    pub(super) fn record(&self) -> Record {
        self.record.borrow().clone()
    }

    /// The marks of the job's tasks.
    pub(super) fn marks(&self) -> Marks {
        let record = self.record.borrow();
        Marks {
            started_by: record.started_by().unwrap_or_default().to_owned(),
            group: record.group(),
        }
    }
}
