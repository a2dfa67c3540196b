//! The records of the model: real ones in a real folder. Each change is made once, and its result is remembered.

use std::collections::HashMap;

use super::state::{Set, members};
use crate::state::ending::Ending;
use crate::state::ledger::{Entry, StoppedTask};
use crate::state::record::Record;
use crate::state::record::tests::{job, login, record, task};
use crate::state::records::{Found, Records};
use crate::teardown;

/// The number of a record in the order of their first appearance.
pub(super) type Id = u16;

/// A change that a process makes to the record that it has in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Change {
    Intend(usize),
    IntendHedge(usize),
    Started(usize),
    Refuse(usize),
    /// An answer that is none.
    Nothing,
    Lose(usize),
    GiveUp(usize),
    Win(usize),
    Stopped(Set),
    Found(usize),
}

/// A write to the folder, under its lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Write {
    /// Of a prepare.
    Update(Id),
    /// Of a teardown that begins.
    End,
    NoteFound(usize),
    NoteStopped(Set),
}

pub(super) struct Folder {
    records: Records,
    known: Vec<Record>,
    ids: HashMap<String, Id>,
    changed: HashMap<(Id, Change), Id>,
    written: HashMap<(Option<Id>, Write), (Option<Id>, bool)>,
    entered: HashMap<(Id, Set), Set>,
    _directory: tempfile::TempDir,
}

fn token(start: usize) -> String {
    format!("token-{start}")
}

pub(super) fn arn(task: usize) -> String {
    format!("arn:aws:ecs:eu-west-1:1:task/ci/{task}")
}

fn stopped(tasks: Set) -> Vec<StoppedTask> {
    let stopped = |task| StoppedTask {
        arn: arn(task),
        accepted: Some(0),
        facts: None,
    };
    members(tasks).map(stopped).collect()
}

/// The tasks with these ARNs or ids.
pub(super) fn set<'a>(tasks: impl IntoIterator<Item = &'a str>) -> Set {
    let number = |task: &str| crate::task::id(task).parse::<u8>().unwrap();
    let tasks = tasks.into_iter();
    tasks.fold(0, |set, task| set | 1 << number(task))
}

/// The tasks that the starts of a record name.
pub(super) fn named(record: &Record) -> Set {
    let starts = record.starts().iter();
    set(starts.filter_map(|start| start.task.as_deref()))
}

impl Folder {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut folder = Self {
            records: Records::open(directory.path(), 13).unwrap(),
            known: Vec::new(),
            ids: HashMap::new(),
            changed: HashMap::new(),
            written: HashMap::new(),
            entered: HashMap::new(),
            _directory: directory,
        };
        folder.id(record(7));
        folder
    }

    /// How many records have appeared.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn get(&self, id: Id) -> &Record {
        &self.known[usize::from(id)]
    }

    fn id(&mut self, record: Record) -> Id {
        let record = record.without_times();
        let content = serde_json::to_string(&record).unwrap();
        *self.ids.entry(content).or_insert_with(|| {
            self.known.push(record);
            Id::try_from(self.known.len() - 1).unwrap()
        })
    }

    pub(super) fn change(&mut self, id: Id, change: Change) -> Id {
        if let Some(known) = self.changed.get(&(id, change)) {
            return *known;
        }
        let mut record = self.get(id).clone();
        match change {
            Change::Intend(start) => record.intend(&token(start)),
            Change::IntendHedge(start) => record.intend_hedge(&token(start)),
            Change::Started(start) => record.started(&token(start), &task(&arn(start), None)),
            Change::Refuse(start) => record.refuse(&token(start)),
            Change::Nothing => {}
            Change::Lose(start) => record.lose(&task(&arn(start), None)),
            Change::GiveUp(start) => record.give_up(&token(start)),
            Change::Win(start) => {
                record.leave_behind_all_but(&token(start));
                record.win(login(), None);
            }
            Change::Stopped(tasks) => {
                for task in stopped(tasks) {
                    record.stopped(&task.arn, task.accepted, None);
                }
            }
            Change::Found(task) => {
                record.found(&arn(task));
            }
        }
        let changed = self.id(record);
        self.changed.insert((id, change), changed);
        changed
    }

    /// The record's file after a write, and whether the writer goes on.
    pub(super) fn write(&mut self, file: Option<Id>, write: Write) -> (Option<Id>, bool) {
        if let Some(known) = self.written.get(&(file, write)) {
            return *known;
        }
        let job = job(7);
        match file {
            Some(id) => self.records.save(&self.known[usize::from(id)]).unwrap(),
            None => {
                let found = self.records.find(&job).unwrap();
                self.records.remove(&job, &found, &[]).unwrap();
            }
        }
        let found = self.records.find(&job).unwrap();
        let goes_on = match write {
            Write::Update(id) => self.records.update(self.get(id)).is_ok(),
            Write::End => {
                let found = teardown::begin(&self.records, &job, found, &Ending::Cleanup);
                matches!(found, Found::Record(_))
            }
            Write::NoteFound(task) => {
                self.records.note_found(&job, &found, &arn(task));
                true
            }
            Write::NoteStopped(tasks) => {
                self.records.note_stopped(&record(7), &stopped(tasks));
                true
            }
        };
        let written = match self.records.find(&job).unwrap() {
            Found::Record(record) => Some(self.id(*record)),
            _ => None,
        };
        self.written.insert((file, write), (written, goes_on));
        (written, goes_on)
    }

    /// The tasks that the ledger lists of an attempt that has ended with this record, after these stops.
    pub(super) fn entered(&mut self, id: Id, tasks: Set) -> Set {
        if let Some(known) = self.entered.get(&(id, tasks)) {
            return *known;
        }
        let entries = Entry::at_end(self.get(id), &stopped(tasks), &[]);
        let listed = entries.iter().flat_map(|entry| &entry.tasks);
        let listed = set(listed.map(|task| task.task.as_str()));
        self.entered.insert((id, tasks), listed);
        listed
    }
}
