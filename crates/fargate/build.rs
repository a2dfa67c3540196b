//! How the released program is linked, so that little of it is in memory while it runs a script.
//!
//! GitLab Runner starts `custom run` about ten times a job, for hundreds of jobs at once on one manager. Nearly
//! all of the program is the AWS SDK, which that stage never calls. docs/performance.md has what each option is
//! worth. None of them is needed: any linker without them makes a program that does the same.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=layout.ld");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    if variable("PROFILE") != "release" || variable("CARGO_CFG_TARGET_OS") != "linux" {
        return;
    }

    // The kernel maps 64 KiB around each page that is touched, so functions that are called together belong together.
    let folder = variable("CARGO_MANIFEST_DIR");
    println!("cargo::rustc-link-arg-bins=-Wl,-T,{folder}/layout.ld");

    // At a fixed address, as Go programs (GitLab Runner itself) are by default: at a random one the loader would write
    // some 36 000 addresses at each start, most of them the SDK's, and every page it writes is the process's own.
    // Stack, heap and shared libraries stay at random addresses. A static program needs another option for it, which
    // only rustc itself can give: `-C relocation-model=static`.
    let is_static = variable("CARGO_CFG_TARGET_FEATURE")
        .split(',')
        .any(|feature| feature == "crt-static");
    if variable("CARGO_CFG_TARGET_ENV") == "gnu" && !is_static {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
