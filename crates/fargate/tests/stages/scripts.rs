//! What scripts may do and how they may end, the same with the agent and with OpenSSH.

use std::time::Instant;

use testing::{ManagerHost, SECOND, SshServer};

use crate::fargate;

const SERVERS: [SshServer; 2] = [SshServer::Agent, SshServer::OpenSsh];

fn prepared(server: SshServer) -> ManagerHost {
    let manager = ManagerHost::new(fargate(), server);
    manager.prepare();
    manager
}

fn on_both(test: impl Fn(&ManagerHost)) {
    for server in SERVERS {
        let manager = prepared(server);
        test(&manager);
        manager.custom("cleanup").exits(0);
        manager.left_nothing();
    }
}

#[test]
fn output_goes_where_it_came_from_and_nothing_is_added() {
    on_both(|manager| {
        let outcome = manager
            .run("echo to stdout; echo to stderr >&2; printf 'no line end'")
            .exits(0);
        assert_eq!(outcome.out(), "to stdout\nno line end");
        assert_eq!(outcome.err(), "to stderr\n");
    });
}

#[test]
fn exit_codes_reach_the_runner() {
    on_both(|manager| {
        for status in [1, 3, 137, 255] {
            let outcome = manager.run(format!("exit {status}")).exits(11);
            assert_eq!(
                manager.exit_code_file().as_deref(),
                Some(&*format!("{status}\n"))
            );
            assert_eq!(outcome.out(), "");
            if status == 137 {
                // As a shell's whose command was killed, most often for its use of memory.
                outcome.complains(&["ended with status 137", "the task has 0.5 GB"]);
            } else {
                assert_eq!(outcome.err(), "");
            }
        }
        manager.run("exit 0").exits(0);
        assert_eq!(manager.exit_code_file(), None, "an earlier code was left");
    });
}

#[test]
fn a_killed_script_is_the_scripts_failure() {
    on_both(|manager| {
        manager
            .run("kill -KILL $$")
            .exits(11)
            .complains(&["ERROR: the script was killed by SIGKILL"]);
        assert_eq!(manager.exit_code_file().as_deref(), Some("137\n"));
        manager
            .run("kill -SEGV $$")
            .exits(11)
            .complains(&["SIGSEGV"]);
        assert_eq!(manager.exit_code_file().as_deref(), Some("139\n"));
    });
}

#[test]
fn a_signal_that_ssh_has_no_name_for_is_told_by_the_agent() {
    let manager = prepared(SshServer::Agent);
    manager
        .run("kill -BUS $$")
        .exits(11)
        .complains(&["ERROR: the script was killed by SIGBUS"]);
    assert_eq!(manager.exit_code_file().as_deref(), Some("135\n"));
    manager
        .run("kill -40 $$")
        .exits(11)
        .complains(&["ERROR: the script was killed by signal 40"]);
    assert_eq!(manager.exit_code_file().as_deref(), Some("168\n"));
}

#[test]
fn scripts_are_as_large_as_they_like() {
    on_both(|manager| {
        let mut script = String::from("x='");
        script.push_str(&"ä\\0\"$".repeat(2 * 1024 * 1024 / 6));
        script.push_str("'; printf %s \"$x\" | wc -c");
        let length = script.len() - "x=''; printf %s \"$x\" | wc -c".len();
        assert!(script.len() > 2_000_000);
        assert_eq!(
            manager.run(&script).exits(0).out().trim(),
            length.to_string()
        );
    });
}

#[test]
fn output_is_as_large_as_it_likes_and_not_changed() {
    on_both(|manager| {
        let outcome = manager
            .run("i=0; head -c 104857600 /dev/zero | tr '\\0' 'x'")
            .exits(0);
        assert_eq!(outcome.stdout.len(), 104_857_600);
        assert!(outcome.stdout.iter().all(|byte| *byte == b'x'));
    });
}

#[test]
fn binary_output_passes_unchanged_on_both_streams() {
    let mut bytes: Vec<u8> = (0..=255).collect();
    bytes.extend(b"\r\n\0\x1b[0m\xff\xfe\n\n");
    on_both(|manager| {
        let file = manager.path("binary");
        std::fs::write(&file, &bytes).unwrap();
        let script = format!("cat {0}; cat {0} >&2", file.display());
        let outcome = manager.run(script).exits(0);
        assert_eq!(outcome.stdout, bytes);
        assert_eq!(outcome.stderr, bytes);
    });
}

#[test]
fn output_comes_as_it_is_written() {
    on_both(|manager| {
        let gate = manager.path("gate");
        let mut running = manager.start_run(format!(
            "printf first; while [ ! -e {} ]; do sleep 0.05; done",
            gate.display()
        ));
        running.read_until("first");
        assert!(!running.is_over());
        std::fs::write(&gate, b"").unwrap();
        running.finish().exits(0);
    });
}

#[test]
fn a_script_that_reads_its_input_finds_it_empty() {
    on_both(|manager| {
        // As the runner writes scripts: the body runs with its input closed.
        let script = "( if read -r line; then echo \"read $line\"; else echo nothing; fi; cat ) < /dev/null\nexit 0\n";
        assert_eq!(manager.run(script).exits(0).out(), "nothing\n");
        // And where it is not, input ends with the script.
        assert_eq!(manager.run("cat").exits(0).out(), "");
    });
}

#[test]
fn children_left_behind_do_not_hold_the_stage_and_live_on() {
    on_both(|manager| {
        let begun = Instant::now();
        let child = manager.path("child");
        let script = format!(
            "(echo started; exec sleep 300) & echo $! > {}; echo done",
            child.display()
        );
        let outcome = manager.run(script).exits(0);
        assert!(
            begun.elapsed() < 10 * SECOND,
            "it took {:?}",
            begun.elapsed()
        );
        assert!(outcome.out().contains("done\n"));
        manager
            .run(format!("kill $(cat {})", child.display()))
            .exits(0);
    });
}

#[test]
fn output_just_before_the_end_is_all_there() {
    on_both(|manager| {
        for _ in 0..5 {
            let outcome = manager
                .run("head -c 3000000 /dev/zero; sleep 20 & exit 5")
                .exits(11);
            assert_eq!(outcome.stdout.len(), 3_000_000);
        }
        manager.run("pkill -x sleep -g 0; true").exits(0);
    });
}

#[test]
fn bash_is_preferred_and_sees_the_containers_environment() {
    on_both(|manager| {
        let outcome = manager.run("echo \"${BASH_VERSION:+bash}\"").exits(0);
        assert_eq!(outcome.out(), "bash\n");
    });
    let manager = prepared(SshServer::Agent);
    let outcome = manager
        .run("echo ${ECS_CONTAINER_METADATA_URI_V4:+metadata} key=$SSH_PUBLIC_KEY")
        .exits(0);
    assert_eq!(outcome.out(), "metadata key=\n");
}
