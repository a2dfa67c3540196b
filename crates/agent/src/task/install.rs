//! `fargate-agent install`: prepares the volumes that the other containers of a task share.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use fargate_wire::{AGENT_FILE, BUILDS_FOLDER, CACHE_FOLDER, HOST_KEY_FILE};
use russh::keys::ssh_key::LineEnding;

use crate::server::host_key;

/// Copies this program into `folder`, and makes the task's host key and shared folders.
///
/// Every user may write to the folders for builds and cache, because the job's image may run as any user. Every
/// container of the task and every user there can read the host key. A task runs one job, so a process that poses as
/// its agent gains no secret of another job.
///
/// # Errors
/// When a file or folder cannot be written.
pub fn install(folder: &Path) -> Result<()> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let key = host_key::generate()?
        .to_openssh(LineEnding::LF)
        .context("cannot write the host key")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // The key comes last: if it exists, the installation is complete.
    put(folder, AGENT_FILE, 0o755, |file| {
        fs::copy(&program, file).map(|_| ())
    })?;
    put(folder, HOST_KEY_FILE, 0o644, |file| {
        fs::write(file, key.as_bytes())
    })?;
    for shared in [BUILDS_FOLDER, CACHE_FOLDER] {
        fs::create_dir_all(shared)
            .and_then(|()| fs::set_permissions(shared, Permissions::from_mode(0o777)))
            .with_context(|| format!("cannot make {shared} writable for every user"))?;
    }
    Ok(())
}

/// Writes a file to `folder` under the name in `path`, completely or not at all.
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
