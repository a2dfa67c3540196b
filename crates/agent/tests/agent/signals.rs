//! Signals to a command, and how a command's death by one is told.

use std::time::Duration;

use russh::Sig;
use testing::{eventually, process::is_running};

use crate::harness::{Agent, read_channel, text};

#[tokio::test]
async fn death_by_a_signal_is_told_by_name() {
    let agent = Agent::start();
    let session = agent.connect().await;
    for (signal, name) in [
        ("ABRT", "ABRT"),
        ("ALRM", "ALRM"),
        ("FPE", "FPE"),
        ("HUP", "HUP"),
        ("ILL", "ILL"),
        ("INT", "INT"),
        ("KILL", "KILL"),
        ("PIPE", "PIPE"),
        ("QUIT", "QUIT"),
        ("SEGV", "SEGV"),
        ("TERM", "TERM"),
        ("USR1", "USR1"),
        ("USR2", "USR2"),
        ("BUS", "7@fargate-agent"),
        ("40", "40@fargate-agent"),
    ] {
        let mut channel = session.channel_open_session().await.unwrap();
        // Of sleep, because bash ignores some; when it is sleep, and no shell any more.
        let command = format!(
            "ulimit -c 0; echo before
            (until [ $(cat /proc/$$/comm) = sleep ]; do :; done; kill -s {signal} $$) &
            exec sleep 1000"
        );
        channel.exec(true, command).await.unwrap();
        let told = read_channel(&mut channel, usize::MAX).await;
        assert_eq!(told.signal.as_deref(), Some(name), "{signal}");
        assert_eq!(told.status, None);
        assert_eq!(text(&told.stdout), "before\n");
        assert!(told.eof && told.closed);
    }
}

#[tokio::test]
async fn a_signal_reaches_the_whole_group() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let mut channel = session.channel_open_session().await.unwrap();
    let command = "sleep 1000 & echo $!; sleep 1000; echo not reached";
    channel.exec(true, command).await.unwrap();
    let child = text(&read_channel(&mut channel, 2).await.stdout).to_owned();
    assert!(is_running(&child));
    channel.signal(Sig::TERM).await.unwrap();
    let told = read_channel(&mut channel, usize::MAX).await;
    assert_eq!(told.signal.as_deref(), Some("TERM"));
    assert_eq!(text(&told.stdout), "");
    eventually("the child is gone", || (!is_running(&child)).then_some(()));
}

#[tokio::test]
async fn a_command_may_handle_its_signals() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let mut channel = session.channel_open_session().await.unwrap();
    let command = "trap 'echo handled; exit 7' USR1; echo ready; while :; do sleep 0.01; done";
    channel.exec(true, command).await.unwrap();
    read_channel(&mut channel, 6).await;
    // None that is known: without effect, and without harm.
    channel
        .signal(Sig::Custom("NONSENSE".to_owned()))
        .await
        .unwrap();
    channel.signal(Sig::USR1).await.unwrap();
    let told = read_channel(&mut channel, usize::MAX).await;
    assert_eq!(text(&told.stdout), "handled\n");
    assert_eq!(told.status, Some(7));
}

#[tokio::test]
async fn a_signal_arrives_while_standard_input_is_not_read() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let mut channel = session.channel_open_session().await.unwrap();
    channel
        .exec(true, "echo ready; exec sleep 1000")
        .await
        .unwrap();
    read_channel(&mut channel, 6).await;
    let sent = tokio::time::timeout(
        Duration::from_secs(60),
        channel.data_bytes(vec![b'x'; 20_000_000]),
    );
    sent.await
        .expect("the agent takes what the command does not read")
        .unwrap();
    channel.signal(Sig::KILL).await.unwrap();
    assert_eq!(
        read_channel(&mut channel, usize::MAX)
            .await
            .signal
            .as_deref(),
        Some("KILL")
    );
}
