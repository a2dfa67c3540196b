//! The names of a task's services, in `/etc/hosts`.
//!
//! All containers of a task share one network, so every service is at 127.0.0.1. ECS has a setting for such names, but
//! not in Fargate's network mode. `/etc/hosts` is one file for all containers of a task (amazon-ecs-agent,
//! ecs-agent/netlib/platform/common_linux.go: createDNSConfig), so the helper, which is root, writes it for all of them
//! before it takes connections. Where the file is not shared, the agent in the job's container writes its own, or
//! reports the names that it may not write.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use fargate_wire::{BUILDS_FOLDER, HOST_NAMES_VARIABLE};
use rustix::fs::OFlags;

/// The file in which resolvers look first.
const FILE: &str = "/etc/hosts";

/// Bytes read of the file at most. No resolver works with more.
const LIMIT: u64 = 1024 * 1024;

/// Host names that resolve to the task itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct HostNames(Vec<String>);

impl HostNames {
    /// Reads [`HOST_NAMES_VARIABLE`], and leaves out every word that cannot be a host name.
    pub(crate) fn from_environment() -> Self {
        Self::parse(&std::env::var(HOST_NAMES_VARIABLE).unwrap_or_default())
    }

    fn parse(text: &str) -> Self {
        let is_name = |name: &&str| {
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        Self(
            text.split_whitespace()
                .filter(is_name)
                .map(str::to_owned)
                .collect(),
        )
    }

    /// Adds the missing names to this container's file; returns those that it cannot add.
    ///
    /// Outside of a task nothing is changed: the file is the machine's own.
    pub(crate) fn provide(&self) -> Vec<String> {
        if self.0.is_empty() || !is_in_task() {
            return Vec::new();
        }
        let text = match read(Path::new(FILE)) {
            Ok(text) => text,
            Err(error) => return self.report(error, self.0.clone()),
        };
        let missing = self.missing_in(&text);
        match append(Path::new(FILE), &lines(&text, &missing)) {
            Ok(()) => Vec::new(),
            Err(error) => self.report(error, missing),
        }
    }

    /// Says in the container's log why names are missing.
    fn report(&self, error: io::Error, missing: Vec<String>) -> Vec<String> {
        let names = missing.join(" ");
        let message = format!("fargate-agent: cannot add {names} to {FILE}: {error}\n");
        // Standard error may be closed.
        io::stderr().write_all(message.as_bytes()).ok();
        missing
    }

    /// The names that a file with this text lacks.
    fn missing_in(&self, text: &str) -> Vec<String> {
        let present: HashSet<&str> = text.lines().collect();
        let is_missing = |name: &&String| !present.contains(entry(name).as_str());
        self.0.iter().filter(is_missing).cloned().collect()
    }
}

fn entry(name: &str) -> String {
    format!("127.0.0.1 {name}")
}

/// The lines that add these names to a file with this text.
fn lines(text: &str, names: &[String]) -> String {
    let unfinished = !names.is_empty() && !text.is_empty() && !text.ends_with('\n');
    let start = if unfinished { "\n" } else { "" };
    let entries = names.iter().map(|name| entry(name) + "\n");
    start.chars().map(String::from).chain(entries).collect()
}

/// The text of the file; none where there is no file.
fn read(path: &Path) -> io::Result<String> {
    let file = match open(OpenOptions::new().read(true), path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(error),
    };
    let mut text = Vec::new();
    file.take(LIMIT).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Writes at the end of the file in one piece, so that an agent that writes at the same time harms nothing.
fn append(path: &Path, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut file = open(
        OpenOptions::new().append(true).create(true).mode(0o644),
        path,
    )?;
    file.write_all(text.as_bytes())
}

/// Opens a file of an image that may hold anything there. A pipe must not block the agent.
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let file = options.custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    Ok(file)
}

/// Whether this process runs in one of the task's containers, which all mount the shared volume at the same place.
pub(crate) fn is_in_task() -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts
        .lines()
        .any(|mount| mount.split(' ').nth(4) == Some(BUILDS_FOLDER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_added_once() {
        let names = HostNames::parse("redis  db.example \n redis__alias bad/name 127.0.0.1\tx");
        assert_eq!(
            names.0,
            ["redis", "db.example", "redis__alias", "127.0.0.1", "x"]
        );
        let names = HostNames::parse("redis db");
        assert_eq!(
            lines("", &names.missing_in("")),
            "127.0.0.1 redis\n127.0.0.1 db\n"
        );
        let before = "127.0.0.1 localhost\n127.0.0.1 redis";
        assert_eq!(names.missing_in(before), ["db"]);
        let added = lines(before, &names.missing_in(before));
        assert_eq!(added, "\n127.0.0.1 db\n");
        let after = format!("{before}{added}");
        assert_eq!(names.missing_in(&after), [""; 0]);
        assert_eq!(lines(before, &[]), "");
    }

    #[test]
    fn a_file_that_is_none_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        assert_eq!(read(&path).unwrap(), "");
        append(&path, "a\n").unwrap();
        append(&path, "b\n").unwrap();
        assert_eq!(read(&path).unwrap(), "a\nb\n");
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        for path in [pipe.as_path(), folder.path()] {
            assert!(read(path).is_err());
        }
    }
}
