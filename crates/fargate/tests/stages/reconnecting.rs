//! Scripts that outlive their connection.

use std::time::Instant;

use nix::sys::signal::Signal::SIGTERM;
use serde_json::json;
use testing::{ManagerHost, SECOND, SshServer, process, wait_until};

use crate::fargate;
use crate::proxy::{Cut, Proxy};

const SAID: &str = "Lost the connection to the job's task";
const BACK: &str = "Connected to the job's task again after ";

/// A job that is prepared, with a network that can fail.
fn prepared(ssh: &str) -> (ManagerHost, Proxy) {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.configure_ssh(ssh);
    manager.prepare();
    let proxy = Proxy::before(&manager);
    (manager, proxy)
}

/// Bytes without a pattern.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    })
    .take(length)
    .collect()
}

#[test]
fn ten_cuts_during_50_mb_change_nothing() {
    let (manager, proxy) = prepared("");
    let (out, err) = (noise(50_000_000, 1), noise(1_000_000, 2));
    std::fs::write(manager.path("out"), &out).unwrap();
    std::fs::write(manager.path("err"), &err).unwrap();
    proxy.cut_next((0..10).map(|number| Cut::Down(1_000_000 + number * 777_777)));
    let script = format!(
        "cat {0}/err >&2 & cat {0}/out; wait; exit 7",
        manager.folder.path().display()
    );
    let outcome = manager.run(script).exits(11);
    assert_eq!(proxy.connections(), 11);
    assert!(
        outcome.stdout == out,
        "{} bytes of output",
        outcome.stdout.len()
    );
    // Each loss is said once, and so is getting back, somewhere among the script's own output.
    let mut rest = outcome.stderr.clone();
    for line in [SAID, BACK] {
        for _ in 0..10 {
            let said = find(&rest, line.as_bytes()).expect("it says so");
            let end = said + find(&rest[said..], b"\n").unwrap() + 1;
            rest.drain(said..end);
        }
    }
    assert!(rest == err);
    assert_eq!(manager.exit_code_file().as_deref(), Some("7\n"));
    // The job goes on as if nothing had been.
    assert_eq!(manager.run("echo after").exits(0).out(), "after\n");
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[test]
fn a_script_that_outgrows_memory_during_an_outage_goes_on_after_it() {
    let (manager, proxy) = prepared("");
    // Printed while the line is cut: 300 KB, and the sizes around those that the agent keeps in memory.
    for length in [300_000, 262_000, 262_144, 400_000] {
        let mut out: String = (100_000..)
            .take(length / 7)
            .map(|number| format!("{number}\n"))
            .collect();
        out.push_str("all\n");
        std::fs::write(manager.path("out"), &out).unwrap();
        let until = |mark| {
            let mark = manager.path(mark).display().to_string();
            format!("until [ -e {mark} ]; do sleep 0.02; done; rm {mark}")
        };
        let mut running = manager.start_run(format!(
            "echo begun; {}; cat {}; touch {}; {}; echo more; exit 3",
            until("cut"),
            manager.path("out").display(),
            manager.path("printed").display(),
            until("back"),
        ));
        running.read_until("begun\n");
        proxy.close(true);
        proxy.cut();
        std::fs::write(manager.path("cut"), b"").unwrap();
        wait_until("all is printed", || manager.path("printed").exists());
        proxy.close(false);
        assert_eq!(running.read_until("all\n"), out);
        std::fs::write(manager.path("back"), b"").unwrap();
        assert_eq!(running.finish().exits(11).out(), "more\n");
        assert_eq!(manager.exit_code_file().as_deref(), Some("3\n"));
        std::fs::remove_file(manager.path("printed")).unwrap();
    }
}

#[test]
fn connections_that_always_drop_are_good_enough() {
    let drops = json!({ "faults": [{ "effect": { "port_drops": { "after_bytes": 300_000 } } }] });
    let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &drops);
    manager.prepare();
    let out = noise(5_000_000, 3);
    std::fs::write(manager.path("out"), &out).unwrap();
    let outcome = manager.run(format!("cat {}; exit 3", manager.path("out").display()));
    assert!(outcome.exits(11).stdout == out);
}

#[test]
fn cuts_during_the_scripts_upload_change_nothing() {
    let (manager, proxy) = prepared("");
    let text: String = (0..400_000).map(|number| format!("{number}\n")).collect();
    let script = format!("cat <<'END' | md5sum\n{text}END\necho here; exit 4\n");
    std::fs::write(manager.path("text"), text.as_bytes()).unwrap();
    let expected = manager.run(format!(
        "md5sum < {}; echo here; exit 4",
        manager.path("text").display()
    ));
    let before = proxy.connections();
    proxy.cut_next([5_000, 300_000, 40_000, 1_000_000, 700_000].map(Cut::Up));
    let outcome = manager.run(script).exits(11);
    assert_eq!(outcome.out(), expected.exits(11).out());
    assert_eq!(proxy.connections() - before, 6);
}

