//! What scripts and their processes do to the agent, and what it does about them.

use std::process::Command;
use std::time::Duration;

use fargate_wire::script::Attach;
use testing::{eventually, process::is_running};

use crate::driver::{Driver, attach};
use crate::harness::{Agent, binary, text};
use crate::root_folders::{put, put_agent};

/// A further script beside that of [`attach`].
fn another(number: u8) -> Attach {
    Attach {
        script: [number; 16],
        ..attach(0)
    }
}

#[tokio::test]
async fn a_cancel_ends_children_in_sessions_of_their_own_and_no_earlier_scripts() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let pid = |name: &str| std::fs::read_to_string(agent.path(name)).unwrap();
    let folder = agent.folder.path().display();

    let mut earlier = Driver::attach(&session, another(1)).await;
    earlier
        .script(&format!(
            "setsid sh -c 'echo $$ > {folder}/server; exec sleep 1000' > /dev/null 2>&1 &
             until [ -s {folder}/server ]; do sleep 0.01; done"
        ))
        .await;
    earlier.until_frame("Exited(0)").await;
    earlier.finish().await;

    // A child, a daemon whose parents are gone, and one that does not heed SIGTERM and has a child in a session of its
    // own, in turn.
    let mut driver = Driver::attach(&session, another(2)).await;
    driver
        .script(&format!(
            "setsid sh -c 'echo $$ > {folder}/child; exec sleep 1000' &
             (setsid sh -c '(setsid sh -c \"echo \\$\\$ > {folder}/daemon; exec sleep 1000\" &)' &)
             setsid sh -c 'trap \"\" TERM; echo $$ > {folder}/stubborn; setsid sh -c \"echo \\$\\$ > {folder}/last; \
                 while :; do sleep 1; done\"; while :; do sleep 1; done' &
             for name in child daemon stubborn last; do
                 until [ -s {folder}/$name ]; do sleep 0.01; done
             done
             echo ready; sleep 1000"
        ))
        .await;
    driver.until_stdout(6).await;
    let begun = ["child", "daemon", "stubborn", "last"].map(pid);
    assert!(begun.iter().all(|pid| is_running(pid)));
    driver
        .send(fargate_wire::script::ToAgent::Cancel(
            Duration::from_millis(500),
        ))
        .await;
    driver.until_frame("Signalled(15)").await;
    // The next script starts now, so all of this one must be gone.
    let left: Vec<_> = begun.iter().filter(|pid| is_running(pid)).collect();
    assert!(left.is_empty(), "{left:?} of {begun:?}");
    assert!(
        is_running(&pid("server")),
        "an earlier script's server was ended"
    );
    driver.finish().await;
}

#[tokio::test]
async fn a_cancel_spares_what_the_daemons_of_earlier_scripts_start_meanwhile() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let folder = agent.folder.path().display();

    // In a session of its own, and in a group of its own (job control). Each leaves an orphan when it is told to.
    let daemon = |name: &str| {
        format!(
            "until [ -e {folder}/go ]; do sleep 0.01; done; (sh -c 'echo $$ > {folder}/{name}; exec sleep 1000' &); \
             exec sleep 1000"
        )
    };
    std::fs::write(agent.path("daemon"), daemon("of-session")).unwrap();
    let mut earlier = Driver::attach(&session, another(1)).await;
    earlier
        .script(&format!(
            "setsid bash {folder}/daemon > /dev/null 2>&1 &
             set -m; ({}) > /dev/null 2>&1 &",
            daemon("of-group")
        ))
        .await;
    earlier.until_frame("Exited(0)").await;
    earlier.finish().await;

    let mut driver = Driver::attach(&session, another(2)).await;
    driver
        .script(&format!(
            "touch {folder}/go
             for name in session group; do until [ -s {folder}/of-$name ]; do sleep 0.01; done; done
             echo ready; sleep 1000"
        ))
        .await;
    driver.until_stdout(6).await;
    driver
        .send(fargate_wire::script::ToAgent::Cancel(Duration::ZERO))
        .await;
    driver.until_frame("Signalled(").await;
    for name in ["of-session", "of-group"] {
        let pid = std::fs::read_to_string(agent.path(name)).unwrap();
        assert!(
            is_running(&pid),
            "{name}: an earlier daemon's child was ended"
        );
    }
    driver.finish().await;
}

