//! Large amounts of data, slow readers, and flat memory.

use std::io::{BufReader, ErrorKind, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::harness::{Agent, Noise, line, text};
use crate::root_folders::{put, put_agent};

const MB: usize = 1_000_000;

/// Memory that a connection may cost at its peak, however much data passes through it.
const COST: usize = 6 * MB;

#[test]
fn output_of_100_mb_arrives_whole_from_a_slow_reader_in_flat_memory() {
    let agent = Agent::start();
    let noise = Noise::bytes(100 * MB);
    std::fs::write(agent.path("noise"), &noise).unwrap();
    let before = agent.peak_memory();

    let command = format!("exec cat {}", agent.path("noise").display());
    let mut ssh = agent.ssh(&[]).arg(command).spawn().unwrap();
    let mut stdout = ssh.stdout.take().unwrap();
    // Nothing is read until all buffers are full.
    agent.settle();
    let mut received = Vec::with_capacity(noise.len());
    stdout.read_to_end(&mut received).unwrap();

    assert!(ssh.wait().unwrap().success());
    assert!(received == noise);
    let cost = agent.peak_memory_beyond(before);
    assert!(cost < COST, "100 MB of output cost {cost} bytes of memory");
}

#[test]
fn input_of_100_mb_arrives_whole_at_a_slow_command_in_flat_memory() {
    let agent = Agent::start();
    let noise = Noise::bytes(100 * MB);
    let before = agent.peak_memory();
    let command = format!(
        "until [ -e {0} ]; do sleep 0.01; done; cat > {0}; echo got all",
        agent.path("go").display()
    );
    let mut ssh = agent
        .ssh(&[])
        .arg(command)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    ssh.stdin.take().unwrap().write_all(&noise).unwrap();
    // The agent has accepted everything, although the command has not read a byte yet.
    std::fs::write(agent.path("go"), "").unwrap();
    let output = ssh.wait_with_output().unwrap();
    assert_eq!(text(&output.stdout), "got all\n");
    assert!(std::fs::read(agent.path("go")).unwrap() == noise);
    let cost = agent.peak_memory_beyond(before);
    assert!(cost < COST, "100 MB of input cost {cost} bytes of memory");
}

#[test]
fn input_is_kept_where_there_is_no_folder_for_temporary_files() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put_agent(root);
    for (program, to) in [
        ("/bin/sh", "/bin/sh"),
        ("/bin/cat", "/cat"),
        ("/bin/sleep", "/sleep"),
    ] {
        put(root, Path::new(program), Path::new(to));
    }
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "chroot"])
        .arg(root)
        .args(["/fargate-agent", "serve"])
        .env("TMPDIR", "/nowhere");
    let agent = Agent::start_as(command, |_| ());
    let noise = Noise::bytes(4 * MB);
    let command = "until [ -e /go ]; do /sleep 0.01; done; exec /cat > /out";
    let feed = || {
        let mut ssh = agent.ssh(&[]);
        let mut ssh = ssh.arg(command).stdin(Stdio::piped()).spawn().unwrap();
        let written = ssh.stdin.take().unwrap().write_all(&noise);
        std::fs::write(root.join("go"), "").unwrap();
        (written, ssh.wait_with_output().unwrap())
    };
    // The agent reports this to the client, not to the command, which would take a part for the whole.
    let (written, output) = feed();
    if let Err(error) = written {
        // The connection may end before ssh has read everything.
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }
    let message = output.stderr;
    let folders = "no temporary file in /nowhere, /tmp, /var/tmp, /builds, /cache: ";
    assert!(text(&message).contains(folders), "{}", text(&message));
    std::fs::remove_file(root.join("go")).unwrap();
    // Every task has this folder, whatever its image and user.
    std::fs::create_dir(root.join("builds")).unwrap();
    let (written, output) = feed();
    written.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(std::fs::read(root.join("out")).unwrap() == noise);
    assert_eq!(std::fs::read_dir(root.join("builds")).unwrap().count(), 0);
}

#[tokio::test]
async fn much_data_both_ways_at_once_does_not_lock_up() {
    let agent = Agent::start();
    // Both sides write everything before they read on, and the network buffers little of it.
    let session = agent.connect_narrowly().await;
    let noise = Bytes::from(Noise::bytes(10 * MB));
    let exchange = async {
        let mut tasks = JoinSet::new();
        for _ in 0..6 {
            let channel = session.channel_open_session().await.unwrap();
            channel.exec(true, "cat").await.unwrap();
            let (mut reader, writer) = channel.split();
            let (sent, expected) = (noise.clone(), noise.clone());
            tasks.spawn(async move {
                writer.data_bytes(sent).await.unwrap();
                writer.eof().await.unwrap();
            });
            tasks.spawn(async move {
                let mut received = Vec::new();
                while let Some(message) = reader.wait().await {
                    if let russh::ChannelMsg::Data { data } = message {
                        received.extend_from_slice(&data);
                    }
                }
                assert!(received == expected);
            });
        }
        tasks.join_all().await;
    };
    let done = tokio::time::timeout(Duration::from_secs(60), exchange);
    done.await.expect("both sides wait for each other");
}

#[test]
fn keys_are_exchanged_anew_in_the_middle_of_it() {
    let agent = Agent::start();
    let noise = Noise::bytes(20 * MB);
    let mut ssh = agent
        .ssh(&["-o", "RekeyLimit=1M"])
        .arg("cat")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = ssh.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            stdin.write_all(&noise).unwrap();
            drop(stdin);
        });
        let output = ssh.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(output.stdout == noise);
    });
}

#[test]
fn one_slow_channel_does_not_hold_up_another_on_the_same_connection() {
    let agent = Agent::start();
    let socket = agent.path("connection").display().to_string();
    let mut slow = agent
        .ssh(&["-M", "-S", &socket])
        .arg("cat /dev/zero")
        .spawn()
        .unwrap();
    let mut unread = slow.stdout.take().unwrap();
    unread.read_exact(&mut [0]).unwrap();
    agent.settle();
    let quick = agent
        .ssh(&["-S", &socket])
        .arg("echo quick")
        .output()
        .unwrap();
    assert_eq!(text(&quick.stdout), "quick\n");
    slow.kill().unwrap();
    slow.wait().unwrap();
}

#[test]
fn output_is_delivered_as_it_comes() {
    let agent = Agent::start();
    let command = "echo one; read answer; echo $answer";
    let mut ssh = agent
        .ssh(&[])
        .arg(command)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(ssh.stdout.take().unwrap());
    assert_eq!(line(&mut stdout), "one");
    ssh.stdin.take().unwrap().write_all(b"two\n").unwrap();
    assert_eq!(line(&mut stdout), "two");
    assert!(ssh.wait().unwrap().success());
}
