//! Reading the ledger as a stream.
//!
//! JSON is most of the work, so threads parse blocks of lines, and their results are taken in the order of the file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Result};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use memchr::memmem::{self, Finder};

use super::blocks::{BLOCK, Blocks};
use super::entry::{Entry, HEDGED, Kind};
use super::months::Month;
use super::seen::Seen;

/// Most threads that parse, and how many blocks each has.
const PARSERS: usize = 4;
const BLOCKS_EACH: usize = 2;

/// Where the scripts of a line begin, which are its last member and half of it. Within a string the quotes would have
/// backslashes.
const SCRIPTS: &[u8] = b",\"scripts\":[";

/// The entries of one attempt after another, over several files. Remembers each attempt, and each task.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    seen: Seen,
}

/// Which lines are parsed, and how much of them.
struct Wanted<'a> {
    /// A word that they hold.
    word: Option<Finder<'a>>,
    has_scripts: bool,
    scripts: Finder<'a>,
}

/// A thread that parses.
struct Parser {
    blocks: SyncSender<Vec<u8>>,
    entries: Receiver<Vec<Entry>>,
}

impl Reader {
    /// Passes on the entries of a month, without their scripts. Lines that are cut short or none of ours are left out,
    /// and so are repetitions: of a later line of an attempt only the tasks are passed on that no earlier one has.
    ///
    /// # Errors
    ///
    /// When the file cannot be read; one that is gone meanwhile is empty.
    pub(crate) fn read(&mut self, month: &Month, each: impl FnMut(Entry)) -> Result<()> {
        let wanted = Wanted {
            word: None,
            has_scripts: false,
            scripts: Finder::new(SCRIPTS),
        };
        self.read_those(month, &wanted, each)
    }

    /// The same for lines that hold a `word` at least, with their scripts.
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
        let wanted = Wanted {
            word: Some(memmem::Finder::new(word)),
            has_scripts: true,
            scripts: Finder::new(SCRIPTS),
        };
        self.read_those(month, &wanted, each)
    }

    fn read_those(
        &mut self,
        month: &Month,
        wanted: &Wanted<'_>,
        mut each: impl FnMut(Entry),
    ) -> Result<()> {
        let file = match File::open(&month.file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        let is_small = file.metadata()?.len() < 2 * BLOCK as u64;
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let parsers = if is_small { 0 } else { cores.min(PARSERS) };
        let mut blocks = Blocks::of(file);
        thread::scope(|scope| {
            // Where no thread can be started, this one does it all.
            let parsers: Vec<Parser> = (0..parsers)
                .map_while(|_| Parser::start(scope, wanted))
                .collect();
            let mut turns = parsers.iter().cycle();
            let mut busy: VecDeque<&Parser> = VecDeque::new();
            while let Some(block) = blocks.next()? {
                let Some(parser) = turns.next() else {
                    self.pass_on(wanted.entries(block), &mut each);
                    continue;
                };
                // It lives as long as its channels.
                if parser.blocks.send(block).is_ok() {
                    busy.push_back(parser);
                }
                if busy.len() >= parsers.len() * BLOCKS_EACH
                    && let Some(parser) = busy.pop_front()
                {
                    self.pass_on(parser.entries.recv().unwrap_or_default(), &mut each);
                }
            }
            for parser in busy {
                self.pass_on(parser.entries.recv().unwrap_or_default(), &mut each);
            }
            Ok(())
        })
    }

    /// Passes on what no earlier line has.
    pub(super) fn pass_on(&mut self, entries: Vec<Entry>, each: &mut impl FnMut(Entry)) {
        let seen = &mut self.seen;
        for mut entry in entries {
            let is_first = seen.insert(&entry.attempt);
            // A prepare that won while its attempt was ended says otherwise than the end which of two tasks was behind.
            let attempt = entry.attempt.strip_suffix(HEDGED);
            let attempt = attempt.unwrap_or(&entry.attempt);
            entry
                .tasks
                .retain(|task| seen.insert((attempt, &task.task)));
            // Tasks that were kept or waited are counted in their own way, whichever line of these names them.
            if !is_first && entry.is_attempt() {
                entry.kind = Kind::Addition;
            }
            if is_first || !entry.tasks.is_empty() {
                each(entry);
            }
        }
    }
}

impl Parser {
    /// Starts one; nothing where the machine has no room for a thread.
    fn start<'scope, 'env>(
        scope: &'scope thread::Scope<'scope, 'env>,
        wanted: &'env Wanted<'env>,
    ) -> Option<Self> {
        let (blocks, to_parse) = sync_channel::<Vec<u8>>(BLOCKS_EACH);
        let (parsed, entries) = sync_channel(BLOCKS_EACH);
        let parse = move || {
            for block in to_parse {
                if parsed.send(wanted.entries(block)).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().spawn_scoped(scope, parse).ok()?;
        Some(Self { blocks, entries })
    }
}

impl Wanted<'_> {
    /// The entries of a block of lines.
    fn entries(&self, mut block: Vec<u8>) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut rest = block.as_mut_slice();
        while let Some(end) = memchr::memchr(b'\n', rest)
            && let Some((line, more)) = std::mem::take(&mut rest).split_at_mut_checked(end)
        {
            entries.extend(self.entry(line));
            rest = more.get_mut(1..).unwrap_or_default();
        }
        entries
    }

