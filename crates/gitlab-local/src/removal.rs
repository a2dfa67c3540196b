//! Removes folders that jobs have written to.

use std::fs::Permissions;
use std::io::{ErrorKind, Result};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// What the owner of a folder needs, to remove the files in it.
const OWNER: u32 = 0o700;

/// Removes a folder with all that is in it, also folders that nobody may write to, such as those of Go's module cache.
///
/// # Errors
///
/// When something in it cannot be removed.
pub fn remove_folder(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            open_to_owner(folder)?;
            std::fs::remove_dir_all(folder)
        }
        result => result,
    }
}

/// Lets the owner read, write and enter a folder and all folders in it. Links are not followed.
fn open_to_owner(folder: &Path) -> Result<()> {
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        let mode = folder.symlink_metadata()?.permissions().mode();
        if mode & OWNER != OWNER {
            std::fs::set_permissions(&folder, Permissions::from_mode(mode | OWNER))?;
        }
        for entry in folder.read_dir()? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                left.push(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// The superuser may remove all files, so the walk is tested by the modes that it leaves.
    #[test]
    fn folders_that_nobody_may_write_to_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let path = |name: &str| parent.path().join(name);
        std::fs::create_dir_all(path("home/go/pkg/mod")).unwrap();
        std::fs::create_dir(path("other")).unwrap();
        std::fs::write(path("home/go/pkg/mod/f"), "x").unwrap();
        std::os::unix::fs::symlink(path("other"), path("home/go/link")).unwrap();
        for (name, mode) in [
            ("home/go/pkg/mod/f", 0o444),
            ("home/go/pkg/mod", 0o555),
            ("home/go/pkg", 0o000),
            ("home/go", 0o555),
            ("other", 0o555),
        ] {
            set_mode(&path(name), mode);
        }
        open_to_owner(&path("home")).unwrap();
        let mode = |name: &str| path(name).metadata().unwrap().permissions().mode() & 0o777;
        let names = [
            "home/go",
            "home/go/pkg",
            "home/go/pkg/mod",
            "home/go/pkg/mod/f",
            "other",
        ];
        assert_eq!(names.map(mode), [0o755, 0o700, 0o755, 0o444, 0o555]);
        set_mode(&path("home/go"), 0o555);
        remove_folder(&path("home")).unwrap();
        assert!(!path("home").exists() && path("other").is_dir());
    }
}
