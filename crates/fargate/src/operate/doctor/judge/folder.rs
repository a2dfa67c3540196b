//! The metadata folder.

use super::super::catalog::{
    METADATA_FILESYSTEM, METADATA_FOLDER, METADATA_FORMAT, METADATA_OWNER,
};
use super::super::check::Check;
use super::super::facts::{Facts, Folder, FolderState, Present};

/// Least room for the records of some hundred jobs.
const MIB: u64 = 16;
const FILES: u64 = 2000;

/// Rights of others than the owner: to write, and any.
const OTHERS_WRITE: u32 = 0o022;
const OTHERS: u32 = 0o077;

/// Judges the metadata folder.
pub(super) fn folder(facts: &Facts) -> Vec<Check> {
    let Some(Folder { path, state }) = &facts.machine.folder else {
        return vec![METADATA_FOLDER.skip("no configuration names it")];
    };
    let path = path.display();
    let make =
        format!("As the user that GitLab Runner runs as, make it:\n$ install -d -m 700 {path}");
    match state {
        FolderState::Present(present) => of_present(&path.to_string(), present, facts),
        FolderState::Missing { can_make: true, .. } => {
            vec![METADATA_FOLDER.pass(format!("{path}, which the first job makes"))]
        }
        FolderState::Missing { above, .. } => vec![METADATA_FOLDER.fail(
            format!(
                "{path} is not there, and this user may not write {}",
                above.display()
            ),
            make,
        )],
        FolderState::NotAFolder => vec![METADATA_FOLDER.fail(
            format!("{path} is not a folder"),
            "Name a folder in [TaskMetadata] Directory.",
        )],
        FolderState::Unreadable(why) => {
            vec![METADATA_FOLDER.fail(format!("{path} cannot be read: {why}"), make)]
        }
    }
}

fn of_present(path: &str, folder: &Present, facts: &Facts) -> Vec<Check> {
    let place = match (
        folder.can_write,
        folder.free_mib < MIB,
        folder.free_files < FILES,
    ) {
        (false, _, _) => METADATA_FOLDER.fail(
            format!("this user may not write {path}"),
            format!("Give it to the user that GitLab Runner runs as:\n$ chown USER {path}"),
        ),
        (true, true, _) => METADATA_FOLDER.fail(
            format!("{path} has room for {} MiB only", folder.free_mib),
            format!("Make room on that disk:\n$ df -h {path}"),
        ),
        (true, false, true) => METADATA_FOLDER.fail(
            format!("{path} has room for {} more files only", folder.free_files),
            format!("Remove files from that disk:\n$ df -i {path}"),
        ),
        _ => METADATA_FOLDER.pass(path),
    };
    let filesystem = match folder.odd_filesystem {
        None => METADATA_FILESYSTEM.pass("keeps files and locks"),
        Some(kind) => METADATA_FILESYSTEM.warn(
            format!("{path} is on {kind}"),
            "Tasks of jobs that a crash leaves are found by this folder: keep it on a disk of this machine that outlives \
             restarts ([TaskMetadata] Directory).",
        ),
    };
    let format = match &folder.refused {
        None => METADATA_FORMAT.pass("fits this driver"),
        Some(refused) => METADATA_FORMAT.fail(
            refused.as_str(),
            "Use the newer fargate everywhere, or name another folder in [TaskMetadata] Directory.",
        ),
    };
    vec![place, owner(path, folder, facts), filesystem, format]
}

fn owner(path: &str, folder: &Present, facts: &Facts) -> Check {
    let users = &facts.machine.runner_users;
    // Root may write everywhere.
    let fits = |user: &u32| *user == 0 || *user == folder.owner;
    if let Some(user) = users.iter().find(|user| !fits(user)) {
        return METADATA_OWNER.fail(
            format!(
                "user {} owns {path}, and GitLab Runner runs as user {user}",
                folder.owner
            ),
            format!("$ chown -R {user} {path}"),
        );
    }
    let found = format!("user {}, mode {:03o}", folder.owner, folder.mode);
    let fix = format!("$ chmod 700 {path}");
    match (folder.mode & OTHERS_WRITE, folder.mode & OTHERS) {
        (0, 0) => METADATA_OWNER.pass(found),
        (0, _) => METADATA_OWNER.warn(
            format!("{found}: others may see which files it holds; only its owner may read the files, which are 0600"),
            fix,
        ),
        _ => METADATA_OWNER.fail(
            format!("{found}: others may remove or replace the records of running jobs"),
            fix,
        ),
    }
}
