//! `fargate-agent install`: prepares the volumes that the other containers of a task share.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use fargate_wire::{AGENT_FILE, BUILDS_FOLDER, CACHE_FOLDER, HOST_KEY_FILE};
use russh::keys::ssh_key::LineEnding;

use crate::host_key;

/// Copies this program into `folder`, makes the task's one host key beside it, and lets everybody write to the
/// volumes for builds and cache: the job's image may run as any user.
///
/// The key can be read by every container of the task and by every user there. The task is of one job, and whoever
/// runs in it has no other's secrets to gain by posing as its agent.
///
/// # Errors
/// When something cannot be written.
pub fn install(folder: &Path) -> Result<()> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let key = host_key::make()?
        .to_openssh(LineEnding::LF)
        .context("cannot write the host key")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // The key last: where it is, everything is.
    put(folder, AGENT_FILE, 0o755, |file| {
        fs::copy(&program, file).map(|_| ())
    })?;
    put(folder, HOST_KEY_FILE, 0o644, |file| {
        fs::write(file, key.as_bytes())
    })?;
    for shared in [BUILDS_FOLDER, CACHE_FOLDER] {
        fs::create_dir_all(shared)
            .and_then(|()| fs::set_permissions(shared, Permissions::from_mode(0o777)))
            .with_context(|| format!("cannot open {shared} to everybody"))?;
    }
    Ok(())
}

/// Makes the file that has `path`'s name in `folder`, all of it or nothing.
fn put(
    folder: &Path,
    path: &str,
    mode: u32,
    write: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<()> {
    let name = Path::new(path).file_name().unwrap_or_default();
    let file = folder.join(name);
    let unfinished = file.with_extension("new");
    write(&unfinished)
        .and_then(|()| fs::set_permissions(&unfinished, Permissions::from_mode(mode)))
        .and_then(|()| fs::rename(&unfinished, &file))
        .with_context(|| format!("cannot write {}", file.display()))
}
