//! The files that init makes. Nothing is written before all of them may be.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Blame, Error, Result};

/// A file to make.
#[derive(Clone)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// 0600 where a token is in it.
    pub(super) mode: u32,
    /// Whether a file that is replaced keeps its own mode.
    pub(super) keeps_mode: bool,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Made,
    Replaced,
    /// It had this content already.
    Unchanged,
}

/// Whether a file is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Missing,
    Same,
    Other,
}

/// Makes all files, or none where one exists with another content. `force` replaces them.
///
/// # Errors
///
/// With all files that are in the way, before anything is written; when one cannot be written.
pub(super) fn write(files: &[File], force: bool) -> Result<Vec<Done>> {
    let states = files.iter().map(state).collect::<Result<Vec<_>>>()?;
    let pairs = || files.iter().zip(&states);
    let in_the_way: Vec<_> = pairs()
        .filter(|(_, state)| **state == State::Other)
        .map(|(file, _)| file.path.display().to_string())
        .collect();
    if !force && !in_the_way.is_empty() {
        let verb = if in_the_way.len() == 1 {
            "exists"
        } else {
            "exist"
        };
        return Err(Error::new(
            Blame::Usage,
            format!(
                "{} {verb} with another content; nothing was written",
                in_the_way.join(" and ")
            ),
        )
        .advise("Move it away, or replace it with --force."));
    }
    pairs().map(|(file, state)| make(file, *state)).collect()
}

fn state(file: &File) -> Result<State> {
    match fs::read(&file.path) {
        Ok(found) if found == file.text.as_bytes() => Ok(State::Same),
        Ok(_) => Ok(State::Other),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(State::Missing),
        Err(error) => Err(failed("read", &file.path, &error)),
    }
}

fn make(file: &File, state: State) -> Result<Done> {
    if state == State::Same {
        return Ok(Done::Unchanged);
    }
    let path = &file.path;
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder).map_err(|error| failed("make the folder of", path, &error))?;
    let written = || -> std::io::Result<()> {
        // 0600 until it has its name, and nobody ever sees half a file.
        let mut new = NamedTempFile::new_in(folder)?;
        new.write_all(file.text.as_bytes())?;
        match state {
            State::Missing => new
                .as_file()
                .set_permissions(Permissions::from_mode(file.mode))?,
            // Its readers, such as GitLab Runner of another user, stay its readers.
            State::Same | State::Other => keep_access(new.as_file(), file)?,
        }
        new.as_file().sync_all()?;
        match state {
            State::Missing => new.persist_noclobber(path).map_err(|error| error.error)?,
            State::Same | State::Other => new.persist(path).map_err(|error| error.error)?,
        };
        Ok(())
    };
    written().map_err(|error| failed("write", path, &error))?;
    Ok(match state {
        State::Missing => Done::Made,
        State::Same | State::Other => Done::Replaced,
    })
}

/// Gives a file the owner, group and mode of the one that it replaces. The mode comes last: a change of owner may take
/// bits away (chown(2)).
fn keep_access(new: &fs::File, file: &File) -> std::io::Result<()> {
    let (own, old) = (new.metadata()?, fs::metadata(&file.path)?);
    if (own.uid(), own.gid()) != (old.uid(), old.gid()) {
        std::os::unix::fs::fchown(new, Some(old.uid()), Some(old.gid()))?;
    }
    let mode = match file.keeps_mode {
        true => old.mode() & 0o7777,
        false => file.mode,
    };
    new.set_permissions(Permissions::from_mode(mode))
}

fn failed(doing: &str, path: &Path, error: &std::io::Error) -> Error {
    let error = Error::system(format!("could not {doing} {}: {error}", path.display()));
    error.advise(
        "Run fargate init as root, or name another place with --config and --runner-config.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, name: &str, text: &str) -> File {
        File {
            path: folder.join(name),
            text: text.into(),
            mode: 0o600,
            keeps_mode: false,
        }
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_is_written_in_part() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::write(folder.join("there"), "old").unwrap();
        let files = [file(folder, "sub/new", "new"), file(folder, "there", "new")];
        let error = write(&files, false).unwrap_err().to_string();
        assert!(error.contains("there exists"), "{error}");
        assert!(!folder.join("sub/new").exists());
        assert_eq!(fs::read_to_string(folder.join("there")).unwrap(), "old");
        assert_eq!(write(&files, true).unwrap(), [Done::Made, Done::Replaced]);
        assert_eq!(
            write(&files, false).unwrap(),
            [Done::Unchanged, Done::Unchanged]
        );
        let mode = fs::metadata(folder.join("sub/new"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
