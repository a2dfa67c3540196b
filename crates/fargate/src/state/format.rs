//! The format of the metadata folder, and who may use it.
//!
//! The file `format` holds a number. A driver uses a folder of its own format or an older one, and writes its own
//! number there, under the folder's lock, before it first changes anything. It refuses a newer one. A folder gets
//! format 3 with its first waiting task: drivers of format 2 may use all others. A folder without the file is of format
//! 1, whose drivers do not know the file: they take records of format 2 for damaged ones, so nobody should go back to
//! such a driver while jobs run.

use std::io::ErrorKind;
use std::path::Path;

use super::file_names;
use super::files::{self, Draft};
use crate::error::{Error, Result};

/// The format that this driver writes: records list starts.
const CURRENT: u32 = 2;

/// The format of a folder that has had waiting tasks. Drivers of format 2 cannot finish a claim that was cut short.
const WITH_WARM: u32 = 3;

/// The format of a folder without the file.
const UNSAID: u32 = 1;

/// Checks that this driver may use the folder.
///
/// # Errors
///
/// When a newer driver has used it, or its format cannot be read.
pub(crate) fn check(directory: &Path) -> Result<()> {
    read(directory).map(drop)
}

/// Takes over a folder of an older format. The caller holds the folder's lock.
///
/// # Errors
///
/// As [`check`], or when the folder cannot be written.
pub(crate) fn take_over(directory: &Path) -> Result<()> {
    raise(directory, CURRENT)
}

/// Takes over a folder of an older format for waiting tasks. The caller holds the folder's lock.
///
/// # Errors
///
/// As [`take_over`].
pub(super) fn take_over_for_warm(directory: &Path) -> Result<()> {
    raise(directory, WITH_WARM)
}

/// Writes this format where the folder's is older.
fn raise(directory: &Path, format: u32) -> Result<()> {
    if read(directory)? >= format {
        return Ok(());
    }
    let file = directory.join(file_names::FORMAT);
    let written = Draft::new(&file, format!("{format}\n").as_bytes())
        .and_then(Draft::sync)
        .and_then(Draft::persist);
    written
        .map_err(|error| Error::system(format!("could not write {}: {error}", file.display())).advise(
            "The user that GitLab Runner runs as must be able to write it ([TaskMetadata] Directory).",
        ))
}

fn read(directory: &Path) -> Result<u32> {
    let file = directory.join(file_names::FORMAT);
    let content = match files::read_text(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(UNSAID),
        content => content.map_err(|error| {
            Error::system(format!("could not read {}: {error}", file.display())).advise(
                "The user that GitLab Runner runs as must be able to read it ([TaskMetadata] Directory).",
            )
        })?,
    };
    match content.trim().parse() {
        Ok(format) if format <= WITH_WARM => Ok(format),
        Ok(newer) => Err(Error::system(format!(
            "a newer fargate has used the folder {}: its format is {newer}, and this version knows {WITH_WARM}",
            directory.display()
        ))
        .advise(
            "Use the newer version of fargate, or give this one a folder of its own ([TaskMetadata] Directory).",
        )),
        Err(_) => Err(Error::system(format!(
            "{} does not hold the number of a format",
            file.display()
        ))
        .advise("Is it the file of another program? Give fargate a folder of its own ([TaskMetadata] Directory).")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_folder_is_taken_over_and_a_newer_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(file_names::FORMAT);
        check(folder.path()).unwrap();
        assert!(!file.exists());
        for older in [None, Some("1\n"), Some("2")] {
            if let Some(older) = older {
                std::fs::write(&file, older).unwrap();
            }
            take_over(folder.path()).unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), "2");
        }
        take_over_for_warm(folder.path()).unwrap();
        take_over(folder.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), "3");
        for other in ["4\n", "", "x"] {
            std::fs::write(&file, other).unwrap();
            assert!(check(folder.path()).is_err());
            assert!(take_over(folder.path()).is_err());
            assert_eq!(std::fs::read_to_string(&file).unwrap(), other);
        }
        std::fs::write(&file, "4").unwrap();
        let refused = check(folder.path()).unwrap_err();
        assert!(refused.advice().unwrap().contains("newer version"));
    }
}
