//! Reading the ledger as a stream.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, ErrorKind, Result};

use memchr::memmem;

use super::entry::{Entry, Kind};
use super::months::Month;

/// Longest line that is read. A longer one is none of ours.
const LINE_LIMIT: usize = 1024 * 1024;

/// The entries of one attempt after another, over several files. Remembers eight bytes for each, and for each task.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    seen: HashSet<u64>,
    hasher: RandomState,
    line: Vec<u8>,
}

impl Reader {
    /// Passes on the entries of a month. Lines that are cut short or none of ours are left out, and so are repetitions:
    /// of a later line of an attempt only the tasks are passed on that no earlier one has.
    ///
    /// # Errors
    ///
    /// When the file cannot be read; one that is gone meanwhile is empty.
    pub(crate) fn read(&mut self, month: &Month, each: impl FnMut(Entry)) -> Result<()> {
        self.read_those(month, |_| true, each)
    }

    /// The same for lines that hold a `word` at least.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub(crate) fn find(
        &mut self,
        month: &Month,
        word: &str,
        each: impl FnMut(Entry),
    ) -> Result<()> {
        let finder = memmem::Finder::new(word);
        self.read_those(month, |line| finder.find(line).is_some(), each)
    }

    fn read_those(
        &mut self,
        month: &Month,
        is_one: impl Fn(&[u8]) -> bool,
        mut each: impl FnMut(Entry),
    ) -> Result<()> {
        let file = match File::open(&month.file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        let mut lines = BufReader::with_capacity(256 * 1024, file);
        while self.next(&mut lines)? {
            if !is_one(&self.line) {
                continue;
            }
            let Ok(mut entry) = serde_json::from_slice::<Entry>(&self.line) else {
                continue;
            };
            let Self { seen, hasher, .. } = self;
            let is_first = seen.insert(hasher.hash_one(&entry.attempt));
            let attempt = &entry.attempt;
            entry
                .tasks
                .retain(|task| seen.insert(hasher.hash_one((attempt, &task.task))));
            if !is_first {
                entry.kind = Kind::Addition;
            }
            if is_first || !entry.tasks.is_empty() {
                each(entry);
            }
        }
        Ok(())
    }

    /// Reads the next whole line; false at the end. A line without an end is being written, or was cut short.
    fn next(&mut self, lines: &mut impl BufRead) -> Result<bool> {
        self.line.clear();
        loop {
            let (used, is_end) = {
                let bytes = lines.fill_buf()?;
                if bytes.is_empty() {
                    return Ok(false);
                }
                let end = memchr::memchr(b'\n', bytes);
                let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or(bytes);
                if self.line.len() + part.len() <= LINE_LIMIT {
                    self.line.extend_from_slice(part);
                }
                (end.map_or(bytes.len(), |end| end + 1), end.is_some())
            };
            lines.consume(used);
            if is_end {
                return Ok(true);
            }
        }
    }
}
