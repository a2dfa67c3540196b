//! `fargate agent image|push` and `fargate manager image|push`, against a real registry, with skopeo as the judge.

#![cfg(test)]

mod layout;
mod login;
mod manager;
mod program;
mod push;
mod tls;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A test's own folder and what it calls there.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `fargate agent` with these arguments.
    fn agent(&self, arguments: &[&str]) -> Command {
        let mut command = self.fargate("agent");
        command.args(arguments);
        command
    }

    /// A command of `fargate`, at home here and with nobody's logins.
    fn fargate(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fargate"));
        command
            .arg(name)
            .env_clear()
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path());
        command
    }

    /// Writes logins as `podman login` does: Base64 of `user:password`.
    fn write_login(&self, file: &str, registry: &str, login: &str) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = serde_json::json!({ "auths": { registry: { "auth": login } } });
        std::fs::write(path, text.to_string()).unwrap();
    }
}

/// What a command printed, when it succeeded.
#[track_caller]
fn succeeds(mut command: Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let errors = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?}: {status}: {errors}");
    String::from_utf8(stdout).unwrap().trim().to_owned()
}

/// What a command complained of, when it failed with `code`.
#[track_caller]
fn fails(mut command: Command, code: i32) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{command:?}: {errors}");
    assert_eq!(output.stdout, b"", "a failure has no result");
    errors
}

/// What skopeo makes of an image.
#[track_caller]
fn inspect(image: &str, options: &[&str]) -> serde_json::Value {
    let mut skopeo = Command::new("skopeo");
    skopeo.arg("inspect").args(options).arg(image);
    serde_json::from_str(&succeeds(skopeo)).unwrap()
}

/// Content of all files below a folder, by path.
fn tree(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}
