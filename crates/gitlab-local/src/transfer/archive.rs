//! A tar file on this machine.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a line in base64. A multiple of three, so only the last line is padded.
const LINE: usize = 3 * 1024;

/// A tar file on this machine, without a name on disk. Clones are the same file.
///
/// It is passed on and never unpacked here: the names of its members may be a stranger's.
#[derive(Debug, Clone)]
pub(crate) struct Archive {
    file: Arc<File>,
    size: u64,
}

impl Archive {
    /// Takes all that `from` has; `None` when that is more than `limit` bytes.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a temporary file cannot be written.
    pub(crate) fn copied(from: impl Read, limit: u64) -> io::Result<Option<Self>> {
        let mut file = tempfile::tempfile()?;
        let size = io::copy(&mut from.take(limit.saturating_add(1)), &mut file)?;
        Ok((size <= limit).then(|| Self {
            file: Arc::new(file),
            size,
        }))
    }

    /// Writes it in base64, in lines.
    ///
    /// # Errors
    ///
    /// When it cannot be read or `into` cannot be written.
    pub(crate) fn encode(&self, into: &mut impl Write) -> io::Result<()> {
        let mut bytes = [0; LINE];
        let mut text = [0; LINE.div_ceil(3) * 4 + 1];
        let mut at = 0;
        while at < self.size {
            let length = usize::try_from(self.size - at).map_or(LINE, |left| left.min(LINE));
            let (piece, _) = bytes.split_at_mut(length);
            self.file.read_exact_at(piece, at)?;
            let encoded = STANDARD
                .encode_slice(&*piece, &mut text)
                .map_err(io::Error::other)?;
            if let Some(end) = text.get_mut(encoded) {
                *end = b'\n';
            }
            into.write_all(text.get(..=encoded).unwrap_or_default())?;
            at += length as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(content: &[u8]) -> String {
        let archive = Archive::copied(content, u64::MAX).unwrap().unwrap();
        let mut text = Vec::new();
        archive.encode(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn every_length_is_encoded_whole() {
        for length in [0, 1, 2, 3, LINE - 1, LINE, LINE + 1, 3 * LINE + 2] {
            let content: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let text = encoded(&content);
            assert!(text.is_empty() || text.ends_with('\n'));
            assert!(text.lines().all(|line| line.len() <= 4096));
            let joined: String = text.lines().collect();
            assert_eq!(STANDARD.decode(joined).unwrap(), content, "{length}");
        }
    }

    #[test]
    fn more_than_the_limit_is_none() {
        let of = |limit| Archive::copied(&[1, 2, 3][..], limit).unwrap();
        assert!(of(2).is_none() && of(3).is_some());
    }
}
