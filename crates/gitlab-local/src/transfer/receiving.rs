//! Files from a task: a script prints them in base64 between two lines, and here they become archives again.
//!
//! A driver's output is one stream, in which its own lines and those of a login shell may be. All that is not between
//! the two lines belongs to the job log. Between them, so does each line that is not base64, such as a complaint.

use std::fs::File;
use std::io::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::transfer::archive::Archive;

/// Longest line of base64. Programs break lines at 76 characters.
const LONGEST_LINE: usize = 16 * 1024;

/// The two lines. A script learns them, and nothing that ran before it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Markers {
    begin: String,
    end: String,
}

impl Markers {
    /// New ones.
    pub(crate) fn new() -> io::Result<Self> {
        let mut random = [0; 16];
        io::Read::read_exact(&mut File::open("/dev/urandom")?, &mut random)?;
        let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            begin: format!("-----BEGIN FILES {name}-----"),
            end: format!("-----END FILES {name}-----"),
        })
    }

    /// Commands that print what `produce` writes, in base64 and between the lines.
    pub(crate) fn print(&self, produce: &str) -> String {
        let Self { begin, end } = self;
        format!("printf '%s\\n' '{begin}'\n{produce} | base64\nprintf '%s\\n' '{end}'\n")
    }
}

/// Takes archives out of a script's output.
#[derive(Debug)]
pub(crate) struct Receiver {
    markers: Markers,
    /// Bytes that one archive may have.
    limit: u64,
    /// The line that has not ended.
    line: Vec<u8>,
    /// Whether a longer beginning of this line went to the log already.
    line_is_logged: bool,
    receiving: Option<Incoming>,
    received: Vec<Received>,
}

/// What came between two lines.
#[derive(Debug)]
pub(crate) enum Received {
    Archive(Archive),
    /// It was more than the limit.
    TooLarge,
}

#[derive(Debug)]
struct Incoming {
    /// None once there was too much.
    file: Option<io::BufWriter<File>>,
    size: u64,
}

impl Receiver {
    pub(crate) fn new(markers: Markers, limit: u64) -> Self {
        Self {
            markers,
            limit,
            line: Vec::new(),
            line_is_logged: false,
            receiving: None,
            received: Vec::new(),
        }
    }

    /// Takes output in. Returns what belongs to the job log.
    ///
    /// # Errors
    ///
    /// When a temporary file cannot be written.
    pub(crate) fn take(&mut self, output: &[u8]) -> io::Result<Vec<u8>> {
        let mut log = Vec::new();
        for piece in output.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.end_line(&mut log)?;
            } else if self.line.len() > LONGEST_LINE {
                self.line_is_logged = true;
                log.append(&mut self.line);
            }
        }
        Ok(log)
    }

    /// The archives, in order, and what is left for the job log. One that did not end is none.
    pub(crate) fn finish(self) -> (Vec<Received>, Vec<u8>) {
        (self.received, self.line)
    }

    fn end_line(&mut self, log: &mut Vec<u8>) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.line_is_logged) {
            log.extend(line);
            return Ok(());
        }
        let text = line.trim_ascii_end();
        match &mut self.receiving {
            None if text == self.markers.begin.as_bytes() => {
                self.receiving = Some(Incoming {
                    file: Some(io::BufWriter::new(tempfile::tempfile()?)),
                    size: 0,
                });
            }
            None => log.extend(line),
            Some(_) if text == self.markers.end.as_bytes() => {
                if let Some(incoming) = self.receiving.take() {
                    self.received.push(incoming.end()?);
                }
            }
            Some(incoming) => match STANDARD.decode(text) {
                Ok(bytes) => incoming.add(&bytes, self.limit)?,
                Err(_) => log.extend(line),
            },
        }
        Ok(())
    }
}

impl Incoming {
    fn add(&mut self, bytes: &[u8], limit: u64) -> io::Result<()> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > limit {
            self.file = None;
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => Ok(()),
        }
    }

    fn end(self) -> io::Result<Received> {
        match self.file {
            Some(file) => {
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                Ok(Received::Archive(Archive::new(file, self.size)))
            }
            None => Ok(Received::TooLarge),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn markers() -> Markers {
        Markers {
            begin: "BEGIN".to_owned(),
            end: "END".to_owned(),
        }
    }

    /// What is received of `output` in pieces of `size` bytes, and the job log.
    fn received(output: &[u8], size: usize, limit: u64) -> (Vec<Option<Vec<u8>>>, String) {
        let mut receiver = Receiver::new(markers(), limit);
        let mut log = Vec::new();
        for piece in output.chunks(size) {
            log.extend(receiver.take(piece).unwrap());
        }
        let (received, rest) = receiver.finish();
        log.extend(rest);
        let content = |received: Received| match received {
            Received::Archive(archive) => archive.content(u64::MAX).unwrap(),
            Received::TooLarge => None,
        };
        (
            received.into_iter().map(content).collect(),
            String::from_utf8(log).unwrap(),
        )
    }

    #[test]
    fn files_come_out_and_all_else_is_the_job_log() {
        let output = "motd\nBEGIN\naGVs\ntar: file changed as we read it\nbG8=\nEND\nbetween\nBEGIN\nEND\nBEGIN\nYQ==\n";
        for size in 1..output.len() {
            let (files, log) = received(output.as_bytes(), size, 100);
            assert_eq!(files, [Some(b"hello".to_vec()), Some(vec![])], "{size}");
            assert_eq!(
                log, "motd\ntar: file changed as we read it\nbetween\n",
                "{size}"
            );
        }
    }

    #[test]
    fn more_than_the_limit_is_not_kept() {
        let (files, log) = received(b"BEGIN\naGVs\nbG8=\nEND\nBEGIN\naGk=\nEND\nrest", 7, 4);
        assert_eq!(
            (files, log.as_str()),
            (vec![None, Some(b"hi".to_vec())], "rest")
        );
    }

    #[test]
    fn a_line_without_an_end_takes_no_memory() {
        let mut receiver = Receiver::new(markers(), 4);
        let mut logged = 0;
        for _ in 0..1000 {
            logged += receiver.take(&[b'x'; 1000]).unwrap().len();
            assert!(receiver.line.len() <= LONGEST_LINE + 1000);
        }
        assert!(logged > 900_000);
    }

    proptest! {
        #[test]
        fn what_a_shell_prints_comes_back(content in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("f");
            std::fs::write(&file, &content).unwrap();
            let script = markers().print(&format!("cat '{}'", file.display()));
            for shell in [&["bash"][..], &["busybox", "sh"]] {
                let mut command = std::process::Command::new(shell[0]);
                let output = command.args(&shell[1..]).args(["-c", &script]).output().unwrap();
                let (files, log) = received(&output.stdout, 333, u64::MAX);
                prop_assert_eq!(files, vec![Some(content.clone())]);
                prop_assert_eq!(log, "");
            }
        }
    }
}
