//! Which manager this is, and which folder.
//!
//! Several managers may run tasks in one cluster, and none may stop another's living jobs. A manager's name is the
//! operator's to give, and several folders may share it; a folder's id is random and belongs to one folder of one
//! machine. Tasks carry both.

use std::io::ErrorKind;
use std::path::Path;

use super::file_names;
use super::files::{self, Draft};
use crate::error::{Error, Result};

/// Characters of a folder's id, all hexadecimal digits.
const ID_LENGTH: usize = 16;

/// The identity that this manager's tasks carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The manager's name: `[TaskMetadata] Manager`, or else the folder's id.
    pub(crate) name: String,
    /// The id of the metadata folder.
    pub(crate) folder: String,
}

impl Identity {
    /// The identity of the manager with this folder, and this name in its configuration.
    ///
    /// # Errors
    ///
    /// When the folder's id can neither be read nor made.
    pub(crate) fn of(directory: &Path, name: Option<&str>) -> Result<Self> {
        let folder = folder_id(directory, &machine()).map_err(|error| {
            let directory = directory.display();
            Error::system(format!("could not read or make the id of the folder {directory}: {error}")).advise(format!(
                "The user that GitLab Runner runs as must be able to make and write {directory} ([TaskMetadata] Directory)."
            ))
        })?;
        Ok(Self::named(name, folder))
    }

    /// The same of a folder that has an id; nothing where no job has made one. Changes nothing.
    ///
    /// # Errors
    ///
    /// When the id cannot be read.
    pub(crate) fn known(directory: &Path, name: Option<&str>) -> Result<Option<Self>> {
        let folder = known_id(directory, &machine()).map_err(|error| {
            Error::system(format!(
                "could not read the id of the folder {}: {error}",
                directory.display()
            ))
        })?;
        Ok(folder.map(|folder| Self::named(name, folder)))
    }

    fn named(name: Option<&str>, folder: String) -> Self {
        Self {
            name: name.unwrap_or(&folder).to_owned(),
            folder,
        }
    }
}

/// The folder's id, made at first use and kept in it.
///
/// It belongs to the machine it was made on: an image of a manager's disk, started as another manager, makes a new one
/// rather than take the first one's tasks for its own.
fn folder_id(directory: &Path, machine: &str) -> std::io::Result<String> {
    if let Some(id) = known_id(directory, machine)? {
        return Ok(id);
    }
    files::make_folder(directory)?;
    // Of several first jobs at once one makes the id.
    let _lock = files::lock_folder(directory)?;
    if let Some(id) = known_id(directory, machine)? {
        return Ok(id);
    }
    let file = directory.join(file_names::FOLDER_ID);
    let id = crate::ssh::random_hex::<8>();
    Draft::new(&file, format!("{id}\n{machine}\n").as_bytes())?
        .sync()?
        .persist()?;
    Ok(id)
}

/// The folder's id, where it has one that was made on this machine.
fn known_id(directory: &Path, machine: &str) -> std::io::Result<Option<String>> {
    let content = match files::read_text(&directory.join(file_names::FOLDER_ID)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        content => content?,
    };
    let mut lines = content.lines();
    let id = lines.next().unwrap_or_default().trim();
    let made_on = lines.next().unwrap_or_default();
    let is_valid = id.len() == ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_ours = made_on.is_empty() || machine.is_empty() || made_on == machine;
    Ok((is_valid && is_ours).then(|| id.to_owned()))
}

/// Id of this machine: of the EC2 instance, else systemd's id of the installation; empty where there is neither, as in
/// most containers.
pub(crate) fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let instance = read("/sys/devices/virtual/dmi/id/board_asset_tag");
    let instance = instance.trim();
    if instance.starts_with("i-") {
        return instance.to_owned();
    }
    read("/etc/machine-id").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_made_once_for_a_folder_on_a_machine() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("metadata");
        let id = |machine| folder_id(&directory, machine).unwrap();
        let first = id("here");
        assert_eq!(first.len(), ID_LENGTH);
        assert_eq!(id("here"), first);
        let known = |folder: &Path| known_id(folder, "here").unwrap();
        assert_eq!(known(&directory).as_deref(), Some(first.as_str()));
        let none = folder.path().join("none");
        assert_eq!((known(&none), none.exists()), (None, false));
        assert_ne!(
            folder_id(&folder.path().join("other"), "here").unwrap(),
            first
        );

        // Made where machines have no id: an id alone.
        std::fs::write(directory.join(file_names::FOLDER_ID), &first).unwrap();
        assert_eq!(id("here"), first);
        std::fs::write(
            directory.join(file_names::FOLDER_ID),
            format!("{first}\nthere\n"),
        )
        .unwrap();
        assert_eq!(id(""), first);
        let second = id("here");
        assert_ne!(second, first, "the disk of another manager");
        assert_eq!(id("here"), second);
        std::fs::write(directory.join(file_names::FOLDER_ID), "").unwrap();
        assert_eq!(id("here").len(), ID_LENGTH);
    }

    #[test]
    fn a_manager_has_the_name_of_its_configuration_or_its_folders_id() {
        let folder = tempfile::tempdir().unwrap();
        let unnamed = Identity::of(folder.path(), None).unwrap();
        assert_eq!(unnamed.name, unnamed.folder);
        let named = Identity::of(folder.path(), Some("ci")).unwrap();
        assert_eq!((named.name.as_str(), named.folder), ("ci", unnamed.folder));
    }
}
