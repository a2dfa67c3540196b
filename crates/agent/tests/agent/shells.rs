//! The shell that the agent chooses, in containers with one, several or none.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::harness::{Agent, text};
use crate::root_folders::put_agent;

/// An agent in a root folder of its own that contains nothing else.
fn agent_in(root: &Path) -> Agent {
    put_agent(root);
    // chroot needs root, at least in a user namespace.
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "chroot"])
        .arg(root)
        .args(["/fargate-agent", "serve"]);
    Agent::start_as(command, |_| ())
}

/// Copies a shell to `path`.
fn put_shell(root: &Path, path: &str, mode: u32) {
    let path = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::copy("/bin/sh", &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_first_that_is_there_and_executable() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let agent = agent_in(root);

    let output = agent.run("echo hello");
    assert_eq!(output.status.code(), Some(127));
    let message = text(&output.stderr);
    assert!(
        message.contains("shell not found") && message.contains("/busybox/sh"),
        "{message}"
    );

    // From the last to the first, while the agent runs. A shell that cannot be executed does not count.
    let mut last = "/busybox/sh";
    for (path, mode) in [
        ("/busybox/sh", 0o755),
        ("/bin/sh", 0o755),
        ("/usr/local/bin/sh", 0o644),
        ("/usr/bin/bash", 0o755),
        ("/usr/local/bin/bash", 0o755),
    ] {
        put_shell(root, path, mode);
        if mode == 0o755 {
            last = path;
        }
        let output = agent.run("echo $0");
        assert_eq!(output.status.code(), Some(0), "{path}: {output:?}");
        assert_eq!(text(&output.stdout), format!("{last}\n"));
    }
}
