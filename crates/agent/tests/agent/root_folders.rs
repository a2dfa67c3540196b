//! Folders that are the whole file system of a process, as in a container.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{Agent, binary};

/// Copies the agent and its libraries to a root folder, as `/fargate-agent`.
pub(crate) fn put_agent(root: &Path) {
    let running = Agent::start();
    for library in libraries(running.pid()) {
        put(root, &library, &library);
    }
    // The kernel looks for the loader here, behind links.
    let loader = Path::new("/lib64/ld-linux-x86-64.so.2");
    if loader.exists() {
        put(root, loader, loader);
    }
    put(root, Path::new(binary()), Path::new("/fargate-agent"));
}

/// Copies a file to `to` below a root folder.
pub(crate) fn put(root: &Path, from: &Path, to: &Path) {
    let to = root.join(to.strip_prefix("/").unwrap());
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap();
}

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
