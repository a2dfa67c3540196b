//! The agent refuses everything that SSH offers beside running a command and a shell on a terminal.

use std::net::TcpListener;

use crate::harness::{Agent, text};

#[test]
fn no_shell_without_a_terminal() {
    let agent = Agent::start();
    let output = agent.ssh(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(255));
    assert!(
        text(&output.stderr).contains("shell request failed"),
        "{output:?}"
    );
}

#[test]
fn no_subsystem() {
    let agent = Agent::start();
    let output = agent.ssh(&["-s"]).arg("sftp").output().unwrap();
    assert_eq!(output.status.code(), Some(255));
    assert!(
        text(&output.stderr).contains("subsystem request failed"),
        "{output:?}"
    );
}

#[test]
fn no_variables_from_the_client() {
    let agent = Agent::start();
    let output = agent
        .ssh(&["-o", "SetEnv=FROM_CLIENT=1"])
        .arg("echo [$FROM_CLIENT]")
        .output();
    assert_eq!(text(&output.unwrap().stdout), "[]\n");
}

#[test]
fn no_agent_and_no_display() {
    let agent = Agent::start();
    let output = agent
        .ssh(&["-A", "-X"])
        .env("DISPLAY", "127.0.0.1:9")
        .env("SSH_AUTH_SOCK", agent.path("agent"))
        .arg("echo [$DISPLAY$SSH_AUTH_SOCK]")
        .output()
        .unwrap();
    assert!(text(&output.stdout).ends_with("[]\n"), "{output:?}");
}

#[test]
fn no_forwarding_to_elsewhere() {
    let agent = Agent::start();
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = target.local_addr().unwrap().to_string();
    let output = agent.ssh(&["-W", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(255));
    assert!(
        text(&output.stderr).contains("stdio forwarding failed"),
        "{output:?}"
    );
    target.set_nonblocking(true).unwrap();
    assert!(target.accept().is_err(), "the agent connected to {address}");
}

#[test]
fn no_forwarding_from_elsewhere() {
    let agent = Agent::start();
    let options = ["-R", "0:127.0.0.1:9", "-o", "ExitOnForwardFailure=yes"];
    let output = agent.ssh(&options).arg("true").output().unwrap();
    assert_eq!(output.status.code(), Some(255));
    assert!(
        text(&output.stderr).contains("remote port forwarding failed"),
        "{output:?}"
    );
}

#[tokio::test]
async fn no_forwarding_of_sockets() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let target = agent.path("target");
    let _listening = std::os::unix::net::UnixListener::bind(&target).unwrap();
    let target = target.to_str().unwrap();
    assert!(
        session
            .channel_open_direct_streamlocal(target)
            .await
            .is_err()
    );
    let here = agent.path("here");
    let asked = session.streamlocal_forward(here.to_str().unwrap()).await;
    assert!(asked.is_err());
    assert!(!here.exists());
}

#[tokio::test]
async fn a_channel_is_for_one_command() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let mut channel = session.channel_open_session().await.unwrap();
    channel.exec(true, "read line; echo $line").await.unwrap();
    assert!(matches!(
        channel.wait().await,
        Some(russh::ChannelMsg::Success)
    ));
    channel.exec(true, "echo second").await.unwrap();
    assert!(matches!(
        channel.wait().await,
        Some(russh::ChannelMsg::Failure)
    ));
    channel.data_bytes(&b"first\n"[..]).await.unwrap();
    let output = crate::harness::read_channel(&mut channel, usize::MAX).await;
    assert_eq!(text(&output.stdout), "first\n");
}