    /// The entry of a line, if it is one that is wanted.
    fn entry(&self, line: &mut [u8]) -> Option<Entry> {
        if self
            .word
            .as_ref()
            .is_some_and(|word| word.find(line).is_none())
        {
            return None;
        }
        if !self.has_scripts
            && let Some(at) = self.scripts.find(line)
            && let Some(comma) = line.get_mut(at)
        {
            *comma = b'}';
            if let Some(entry) = line.get(..=at).and_then(parse) {
                return Some(entry);
            }
            // They are somewhere else in it.
            *line.get_mut(at)? = b',';
        }
        parse(line)
    }
}

/// Checks the text once, which is cheaper than each word of it.
fn parse(line: &[u8]) -> Option<Entry> {
    serde_json::from_str(std::str::from_utf8(line).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::ledger::TaskEntry;
    use crate::state::ledger::script::ScriptEntry;
    use crate::state::outcome::Outcome;
    use crate::state::record::tests::job;

    fn entry(number: usize) -> Entry {
        Entry {
            attempt: format!("attempt-{number}"),
            job_id: number as u64,
            scripts: vec![ScriptEntry {
                stage: "build_script".into(),
                at: 7,
                took: Some(1),
                status: Some(0),
            }],
            ..Entry::unrecorded(&job(7), Outcome::system("a,\"scripts\":[1]}"))
        }
    }

    fn month(lines: &[String]) -> (tempfile::TempDir, Month) {
        let folder = tempfile::tempdir().unwrap();
        let month = Month::of(1_795_950_000_000, folder.path());
        std::fs::write(&month.file, lines.concat()).unwrap();
        (folder, month)
    }

    fn line(entry: &Entry) -> String {
        serde_json::to_string(entry).unwrap() + "\n"
    }

    #[test]
    fn a_task_counts_once_whichever_line_of_its_attempt_has_it() {
        let with = |kind, attempt: &str, task: &str| Entry {
            kind,
            attempt: attempt.to_owned(),
            tasks: vec![TaskEntry {
                task: task.to_owned(),
                ..TaskEntry::default()
            }],
            ..entry(1)
        };
        let lines = [
            with(Kind::Job, "a", "one"),
            with(Kind::Hedged, "a-hedged", "two"),
            with(Kind::Job, "a", "two"),
            with(Kind::Hedged, "a-hedged", "one"),
            // Its time after the job is another one.
            with(Kind::Kept, "a-kept", "one"),
        ];
        let (_folder, month) = month(&lines.map(|entry| line(&entry)));
        let mut read = Vec::new();
        Reader::default()
            .read(&month, |entry| read.push(entry.attempt))
            .unwrap();
        assert_eq!(read, ["a", "a-hedged", "a-kept"]);
    }

    #[test]
    fn what_threads_parse_comes_in_the_order_of_the_file() {
        // Each attempt twice: later lines count for nothing, and say so by their region.
        let lines: Vec<_> = (0..12_000)
            .map(|number| {
                let region = if number < 6000 { "first" } else { "later" };
                let region = region.to_owned();
                line(&Entry {
                    region,
                    ..entry(number % 6000)
                })
            })
            .collect();
        let (_folder, month) = month(&lines);
        assert!(month.file.metadata().unwrap().len() > 8 * BLOCK as u64);
        let mut read = Vec::new();
        Reader::default()
            .read(&month, |entry| read.push(entry))
            .unwrap();
        let expected: Vec<_> = (0..6000).map(|number| number as u64).collect();
        let ids: Vec<_> = read.iter().map(|entry| entry.job_id).collect();
        assert_eq!(ids, expected);
        assert!(read.iter().all(|entry| entry.region == "first"));
        let mut found = Vec::new();
        let mut reader = Reader::default();
        reader
            .find(&month, "\"job_id\":4711,", |entry| found.push(entry))
            .unwrap();
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn scripts_are_left_out_and_nothing_else() {
        let (whole, second) = (entry(1), entry(2));
        // Of a newer version, with members behind the scripts.
        let newer = line(&second).replace("]}\n", "],\"more\":{\"a\":[]}}\n");
        let (_folder, month) = month(&[line(&whole), newer]);
        let mut read = Vec::new();
        Reader::default()
            .read(&month, |entry| read.push(entry))
            .unwrap();
        let without = |entry| Entry {
            scripts: Vec::new(),
            ..entry
        };
        assert_eq!(read, [without(whole.clone()), without(second)]);
        let mut found = Vec::new();
        let mut reader = Reader::default();
        reader
            .find(&month, "attempt-1", |entry| found.push(entry))
            .unwrap();
        assert_eq!(found, [whole]);
    }
}