/// Runs a script that leaves a mark and prints a line, with a cut, and checks that it ran once, for all to see.
fn runs_once(manager: &ManagerHost, proxy: &Proxy, cut: Cut) {
    let mark = manager.path("mark");
    std::fs::write(&mark, b"").unwrap();
    proxy.cut_next([cut]);
    let script = format!(
        "echo once >> {}; echo out; echo err >&2; exit 5",
        mark.display()
    );
    let outcome = manager.run(script).exits(11);
    assert_eq!(outcome.out(), "out\n", "{cut:?}");
    let err = outcome.err();
    let ours = |line: &&str| line.starts_with(SAID) || line.starts_with(BACK);
    let lines: Vec<_> = err.lines().filter(|line| !ours(line)).collect();
    assert_eq!(lines, ["err"], "{cut:?}");
    assert_eq!(std::fs::read(&mark).unwrap(), b"once\n", "{cut:?}");
    assert_eq!(manager.exit_code_file().as_deref(), Some("5\n"));
}

#[test]
fn a_cut_at_any_byte_from_the_login_to_the_end_changes_nothing() {
    let (manager, proxy) = prepared("");
    let script = "echo once >> /dev/null; echo out; echo err >&2; exit 5";
    manager.run(script).exits(11);
    let (down, up) = proxy.bytes();
    // From the end backwards: the end and its acknowledgement, the output, the script, the attachment, the login.
    let places = |all: u64| (0..=700).step_by(20).map(move |back| all - back);
    for bytes in places(down) {
        runs_once(&manager, &proxy, Cut::Down(bytes));
    }
    for bytes in places(up) {
        runs_once(&manager, &proxy, Cut::Up(bytes));
    }
}

#[test]
fn a_dead_connection_that_nobody_closes_is_taken_over_twice() {
    let (manager, proxy) = prepared("KeepAliveInterval = \"1s\"");
    let gate = |number| manager.path(&format!("gate{number}"));
    let script = (0..3).fold(String::new(), |script, number| {
        let gate = gate(number);
        format!(
            "{script}until [ -e {} ]; do sleep 0.02; done; echo {number}\n",
            gate.display()
        )
    });
    let mut running = manager.start_run(script);
    std::fs::write(gate(0), b"").unwrap();
    running.read_until("0\n");
    for number in [1, 2] {
        proxy.freeze();
        // Printed while the driver still believes in its dead connection.
        std::fs::write(gate(number), b"").unwrap();
        running.read_until(&format!("{number}\n"));
    }
    let outcome = running.finish().exits(0);
    assert_eq!(proxy.connections(), 3);
    assert!(
        outcome.err().contains("it no longer answers"),
        "{}",
        outcome.err()
    );
}

#[test]
fn a_reader_that_pauses_costs_no_connection() {
    let (manager, proxy) = prepared("KeepAliveInterval = \"1s\"");
    let out = noise(5_000_000, 4);
    std::fs::write(manager.path("out"), &out).unwrap();
    let running = manager.start_run(format!("cat {}", manager.path("out").display()));
    // The driver can pass nothing on, and must hear the agent's keepalives all the same.
    std::thread::sleep(6 * SECOND);
    let outcome = running.finish().exits(0);
    assert!(outcome.stdout == out);
    assert_eq!(outcome.err(), "");
    assert_eq!(proxy.connections(), 1);
}

#[test]
fn a_script_whose_end_has_come_needs_no_connection_any_more() {
    let (manager, proxy) = prepared("ReconnectTimeout = \"3s\"");
    // More than the runner's pipe takes, and less than the agent sends ahead.
    let running = manager.start_run("head -c 100000 /dev/zero | tr '\\0' x; exit 3");
    std::thread::sleep(2 * SECOND);
    proxy.close(true);
    proxy.cut();
    std::thread::sleep(SECOND);
    let outcome = running.finish().exits(11);
    assert_eq!(manager.exit_code_file().unwrap(), "3\n");
    assert_eq!(outcome.stdout, vec![b'x'; 100_000]);
}

/// A runner that does not listen any more is gone, and no outage is worth waiting for.
#[test]
fn an_outage_is_not_waited_out_for_a_runner_that_no_longer_reads() {
    for left_first in [true, false] {
        let (manager, proxy) = prepared("ReconnectTimeout = \"120s\"");
        // More than the runner's pipe takes, from a script that takes its time to end.
        let script =
            "trap '' TERM; echo started; head -c 100000 /dev/zero; while :; do sleep 1; done";
        let mut running = manager.start_run(script);
        running.read_until("started\n");
        std::thread::sleep(SECOND);
        let cut = || {
            proxy.close(true);
            proxy.cut();
        };
        if left_first {
            running.leave_stdout();
            std::thread::sleep(SECOND);
            cut();
        } else {
            cut();
            std::thread::sleep(SECOND);
            running.leave_stdout();
        }
        let begun = Instant::now();
        running
            .finish()
            .exits(22)
            .complains(&["could not pass on the script's output"]);
        assert!(begun.elapsed() < 30 * SECOND, "{:?}", begun.elapsed());
    }
}

