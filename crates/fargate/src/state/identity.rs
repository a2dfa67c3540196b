//! Which manager this is, and which of its processes live.
//!
//! Several managers may run tasks in one cluster, and none may stop another's. So each has a name, which its tasks
//! carry, and knows the processes of GitLab Runner that its jobs belong to.

use std::io::{ErrorKind, Result, Write};
use std::path::Path;

use crate::state::files;

/// File in the metadata folder with the manager's name.
const NAME_FILE: &str = "manager";

/// Characters of a name, all hexadecimal digits.
const NAME_LENGTH: usize = 16;

/// This manager's own name, made at first use and kept in `directory`.
///
/// The name belongs to the machine it was made on: an image of a manager's disk, started as another manager, makes
/// itself a new one rather than take the first one's tasks for its own.
///
/// # Errors
///
/// When it can neither be read nor made.
pub(crate) fn name(directory: &Path) -> Result<String> {
    let file = directory.join(NAME_FILE);
    let machine = machine();
    let known = |content: &str| {
        let mut lines = content.lines();
        let (name, made_on) = (lines.next()?.trim(), lines.next().unwrap_or_default());
        let valid = name.len() == NAME_LENGTH && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let ours = made_on.is_empty() || machine.is_empty() || made_on == machine;
        (valid && ours).then(|| name.to_owned())
    };
    let read = || match std::fs::read_to_string(&file) {
        Ok(content) => Ok(known(&content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    if let Some(name) = read()? {
        return Ok(name);
    }
    files::make_folder(directory)?;
    // Of several first jobs at once one makes the name. The lock is held no longer than that takes, and never by a
    // process that is gone.
    let lock = files::lock_folder(directory)?;
    if let Some(name) = read()? {
        return Ok(name);
    }
    let draft = directory.join(format!("{NAME_FILE}.tmp{}", std::process::id()));
    let name = crate::ssh::random_hex::<8>();
    let mut opened = files::create(&draft)?;
    write!(opened, "{name}\n{machine}\n")?;
    opened.sync_all()?;
    std::fs::rename(&draft, &file)?;
    lock.sync_all()?;
    Ok(name)
}

/// What tells this machine from others: the EC2 instance's id, else systemd's id of the installation; empty where
/// there is neither, as in most containers.
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
    fn a_name_is_made_once_for_a_folder_on_a_machine() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("metadata");
        let first = name(&directory).unwrap();
        assert_eq!(first.len(), NAME_LENGTH);
        assert_eq!(name(&directory).unwrap(), first);
        assert_ne!(name(&folder.path().join("other")).unwrap(), first);

        // Made where machines have no id: a name alone.
        std::fs::write(directory.join(NAME_FILE), &first).unwrap();
        assert_eq!(name(&directory).unwrap(), first);
        if !machine().is_empty() {
            std::fs::write(directory.join(NAME_FILE), format!("{first}\nother\n")).unwrap();
            let second = name(&directory).unwrap();
            assert_ne!(second, first, "the disk of another manager");
            assert_eq!(name(&directory).unwrap(), second);
        }
        std::fs::write(directory.join(NAME_FILE), "").unwrap();
        assert_eq!(name(&directory).unwrap().len(), NAME_LENGTH);
    }
}
