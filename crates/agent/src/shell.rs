//! Which shell a command gets, and which environment.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;

use anyhow::Result;
use fargate_wire::{
    DEADLINE_VARIABLE, HOST_NAMES_VARIABLE, IDLE_LIMIT_VARIABLE, PUBLIC_KEY_VARIABLE,
};
use rustix::fs::{Access, Mode, access};

use crate::helper::Helper;

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

/// What the driver tells the agent, and nobody else.
const OURS: [&str; 4] = [
    PUBLIC_KEY_VARIABLE,
    IDLE_LIMIT_VARIABLE,
    DEADLINE_VARIABLE,
    HOST_NAMES_VARIABLE,
];

/// The variables of every command: those of the container, without what is the agent's own.
pub(crate) struct Environment {
    variables: Vec<(OsString, OsString)>,
    /// Gone with this, and so what it put on `PATH`.
    _helper: Option<Helper>,
}

impl Environment {
    /// The agent's own environment, with `HOME` and `PATH` filled in where the container has none.
    pub(crate) fn of_container() -> Self {
        let mut variables: Vec<_> = std::env::vars_os()
            .filter(|(name, _)| OURS.iter().all(|ours| name != ours))
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
        Self {
            variables,
            _helper: None,
        }
    }

    /// The same with what GitLab's own scripts need in the helper's container, which umask 0000 is part of: the
    /// job's image may run as anybody, and must be able to change what they leave.
    pub(crate) fn of_helper() -> Result<Self> {
        rustix::process::umask(Mode::empty());
        let mut environment = Self::of_container();
        environment._helper = Some(Helper::equip(&mut environment.variables)?);
        Ok(environment)
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
pub(crate) fn command(command: &[u8], environment: &Environment) -> Option<Command> {
    let mut shell = interpreter(environment)?;
    shell.arg("-c").arg(OsStr::from_bytes(command));
    Some(shell)
}

/// The first shell there is, to take a script on its standard input, in a process group of its own; `None` when
/// there is no shell. Looked for each time, since a job may well install one.
pub(crate) fn interpreter(environment: &Environment) -> Option<Command> {
    let shell = CANDIDATES
        .map(Path::new)
        .into_iter()
        .find(|path| path.is_file() && access(*path, Access::EXEC_OK).is_ok())?;
    let mut shell = Command::new(shell);
    shell
        .env_clear()
        .envs(
            environment
                .variables
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    Some(shell)
}

/// What to say when there is no shell.
pub(crate) fn missing() -> String {
    format!(
        "shell not found; the image needs one of {}",
        CANDIDATES.join(", ")
    )
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
