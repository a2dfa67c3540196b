//! The images of these tests, and the engine that has them.

use std::path::Path;
use std::sync::OnceLock;

use testing::{ContainerEngine, busybox};

/// Busybox and nothing else, with the account `ci`.
pub(crate) const BUSYBOX: &str = "fargate-test/busybox";
/// The same, with an entry point and a command that print `entry cmd`.
pub(crate) const ECHO: &str = "fargate-test/echo";
/// The same, with the stop signal SIGUSR1.
pub(crate) const USR1: &str = "fargate-test/usr1";

/// The engine that all tests share, with the images in it.
pub(crate) fn engine() -> &'static ContainerEngine {
    static ENGINE: OnceLock<ContainerEngine> = OnceLock::new();
    ENGINE.get_or_init(|| ContainerEngine::start(Path::new(env!("CARGO_TARGET_TMPDIR")), import))
}

fn import(engine: &ContainerEngine) {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("busybox.tar");
    std::fs::write(&archive, busybox::files()).unwrap();
    engine.import(&archive, &[], BUSYBOX);
    let changes = ["ENTRYPOINT [\"/bin/echo\", \"entry\"]", "CMD [\"cmd\"]"];
    engine.import(&archive, &changes, ECHO);
    engine.import(&archive, &["STOPSIGNAL SIGUSR1"], USR1);
}
