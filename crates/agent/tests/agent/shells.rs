//! Which shell is used, in containers that have one, another or none.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Agent, binary, text};

/// The shared libraries that a running program has loaded.
fn libraries(pid: u32) -> Vec<PathBuf> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut found: Vec<_> = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .filter(|path| path.contains(".so"))
        .map(PathBuf::from)
        .collect();
    found.dedup();
    found
}

/// A root folder with the agent and nothing else, and an agent in it.
fn agent_in(root: &Path) -> Agent {
    let put = |from: &Path, to: &Path| {
        let to = root.join(to.strip_prefix("/").unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    };
    let running = Agent::start();
    for library in libraries(running.pid()) {
        put(&library, &library);
    }
    // Where the kernel looks for the loader, which is behind links there.
    let loader = Path::new("/lib64/ld-linux-x86-64.so.2");
    if loader.exists() {
        put(loader, loader);
    }
    put(Path::new(binary()), Path::new("/fargate-agent"));
    // chroot needs a user who is root, at least in a namespace of its own.
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "chroot"])
        .arg(root)
        .arg("/fargate-agent");
    Agent::start_as(command, |_| ())
}

/// Puts a shell there that says its name.
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
    let told = text(&output.stderr);
    assert!(
        told.contains("shell not found") && told.contains("/busybox/sh"),
        "{told}"
    );

    // From the last to the first, while the agent runs; one that cannot be executed does not count.
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
