//! A file of lines in blocks of whole ones.

use std::fs::File;
use std::io::{Read, Result};

/// Bytes of a block, about.
pub(super) const BLOCK: usize = 128 * 1024;

/// Longest line that is read. A longer one is none of ours.
const LINE_LIMIT: usize = 1024 * 1024;

/// The blocks of a file, in their order. A line without an end is being written, or was cut short: it is left out.
pub(super) struct Blocks {
    file: File,
    /// The beginning of the next line.
    rest: Vec<u8>,
    /// Whether the next line has lost its beginning, as it is too long.
    is_cut: bool,
}

impl Blocks {
    pub(super) fn of(file: File) -> Self {
        Self {
            file,
            rest: Vec::new(),
            is_cut: false,
        }
    }

    /// The next block of whole lines; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut block = std::mem::take(&mut self.rest);
        block.reserve(BLOCK);
        loop {
            let read = (&mut self.file)
                .take(BLOCK as u64)
                .read_to_end(&mut block)?;
            if let Some(end) = memchr::memrchr(b'\n', &block) {
                self.rest = block.split_off(end + 1);
                let head = memchr::memchr(b'\n', &block).filter(|_| self.is_cut);
                block.drain(..head.map_or(0, |end| end + 1));
                self.is_cut = false;
                return Ok(Some(block));
            }
            if read == 0 {
                return Ok(None);
            }
            if block.len() > LINE_LIMIT {
                block.clear();
                self.is_cut = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_and_not_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let lines: Vec<String> = (0..9)
            .map(|number| format!("{number}").repeat(100_000))
            .collect();
        let too_long = "x".repeat(3 * LINE_LIMIT);
        let text = format!("{}\n{too_long}\n\nlast\nunfinished", lines.join("\n"));
        std::fs::write(&path, text).unwrap();
        let (mut blocks, mut read) = (Blocks::of(File::open(&path).unwrap()), Vec::new());
        while let Some(block) = blocks.next().unwrap() {
            assert!(block.is_empty() || block.ends_with(b"\n"));
            assert!(block.len() <= LINE_LIMIT + BLOCK);
            read.extend(block);
        }
        assert_eq!(
            String::from_utf8(read).unwrap(),
            format!("{}\n\nlast\n", lines.join("\n"))
        );
    }
}
