//! Which shell a command gets, and which environment.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;

use fargate_wire::PUBLIC_KEY_VARIABLE;
use rustix::fs::{Access, access};

/// Shells in the order in which GitLab's own executors look for them, so that an image which works there works
/// here.
pub(crate) const CANDIDATES: [&str; 7] = [
    "/usr/local/bin/bash",
    "/usr/bin/bash",
    "/bin/bash",
    "/usr/local/bin/sh",
    "/usr/bin/sh",
    "/bin/sh",
    "/busybox/sh",
];

/// `PATH` where the container has none: Docker's default.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The variables of every command: those of the container, without the key that let its sender in.
pub(crate) struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// The agent's own environment, with `HOME` and `PATH` filled in where the container has none.
    pub(crate) fn of_container() -> Self {
        let mut variables: Vec<_> = std::env::vars_os()
            .filter(|(name, _)| name != PUBLIC_KEY_VARIABLE)
            .collect();
        let mut default = |name: &str, value: &dyn Fn() -> OsString| {
            if !variables.iter().any(|(known, _)| known == name) {
                variables.push((name.into(), value()));
            }
        };
        default("PATH", &|| DEFAULT_PATH.into());
        default("HOME", &|| {
            let users = std::fs::read("/etc/passwd").unwrap_or_default();
            home(&users, rustix::process::geteuid().as_raw()).unwrap_or_else(|| "/".into())
        });
        Self(variables)
    }
}

/// The home of user `uid` in the text of `/etc/passwd`. Not asked of the C library, which cannot look up users
/// in a static binary.
fn home(users: &[u8], uid: u32) -> Option<OsString> {
    users.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let id = std::str::from_utf8(fields.nth(2)?).ok()?;
        let home = fields.nth(2)?;
        (id.parse() == Ok(uid) && !home.is_empty()).then(|| OsStr::from_bytes(home).to_owned())
    })
}

/// `command`, run by the first shell there is, in a process group of its own; `None` when there is no shell.
/// Looked for each time, since a job may well install one.
pub(crate) fn command(command: &[u8], environment: &Environment) -> Option<Command> {
    let shell = CANDIDATES
        .map(Path::new)
        .into_iter()
        .find(|path| path.is_file() && access(*path, Access::EXEC_OK).is_ok())?;
    let mut shell = Command::new(shell);
    shell
        .arg("-c")
        .arg(OsStr::from_bytes(command))
        .env_clear()
        .envs(environment.0.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    Some(shell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_is_found_by_user_id() {
        let users =
            b"root:x:0:0:root:/root:/bin/sh\nbroken\nci:x:1000:1000::/home/ci:\nnone:x:7:7:::\n";
        assert_eq!(home(users, 0), Some("/root".into()));
        assert_eq!(home(users, 1000), Some("/home/ci".into()));
        assert_eq!(home(users, 7), None);
        assert_eq!(home(users, 100), None);
    }
}
