//! What happens to commands when their client goes, or the agent does.

use std::io::{BufReader, Write};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use testing::{eventually, process::is_running};

use crate::harness::{Agent, line, read_channel, text};

/// Starts a command that first prints its process id.
fn begin(agent: &Agent, command: &str) -> (Child, BufReader<ChildStdout>, String) {
    let mut ssh = agent
        .ssh(&[])
        .arg(format!("echo $$; {command}"))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(ssh.stdout.take().unwrap());
    let pid = line(&mut stdout);
    (ssh, stdout, pid)
}

#[test]
fn a_lost_connection_ends_the_group() {
    let agent = Agent::start();
    let (mut ssh, mut stdout, shell) = begin(&agent, "sleep 1000 & echo $!; sleep 1000");
    let child = line(&mut stdout);
    assert!(is_running(&shell) && is_running(&child));
    ssh.kill().unwrap();
    ssh.wait().unwrap();
    eventually("both are gone", || {
        (!is_running(&shell) && !is_running(&child)).then_some(())
    });
    assert!(agent.run("true").status.success());
}

#[test]
fn what_does_not_heed_sigterm_is_killed() {
    let agent = Agent::start();
    let (mut ssh, mut stdout, shell) = begin(
        &agent,
        "trap '' TERM; echo ready; while :; do sleep 0.1; done",
    );
    assert_eq!(line(&mut stdout), "ready");
    let lost = Instant::now();
    ssh.kill().unwrap();
    ssh.wait().unwrap();
    eventually("it is gone", || (!is_running(&shell)).then_some(()));
    assert!(
        lost.elapsed() > Duration::from_secs(9),
        "it had no time to end by itself"
    );
}

#[tokio::test]
async fn a_closed_channel_ends_the_group_and_the_connection_stays() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let mut channel = session.channel_open_session().await.unwrap();
    channel
        .exec(true, "echo $$; exec sleep 1000")
        .await
        .unwrap();
    let pid = text(&read_channel(&mut channel, 2).await.stdout).to_owned();
    channel.close().await.unwrap();
    // Elsewhere, since the client needs this thread.
    let gone = move || eventually("it is gone", || (!is_running(&pid)).then_some(()));
    tokio::task::spawn_blocking(gone).await.unwrap();
    let mut channel = session.channel_open_session().await.unwrap();
    channel.exec(true, "exit 5").await.unwrap();
    assert_eq!(read_channel(&mut channel, usize::MAX).await.status, Some(5));
}

#[test]
fn half_a_script_is_not_run() {
    let agent = Agent::start();
    let (mut ssh, mut stdout, shell) = begin(&agent, "exec sh");
    let wrong = agent.path("wrong");
    let mut stdin = ssh.stdin.take().unwrap();
    write!(stdin, "echo reading\ntouch {}", wrong.display()).unwrap();
    assert_eq!(line(&mut stdout), "reading");
    // Gone without having said that this was all.
    ssh.kill().unwrap();
    ssh.wait().unwrap();
    eventually("the shell is gone", || (!is_running(&shell)).then_some(()));
    assert!(!wrong.exists());
}

#[test]
fn sigterm_ends_everything_and_blames_no_script() {
    for (signal, status) in [("TERM", 143), ("INT", 130)] {
        let mut agent = Agent::start();
        let left = agent.run("sleep 1000 & echo $!");
        let left = text(&left.stdout);
        let trapped = agent.path("trapped");
        let command = format!(
            "trap 'touch {}; exit 9' TERM; echo ready; while :; do sleep 0.01; done",
            trapped.display()
        );
        let (ssh, mut stdout, shell) = begin(&agent, &command);
        assert_eq!(line(&mut stdout), "ready");
        // Keeps the agent for long enough to tell of the other one's end, were it to do so.
        let (mut slower, mut its_stdout, _) = begin(
            &agent,
            "trap 'sleep 0.5; exit 0' TERM; echo ready; while :; do sleep 0.01; done",
        );
        assert_eq!(line(&mut its_stdout), "ready");
        assert!(is_running(left) && is_running(&shell));

        agent.kill(signal);
        assert_eq!(agent.wait().code(), Some(status));
        assert!(trapped.exists());
        assert!(!is_running(left) && !is_running(&shell));
        let output = ssh.wait_with_output().unwrap();
        // Not 9: ssh's own code for a connection that ended.
        assert_eq!(output.status.code(), Some(255));
        assert!(
            text(&output.stderr).contains("told to stop"),
            "{}",
            text(&output.stderr)
        );
        assert_eq!(slower.wait().unwrap().code(), Some(255));
    }
}

#[test]
fn the_end_does_not_wait_for_what_does_not_heed_sigterm() {
    let mut agent = Agent::start();
    let (mut ssh, mut stdout, shell) = begin(
        &agent,
        "trap '' TERM; echo ready; while :; do sleep 0.1; done",
    );
    assert_eq!(line(&mut stdout), "ready");
    agent.kill("TERM");
    assert_eq!(agent.wait().code(), Some(143));
    assert!(!is_running(&shell));
    assert_eq!(ssh.wait().unwrap().code(), Some(255));
}

#[test]
fn it_can_end_with_its_standard_input() {
    let mut agent = Agent::start_with(&["--until-stdin-closes"], |command| {
        command.stdin(Stdio::piped());
    });
    let (mut ssh, _stdout, shell) = begin(&agent, "exec sleep 1000");
    agent.close_stdin();
    assert_eq!(agent.wait().code(), Some(0));
    assert!(!is_running(&shell));
    ssh.wait().unwrap();
}
