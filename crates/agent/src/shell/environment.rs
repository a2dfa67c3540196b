//! The shell and the environment variables that commands and scripts get.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;

use anyhow::Result;
use fargate_wire::{
    DEADLINE_VARIABLE, HOST_NAMES_VARIABLE, IDLE_LIMIT_VARIABLE, NO_TERMINALS_VARIABLE,
    PUBLIC_KEY_VARIABLE,
};
use rustix::fs::{Access, Mode, access};

use crate::task::helper::{Helper, trust_checkouts};
use crate::task::hosts::is_in_task;

/// Shells in the order in which GitLab's own executors look for them, so that an image that works there works here.
const SHELLS: [&str; 7] = [
    "/usr/local/bin/bash",
    "/usr/bin/bash",
    "/bin/bash",
    "/usr/local/bin/sh",
    "/usr/bin/sh",
    "/bin/sh",
    "/busybox/sh",
];

/// `PATH` when the container sets none: Docker's default.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Variables that the driver sets for the agent alone.
const AGENT_VARIABLES: [&str; 5] = [
    PUBLIC_KEY_VARIABLE,
    IDLE_LIMIT_VARIABLE,
    DEADLINE_VARIABLE,
    HOST_NAMES_VARIABLE,
    NO_TERMINALS_VARIABLE,
];

/// The environment of every shell: the container's variables without the agent's own, and the shells to look for.
pub(crate) struct ShellEnvironment {
    shells: Vec<PathBuf>,
    variables: Vec<(OsString, OsString)>,
    /// Dropping it removes the folder that it added to `PATH`.
    _helper: Option<Helper>,
}

impl ShellEnvironment {
    /// The environment in the container of a job's image.
    ///
    /// Outside of a task, as on a machine where `fargate try` runs, git keeps its distrust of other users' files.
    pub(crate) fn of_container() -> Self {
        let mut environment = Self::inherited();
        if is_in_task() {
            trust_checkouts(&mut environment.variables);
        }
        environment
    }

    /// The agent's own variables, with `HOME` and `PATH` added when the container sets none.
    fn inherited() -> Self {
        let mut variables: Vec<_> = std::env::vars_os()
            .filter(|(name, _)| AGENT_VARIABLES.iter().all(|ours| name != ours))
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
            shells: SHELLS.map(PathBuf::from).to_vec(),
            variables,
            _helper: None,
        }
    }

    /// The environment in the helper's container, with everything that GitLab's own scripts need there.
    ///
    /// Part of it is umask 0000: the job's image may run as any user, who must be able to change the files that these
    /// scripts leave.
    pub(crate) fn of_helper() -> Result<Self> {
        rustix::process::umask(Mode::empty());
        let mut environment = Self::inherited();
        trust_checkouts(&mut environment.variables);
        environment._helper = Some(Helper::equip(&mut environment.variables)?);
        Ok(environment)
    }

    /// A shell that runs `command`, in its own process group; `None` when no shell exists.
    pub(super) fn command(&self, command: &[u8]) -> Option<Command> {
        let mut shell = self.interpreter()?;
        shell.arg("-c").arg(OsStr::from_bytes(command));
        Some(shell)
    }

    /// A shell that reads a script from its standard input, in its own process group; `None` when no shell exists.
    pub(super) fn interpreter(&self) -> Option<Command> {
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        let mut shell = Command::new(self.shell()?);
        shell
            .env_clear()
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        Some(shell)
    }

    /// The shell, if one exists.
    ///
    /// It looks for the shell each time, because a job may install one.
    pub(crate) fn shell(&self) -> Option<&Path> {
        let mut shells = self.shells.iter();
        let is_program = |path: &&PathBuf| path.is_file() && access(*path, Access::EXEC_OK).is_ok();
        shells.find(is_program).map(PathBuf::as_path)
    }

    /// All variables with another one, as `name=value`. An empty value leaves it as it is.
    pub(crate) fn variables_with(&self, name: &str, value: &str) -> Vec<Vec<u8>> {
        let is_other = |known: &OsStr| value.is_empty() || known != name;
        let others = self.variables.iter().filter(|(known, _)| is_other(known));
        let others = others.map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat());
        let own = (!value.is_empty()).then(|| format!("{name}={value}").into_bytes());
        others.chain(own).collect()
    }

    /// The message when no shell exists.
    pub(crate) fn no_interpreter(&self) -> String {
        let shells: Vec<_> = self
            .shells
            .iter()
            .map(|path| path.to_string_lossy())
            .collect();
        let shells = shells.join(", ");
        format!("shell not found; the image needs one of {shells}")
    }

    /// The same environment with no shell but this one.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn with_shell(self, shell: PathBuf) -> Self {
        Self {
            shells: vec![shell],
            ..self
        }
    }
}

/// The home of user `uid` in the text of `/etc/passwd`. In a static binary the C library cannot look up users.
fn home(users: &[u8], uid: u32) -> Option<OsString> {
    users.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let id = std::str::from_utf8(fields.nth(2)?).ok()?;
        let home = fields.nth(2)?;
        (id.parse() == Ok(uid) && !home.is_empty()).then(|| OsStr::from_bytes(home).to_owned())
    })
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
