//! The cost of a run, beside OpenSSH's client on the same server.

use testing::{ManagerHost, SshServer};

use crate::cost::Cost;
use crate::fargate;
use crate::openssh::OpenSsh;
use crate::table::{compared, megabytes, row};

const ONE_LINE: &str = "echo hello";
const LARGE: &str = "head -c 104857600 /dev/zero";

pub(crate) fn measure(runs: usize) {
    let manager = ManagerHost::new(fargate(), SshServer::OpenSsh);
    manager.prepare();
    let (small, small_ssh) = compare(&manager, ONE_LINE, runs);
    compared(
        "run of a one-line script, same sshd",
        small.wall,
        small_ssh.wall,
        "0.4 of ssh",
    );
    let (large, large_ssh) = compare(&manager, LARGE, runs);
    compared(
        "100 MB of output through run, same sshd",
        large.wall,
        large_ssh.wall,
        "0.45 of ssh",
    );
    let growth = |large: Cost, small: Cost| {
        let kib = large.peak_kib.saturating_sub(small.peak_kib);
        megabytes(kib as f64)
    };
    row(
        "peak memory (RSS) beyond that of the one-line script",
        &growth(large, small),
        &growth(large_ssh, small_ssh),
        "1 MB",
    );
    measure_script(&manager);

    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let (ours, ssh) = compare(&manager, ONE_LINE, runs);
    compared(
        "run of a one-line script, our agent",
        ours.wall,
        ssh.wall,
        "0.01 s",
    );
    let (ours, ssh) = compare(&manager, LARGE, runs);
    compared(
        "100 MB of output through run, our agent",
        ours.wall,
        ssh.wall,
        "-",
    );
}

/// A long script, and one that fails: GitLab's driver did not run the one, and took the other for a system failure.
fn measure_script(manager: &ManagerHost) {
    let length = 1 << 20;
    let script = format!("x='{}'; echo ${{#x}}", "x".repeat(length));
    let works = manager.run(&script).out().trim() == length.to_string();
    let outcome = if works { "works" } else { "FAILS" };
    row("script of 1 MiB", outcome, "-", "works");
    let blame = match manager.run("exit 3").code {
        Some(11) => "the script's failure",
        _ => "WRONG",
    };
    let code = manager.exit_code_file().unwrap_or_default();
    row(
        "script that exits 3",
        &format!("{blame}, {}", code.trim()),
        "-",
        "the script's failure, 3",
    );
}

/// Measures both in turn, so that other work on the machine affects both.
fn compare(manager: &ManagerHost, script: &str, runs: usize) -> (Cost, Cost) {
    let client = OpenSsh::for_all(manager).pop().unwrap();
    let file = manager.path("measured");
    std::fs::write(&file, script).unwrap();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let call = manager.call(&["custom", "run", file.to_str().unwrap(), "build_script"]);
        ours.push(Cost::of(&call, None));
        theirs.push(Cost::of(&client.command(), Some(&file)));
    }
    let (ours, theirs) = (Cost::median(ours), Cost::median(theirs));
    assert_eq!(ours.bytes, theirs.bytes, "output was lost");
    (ours, theirs)
}
