//! The agent as it is released: a static program, which the tests build themselves, so that it is never an old one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program. Building it takes a while at the first time, in a folder of its own since its flags are others.
pub(crate) fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static");
        let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--package", "fargate-agent"])
            .args(["--target", &triple])
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_PROFILE_DEV_STRIP", "symbols")
            .env("RUSTFLAGS", "-C target-feature=+crt-static")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(
            built.status.success(),
            "the static agent could not be built:\n{}",
            String::from_utf8_lossy(&built.stderr)
        );
        target.join(triple).join("debug/fargate-agent")
    })
}

/// Makes its image as its users do, and returns the archive.
pub(crate) fn image(folder: &Path) -> PathBuf {
    let archive = folder.join("fargate-agent.tar");
    let made = Command::new(crate::fargate())
        .args(["agent", "image", "--binary"])
        .arg(program())
        .arg("--output")
        .arg(&archive)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    archive
}