#[test]
fn the_agent_leaves_no_process_behind() {
    let mut agent = Agent::start();
    let output = agent.run("setsid sh -c 'echo $$; exec sleep 1000' 2> /dev/null & sleep 0.2");
    let child = text(&output.stdout).to_owned();
    assert!(is_running(&child));
    agent.kill("TERM");
    assert_eq!(agent.wait().code(), Some(143));
    assert!(!is_running(&child));
}

/// An agent in a root folder that has a shell and no place for files.
fn without_room() -> (tempfile::TempDir, Agent) {
    let folder = tempfile::tempdir().unwrap();
    put_agent(folder.path());
    for program in ["sh", "sleep"] {
        let program = format!("/bin/{program}");
        put(folder.path(), program.as_ref(), program.as_ref());
    }
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "chroot"])
        .arg(folder.path())
        .args(["/fargate-agent", "serve"]);
    (folder, Agent::start_as(command, |_| ()))
}

#[tokio::test]
async fn a_script_that_ends_well_does_not_need_the_room_for_its_rest() {
    let (_folder, agent) = without_room();
    let session = agent.connect().await;
    let rest = "# a comment\n".repeat(400_000);
    for (number, begin) in [(1, "exit 3\n"), (2, "echo out; /bin/sleep 0.5; exit 3\n")] {
        let mut driver = Driver::attach(&session, another(number)).await;
        driver.script(&format!("{begin}{rest}")).await;
        driver.until_frame("Exited(3)").await;
        driver.finish().await;
    }
    // One that reads on must not take a part for the whole.
    let mut driver = Driver::attach(&session, another(3)).await;
    driver.script(&format!("{rest}exit 3")).await;
    driver.until_frame("Failed(\"cannot keep input").await;
    driver.finish().await;
}

/// An agent in a container: with process ids of its own, in which it is the first process or the child of one.
fn in_container(start: &str) -> Agent {
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "--pid", "--fork"])
        .args([
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
            start,
            "sh",
            binary(),
            "serve",
        ]);
    Agent::start_as(command, |_| ())
}

#[tokio::test]
async fn as_the_first_process_it_survives_a_script_that_kills_everything() {
    let agent = in_container("exec \"$@\"");
    let session = agent.connect().await;
    for (number, kill) in [
        (1, "kill -9 $PPID"),
        (2, "sleep 1000 & kill -9 -1"),
        (3, "kill -9 1"),
    ] {
        let mut driver = Driver::attach(&session, another(number)).await;
        driver.script(&format!("{kill}; echo $PPID; exit 3")).await;
        driver.until_frame("Exited(3)").await;
        assert_eq!(text(&driver.stdout), "1\n");
        driver.finish().await;
    }
}

#[tokio::test]
async fn below_another_process_it_is_killed_and_its_status_says_so() {
    for kill in ["kill -9 $PPID", "kill -9 -1"] {
        let mut agent = in_container("\"$@\"; exit $?");
        let session = agent.connect().await;
        let mut driver = Driver::attach(&session, attach(0)).await;
        driver.script(&format!("{kill}; sleep 1000")).await;
        driver.until_closed().await;
        let status = tokio::task::spawn_blocking(move || agent.wait())
            .await
            .unwrap();
        assert_eq!(status.code(), Some(137), "{kill}");
    }
}

#[tokio::test]
async fn a_script_that_tells_it_to_stop_ends_it_and_its_status_says_so() {
    for start in ["exec \"$@\"", "\"$@\"; exit $?"] {
        let mut agent = in_container(start);
        let session = agent.connect().await;
        let mut driver = Driver::attach(&session, attach(0)).await;
        driver.script("kill $PPID; sleep 1000").await;
        driver.until_closed().await;
        let status = tokio::task::spawn_blocking(move || agent.wait())
            .await
            .unwrap();
        assert_eq!(status.code(), Some(143), "{start}");
    }
}

#[test]
fn output_within_a_second_of_the_shells_end_is_delivered() {
    let agent = Agent::start();
    let output = agent.run(
        "exec > >(sleep 0.4; cat; echo last) 2> >(sleep 0.6; cat >&2); echo first; echo err >&2",
    );
    assert_eq!(text(&output.stdout), "first\nlast\n");
    assert_eq!(text(&output.stderr), "err\n");
    eventually("nothing is left", || {
        agent.children().is_empty().then_some(())
    });
}
