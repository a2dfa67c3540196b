//! A tar file on this machine.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a line in base64. A multiple of three, so only the last line is padded.
const LINE: usize = 3 * 1024;

/// The path of a member, and its content unless that is too large.
pub(crate) type Member = (Vec<u8>, Option<Vec<u8>>);

/// A tar file on this machine, without a name on disk. Clones are the same file.
///
/// It is passed on and never unpacked here: the names of its members may be a stranger's.
#[derive(Debug, Clone)]
pub(crate) struct Archive {
    file: Arc<File>,
    size: u64,
}

impl Archive {
    /// The tar file that `file` holds from its beginning.
    pub(super) fn new(file: File, size: u64) -> Self {
        Self {
            file: Arc::new(file),
            size,
        }
    }

    /// The bytes of a file that somebody else keeps.
    ///
    /// # Errors
    ///
    /// When its size cannot be read.
    pub(crate) fn open(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self::new(file, size))
    }

    /// Takes all that `from` has; `None` when that is more than `limit` bytes.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a temporary file cannot be written.
    pub(crate) fn copied(from: impl Read, limit: u64) -> io::Result<Option<Self>> {
        let mut file = tempfile::tempfile()?;
        let size = io::copy(&mut from.take(limit.saturating_add(1)), &mut file)?;
        Ok((size <= limit).then(|| Self::new(file, size)))
    }

    /// Its size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Reads it from its beginning.
    pub(crate) fn reader(&self) -> impl Read {
        Reader {
            archive: self.clone(),
            at: 0,
        }
    }

    /// All of its bytes; `None` when they are more than `limit`.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(crate) fn content(&self, limit: u64) -> io::Result<Option<Vec<u8>>> {
        if self.size > limit {
            return Ok(None);
        }
        let mut content = Vec::new();
        self.reader().read_to_end(&mut content)?;
        Ok(Some(content))
    }

    /// The paths of the members.
    ///
    /// # Errors
    ///
    /// When it is no tar file.
    pub(crate) fn names(&self) -> io::Result<BTreeSet<Vec<u8>>> {
        let mut archive = tar::Archive::new(self.reader());
        archive.set_ignore_zeros(true);
        let name = |entry: io::Result<tar::Entry<'_, _>>| {
            let name = entry?.path_bytes().into_owned();
            Ok(name.strip_prefix(b"./").unwrap_or(&name).to_owned())
        };
        archive.entries()?.map(name).collect()
    }

    /// The paths and contents of the members in their order. A content of more than `limit` bytes is `None`.
    ///
    /// # Errors
    ///
    /// When it is no tar file, or has more than `most` members.
    pub(crate) fn members(&self, most: usize, limit: u64) -> io::Result<Vec<Member>> {
        let mut archive = tar::Archive::new(self.reader());
        archive.set_ignore_zeros(true);
        let mut members = Vec::new();
        for entry in archive.entries()? {
            if members.len() == most {
                return Err(io::Error::other(format!("it has more than {most} files")));
            }
            let entry = entry?;
            let name = entry.path_bytes().into_owned();
            let name = name.strip_prefix(b"./").unwrap_or(&name).to_owned();
            let content = match entry.size() > limit {
                true => None,
                false => {
                    let mut content = Vec::new();
                    entry.take(limit).read_to_end(&mut content)?;
                    Some(content)
                }
            };
            members.push((name, content));
        }
        Ok(members)
    }

    /// Reads it to its end.
    ///
    /// # Errors
    ///
    /// When it is no whole tar file.
    pub(crate) fn check(&self) -> io::Result<()> {
        let mut archive = tar::Archive::new(self.reader());
        archive.set_ignore_zeros(true);
        let mut entries = archive.entries()?.raw(true);
        entries.try_for_each(|entry| entry.map(drop))
    }

    /// One tar file with the members of all of `archives`. A later member wins over an earlier one of the same path.
    ///
    /// As in the runner's archives, members have nine bits of a mode, and owners that are numbers.
    ///
    /// # Errors
    ///
    /// When one is no tar file, or a temporary file cannot be written.
    pub(crate) fn joined(archives: &[Self]) -> io::Result<Self> {
        Self::rewritten(archives, |header| {
            header.set_mode(header.mode()? & 0o777);
            // Not every header has names. A number counts where there is none.
            for name in [tar::Header::set_username, tar::Header::set_groupname] {
                name(header, "").ok();
            }
            Ok(())
        })
    }

    /// The same files with modes that leave the rights of others to the umask, as those of a checkout.
    ///
    /// # Errors
    ///
    /// When it is no tar file, or a temporary file cannot be written.
    pub(crate) fn checked_out(&self) -> io::Result<Self> {
        Self::rewritten(std::slice::from_ref(self), |header| {
            let owner = header.mode()? >> 6 & 0o7;
            header.set_mode(owner * 0o111);
            Ok(())
        })
    }

    fn rewritten(
        archives: &[Self],
        rewrite: impl Fn(&mut tar::Header) -> io::Result<()>,
    ) -> io::Result<Self> {
        let mut joined = tar::Builder::new(BufWriter::new(tempfile::tempfile()?));
        for archive in archives {
            let mut archive = tar::Archive::new(archive.reader());
            // Several calls of tar may have written one after the other.
            archive.set_ignore_zeros(true);
            // Headers that belong to the next member, such as long names, are members of their own here.
            for entry in archive.entries()?.raw(true) {
                let mut entry = entry?;
                let mut header = entry.header().clone();
                rewrite(&mut header)?;
                header.set_cksum();
                joined.append(&header, &mut entry)?;
            }
        }
        let file = joined.into_inner()?.into_inner();
        Self::open(file.map_err(io::IntoInnerError::into_error)?)
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

/// A place in an archive.
struct Reader {
    archive: Archive,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.archive.size.saturating_sub(self.at);
        let length = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let buffer = buffer.get_mut(..length).unwrap_or_default();
        let count = self.archive.file.read_at(buffer, self.at)?;
        self.at = self.at.saturating_add(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What `script` prints in an empty folder.
    fn made(script: &str) -> Archive {
        let folder = tempfile::tempdir().unwrap();
        let mut bash = Command::new("bash");
        let output = bash
            .args(["-e", "-c", script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(output.status.success());
        Archive::copied(&output.stdout[..], u64::MAX)
            .unwrap()
            .unwrap()
    }

    #[test]
    fn archives_are_joined_with_long_names_and_links() {
        let long = "long/".repeat(40);
        let first = made(&format!(
            "mkdir -p {long}; echo 1 > {long}f; ln -s f {long}link; echo one > same; tar -c -f - ./long ./same"
        ));
        // Two tar files in a row, as `xargs` makes them.
        let second = made("echo two > same; echo x > x; tar -c -f - ./same; tar -c -f - ./x");
        let joined = Archive::joined(&[first, second]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("tar"),
            joined.content(u64::MAX).unwrap().unwrap(),
        )
        .unwrap();
        let mut tar = Command::new("tar");
        let status = tar
            .args(["-x", "-f", "tar"])
            .current_dir(folder.path())
            .status()
            .unwrap();
        assert!(status.success());
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(
            (read("same").as_str(), read("x").as_str()),
            ("two\n", "x\n")
        );
        assert_eq!(read(&format!("{long}link")), "1\n");
        assert!(
            joined
                .names()
                .unwrap()
                .contains(format!("{long}f").as_bytes())
        );
        let small = made("echo x > x; echo yy > y; tar -c -f - ./x; tar -c -f - ./y");
        let x = (b"x".to_vec(), Some(b"x\n".to_vec()));
        let members = small.members(2, 2).unwrap();
        assert_eq!(members, [x, (b"y".to_vec(), None)]);
        assert!(small.members(1, 2).is_err());
    }

    #[test]
    fn a_broken_archive_is_told() {
        let whole = made("head -c 3000 /dev/zero > x; tar -c -f - ./x");
        let content = whole.content(u64::MAX).unwrap().unwrap();
        let of = |content: &[u8]| Archive::copied(content, u64::MAX).unwrap().unwrap();
        assert!(whole.check().is_ok());
        assert!(of(&content[..2000]).check().is_err());
        assert!(of(&[b'x'; 2000]).check().is_err());
    }

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
