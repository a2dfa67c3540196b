//! The text of the configuration: one file, and one beside it whose values win.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::findings::position;
use crate::error::{Error, Result};

/// The configuration file unless the command line names one, as in GitLab's driver.
pub(crate) const DEFAULT_FILE: &str = "config.toml";

/// How the name of the second file ends: `fargate.local.toml` stands beside `fargate.toml`.
///
/// A stack writes `fargate.toml` anew at each start. The second file is the operator's.
const LOCAL: &str = "local.toml";

/// The second file, beside this one. It need not exist.
pub(crate) fn beside(path: &Path) -> PathBuf {
    path.with_extension(LOCAL)
}

/// Both files.
#[derive(Debug)]
pub(super) struct Source {
    text: String,
    /// Relative paths in the files start here.
    pub(super) directory: PathBuf,
    local: Option<Local>,
}

/// The second file.
#[derive(Debug)]
struct Local {
    name: String,
    /// Its text behind as many spaces as the first file has bytes, so that an offset tells the file.
    padded: String,
}

/// A syntax error.
#[derive(Debug)]
pub(super) struct Fault {
    /// Nothing, or the name of the second file and a comma.
    file: String,
    line: usize,
    column: usize,
    message: String,
}

impl Fault {
    pub(super) fn into_error(self) -> Error {
        let Self {
            file,
            line,
            column,
            message,
        } = self;
        Error::system(format!(
            "{file}line {line}, column {column}: invalid TOML: {message}"
        ))
        .advise("Correct the file there; https://toml.io describes the format.")
    }
}

impl Source {
    /// Reads the file, and the one beside it if it is there.
    ///
    /// # Errors
    ///
    /// When one of them is there and cannot be read, or the first is not there.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let unread = |path: &Path, error| {
            Error::system(format!("could not read the configuration {}: {error}", path.display())).advise(format!(
                "Name the file with --config, as an absolute path; without it, {DEFAULT_FILE} in the working directory is read."
            ))
        };
        let text = std::fs::read_to_string(path).map_err(|error| unread(path, error))?;
        let directory = std::path::absolute(path)
            .ok()
            .and_then(|path| path.parent().map(Path::to_owned))
            .unwrap_or_default();
        let beside = beside(path);
        let local = match std::fs::read_to_string(&beside) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(unread(&beside, error)),
            Ok(local) => Some((beside, local)),
        };
        let local = local.map(|(path, local)| Local {
            name: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            padded: format!("{:1$}{local}", "", text.len()),
        });
        Ok(Self {
            text,
            directory,
            local,
        })
    }

    /// One file with this text.
    pub(super) fn of(text: &str, directory: &Path) -> Self {
        Self {
            text: text.to_owned(),
            directory: directory.to_owned(),
            local: None,
        }
    }

    /// The values of both, and the first syntax error of each. After an error, values may be missing.
    pub(super) fn document(&self) -> (DeTable<'_>, Vec<Fault>) {
        let mut faults = Vec::new();
        let mut parsed = |text| {
            let (document, errors) = DeTable::parse_recoverable(text);
            faults.extend(errors.first().map(|error| {
                let at = error.span().map_or(0, |span| span.start);
                let (file, line, column) = self.place(at);
                Fault {
                    file,
                    line,
                    column,
                    message: error.message().to_owned(),
                }
            }));
            document.into_inner()
        };
        let mut document = parsed(self.text.as_str());
        if let Some(local) = &self.local {
            merge(&mut document, parsed(local.padded.as_str()));
        }
        (document, faults)
    }

    /// The line of an offset, with the name of the second file if it is there.
    pub(super) fn line(&self, at: usize) -> String {
        let (file, line, _) = self.place(at);
        format!("{file}line {line}")
    }

    fn place(&self, at: usize) -> (String, usize, usize) {
        let local = self.local.as_ref().filter(|_| at >= self.text.len());
        let Some(local) = local else {
            let (line, column) = position(&self.text, at);
            return (String::new(), line, column);
        };
        let begin = self.text.len();
        let text = local.padded.get(begin..).unwrap_or_default();
        let (line, column) = position(text, at.saturating_sub(begin));
        (format!("{}, ", local.name), line, column)
    }
}

/// Puts the values of `more` in the place of those of `table`. A table in both has the keys of both, in any case.
fn merge<'a>(table: &mut DeTable<'a>, more: DeTable<'a>) {
    for (key, value) in more {
        let known = table
            .keys()
            .find(|known| known.get_ref().eq_ignore_ascii_case(key.get_ref()))
            .cloned();
        let old = known.as_ref().and_then(|known| table.get_mut(known));
        match (old.map(Spanned::get_mut), value.get_ref()) {
            (Some(DeValue::Table(one)), DeValue::Table(other)) => merge(one, other.clone()),
            _ => {
                // With its key: messages name the key's place.
                if let Some(known) = known {
                    table.remove(&known);
                }
                table.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CleanupConfig, Config};
    use std::path::Path;

    const FIRST: &str = "[Fargate]\n  Cluster = \"ci\"\n  Region = \"eu-west-1\"\n  Subnet = \"subnet-1\"\n  \
                         SecurityGroup = \"sg-1\"\n  TaskDefinition = \"job\"\n[TaskMetadata]\n  Directory = \"m\"\n[SSH]\n  \
                         Username = \"root\"\n  Port = 22\n";

    fn both(folder: &Path, local: &str) -> std::path::PathBuf {
        let file = folder.join("fargate.toml");
        std::fs::write(&file, FIRST).unwrap();
        std::fs::write(folder.join("fargate.local.toml"), local).unwrap();
        file
    }

    #[test]
    fn values_of_the_local_file_win_and_all_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let local = "[fargate]\n  cluster = \"other\"\n  StartTimeout = \"7m\"\n[TaskMetadata]\n  LedgerMonths = 3\n";
        let file = both(folder.path(), local);
        let config = Config::load(&file).unwrap();
        assert_eq!(config.fargate.cluster, "other");
        assert_eq!(config.fargate.subnets, ["subnet-1"]);
        assert_eq!(config.metadata_directory, folder.path().join("m"));
        assert_eq!((config.ledger_months, config.warnings.len()), (3, 0));
        assert_eq!(config.file, file);
        let cleanup = CleanupConfig::load(&file).unwrap();
        assert_eq!(cleanup.cluster.as_deref(), Some("other"));
        assert_eq!(cleanup.region.as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let said = |local| {
            let error = Config::load(&both(folder.path(), local)).unwrap_err();
            error.to_string()
        };
        let wrong = said("\n[SSH]\n  Port = \"a\"\n");
        assert!(
            wrong.contains("fargate.local.toml, line 3: SSH.Port"),
            "{wrong}"
        );
        let renamed = said("[fargate]\n  region = \"nowhere/\"\n");
        assert!(
            renamed.contains("fargate.local.toml, line 2: Fargate.Region"),
            "{renamed}"
        );
        let broken = said("[SSH]\nPort");
        assert!(
            broken.contains("fargate.local.toml, line 2, column"),
            "{broken}"
        );
        let unknown = Config::load(&both(folder.path(), "[SSH]\n  Prot = 1\n")).unwrap();
        assert!(
            unknown
                .warnings
                .iter()
                .any(|warning| warning.contains("fargate.local.toml, line 2")),
            "{:?}",
            unknown.warnings
        );
        // Cleanup goes on with what it can read.
        let cleanup = CleanupConfig::load(&both(folder.path(), "[SSH]\nPort")).unwrap();
        assert_eq!(cleanup.cluster.as_deref(), Some("ci"));
        assert!(cleanup.damage.is_some());
    }
}
