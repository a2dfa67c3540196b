//! The images of the tests, made of Debian's packages in the engine that the tests use, and kept there from run to run.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use testing::{ContainerEngine, busybox};

use crate::static_agent;

/// The agent's own.
pub(crate) const AGENT: &str = "fargate-test/agent";
/// A plain Debian, with neither git nor an SSH server; images/test calls it so, too.
pub(crate) const DEBIAN: &str = "fargate-test/debian-base";
/// Busybox and nothing else.
pub(crate) const BUSYBOX: &str = "fargate-test/only-busybox";
/// The same, labelled with an architecture that is not this machine's.
pub(crate) const OTHER_ARCHITECTURE: &str = "fargate-test/other-architecture";

// `images/Dockerfile` describes them.
pub(crate) const USER: &str = "fargate-test/user";
pub(crate) const SHELL_ENTRY: &str = "fargate-test/shell-entry";
pub(crate) const INIT: &str = "fargate-test/init";
pub(crate) const GIT_USER: &str = "fargate-test/git-user";
pub(crate) const ENDS: &str = "fargate-test/ends";
pub(crate) const NO_SHELL: &str = "fargate-test/no-shell";
pub(crate) const HELPER: &str = "fargate-test/helper";
pub(crate) const GIT_SERVER: &str = "fargate-test/git-server";
pub(crate) const REDIS: &str = "fargate-test/redis";
pub(crate) const POSTGRES: &str = "fargate-test/postgres";

const BUILT: [&str; 10] = [
    USER,
    SHELL_ENTRY,
    INIT,
    GIT_USER,
    ENDS,
    NO_SHELL,
    HELPER,
    GIT_SERVER,
    REDIS,
    POSTGRES,
];

/// The one engine of all tests, with the images in it.
pub(crate) fn engine() -> &'static ContainerEngine {
    static ENGINE: OnceLock<ContainerEngine> = OnceLock::new();
    ENGINE.get_or_init(|| ContainerEngine::start(Path::new(env!("CARGO_TARGET_TMPDIR")), make))
}

fn make(engine: &ContainerEngine) {
    let folder = tempfile::tempdir().unwrap();
    let archive = static_agent::image(folder.path());
    engine.load(&archive, AGENT);
    let archive = folder.path().join("busybox.tar");
    std::fs::write(&archive, busybox::files()).unwrap();
    engine.import(&archive, &[], BUSYBOX);
    engine.import_for(other_architecture(), &archive, OTHER_ARCHITECTURE);
    // Each import makes another image, and everything built on the one before would be built anew.
    if !engine.has(DEBIAN) {
        engine.import(Path::new(&debian()), &[], DEBIAN);
    }
    build(engine, folder.path());
}

/// The archive with Debian's root file system.
fn debian() -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../images/base");
    let made = Command::new(script).output().unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

fn build(engine: &ContainerEngine, folder: &Path) {
    let context = folder.join("context");
    std::fs::create_dir(&context).unwrap();
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/containers/images");
    for file in std::fs::read_dir(files).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), context.join(file.file_name())).unwrap();
    }
    std::fs::copy(busybox::program(), context.join("busybox")).unwrap();
    let debian = format!("DEBIAN={DEBIAN}");
    for name in BUILT {
        let target = name.rsplit('/').next().unwrap();
        engine.run(&[
            "build",
            "--quiet",
            "--build-arg",
            &debian,
            "--target",
            target,
            "--tag",
            name,
            context.to_str().unwrap(),
        ]);
    }
}

fn other_architecture() -> &'static str {
    if cfg!(target_arch = "x86_64") {
        "arm64"
    } else {
        "amd64"
    }
}