#[test]
fn a_script_can_be_cancelled_after_a_lost_connection_and_during_one() {
    for closed in [false, true] {
        let (manager, proxy) = prepared("");
        let child = manager.path("child");
        let script = format!(
            "sleep 300 & echo $! > {}; trap 'echo trapped; exit 1' TERM; echo started; wait",
            child.display()
        );
        let mut running = manager.start_run(script);
        running.read_until("started\n");
        proxy.close(closed);
        proxy.cut();
        if closed {
            running.signal(SIGTERM);
            // The driver has to find out that there is no way.
            std::thread::sleep(SECOND);
            assert!(!running.is_over(), "it gave the script up");
            proxy.close(false);
        } else {
            wait_until("it is back", || proxy.connections() == 2);
            running.signal(SIGTERM);
        }
        let outcome = running
            .finish()
            .exits(22)
            .complains(&["fargate was stopped by SIG"]);
        assert_eq!(outcome.out(), "trapped\n");
        assert!(!process::is_running(
            &std::fs::read_to_string(&child).unwrap()
        ));
        assert_eq!(manager.run("echo after").exits(0).out(), "after\n");
    }
}

#[test]
fn a_connection_that_cannot_be_had_again_is_given_up_and_so_is_the_script() {
    let (manager, proxy) = prepared("ReconnectTimeout = \"2s\"");
    let mut running = manager.start_run("echo $$; exec sleep 300");
    let shell = running.read_until("\n");
    proxy.close(true);
    proxy.cut();
    let begun = Instant::now();
    running.finish().exits(22).complains(&[
        "could not reconnect within 2 s (ReconnectTimeout)",
        "the task is still RUNNING",
    ]);
    assert!(begun.elapsed() >= 2 * SECOND);
    wait_until("the agent has ended the script", || {
        !process::is_running(&shell)
    });
    proxy.close(false);
    assert_eq!(manager.run("echo after").exits(0).out(), "after\n");
}

#[test]
fn a_task_that_stops_is_reported_long_before_patience_ends() {
    let (manager, proxy) = prepared("");
    let mut running = manager.start_run("echo here; sleep 300");
    running.read_until("here");
    proxy.close(true);
    proxy.cut();
    let arn = manager.aws.running()[0]["taskArn"]
        .as_str()
        .unwrap()
        .to_owned();
    manager.aws.stop_task(&arn, "enough");
    let begun = Instant::now();
    running
        .finish()
        .exits(22)
        .complains(&["ERROR: AWS stopped the job's task: enough"]);
    assert!(
        begun.elapsed() < 20 * SECOND,
        "it took {:?}",
        begun.elapsed()
    );
}

#[test]
fn a_driver_that_is_killed_leaves_no_script_behind() {
    let (manager, _proxy) = prepared("ReconnectTimeout = \"1s\"");
    let mut running = manager.start_run("echo $$; exec sleep 300");
    let shell = running.read_until("\n");
    running.signal(nix::sys::signal::Signal::SIGKILL);
    wait_until("the agent has ended the script", || {
        !process::is_running(&shell)
    });
    assert_eq!(manager.run("echo after").exits(0).out(), "after\n");
}

#[test]
fn connections_that_carry_nothing_are_bounded_and_told_once() {
    // A path that drops large packets: the login fits through it, and output does not.
    for effect in [
        json!({ "port_freezes": { "after_bytes": 5_000 } }),
        json!({ "port_drops": { "after_bytes": 30_000 } }),
    ] {
        let faults = json!({ "faults": [{ "effect": effect }] });
        let manager = ManagerHost::with_faults(fargate(), SshServer::Agent, &faults);
        manager.configure_ssh("KeepAliveInterval = \"1s\"\nReconnectTimeout = \"10s\"");
        manager.prepare();
        let begun = Instant::now();
        let outcome = manager
            .run("head -c 4000000 /dev/zero | tr '\\0' x; echo; sleep 300")
            .exits(22)
            .complains(&["nothing came over another one within 10 s (ReconnectTimeout)"]);
        let took = begun.elapsed();
        assert!(took > 10 * SECOND && took < 60 * SECOND, "{took:?}");
        // Output may have moved before it got stuck.
        let told = outcome.err();
        let (lost, back) = (told.matches(SAID).count(), told.matches(BACK).count());
        assert_eq!(lost, back + 1, "{told}");
    }
}

#[test]
fn a_quiet_script_outlives_many_losses() {
    let (manager, proxy) = prepared("ReconnectTimeout = \"4s\"");
    let mut running = manager.start_run("echo begun; sleep 12; echo ended; exit 3");
    running.read_until("begun\n");
    for number in 0..4 {
        proxy.cut();
        wait_until("it is back", || proxy.connections() == number + 2);
        // It is proven by then, and nothing of the script has moved.
        std::thread::sleep(2 * SECOND);
    }
    let outcome = running.finish().exits(11);
    assert_eq!(outcome.out(), "ended\n");
    let told = outcome.err();
    assert_eq!(told.matches(SAID).count(), 4, "{told}");
    assert_eq!(told.matches(BACK).count(), 4, "{told}");
}
