//! Scripts on the agent's side: who may attach, what the agent keeps, and for how long.

use std::time::Duration;

use fargate_wire::script::{Attach, Decoder, SUBSYSTEM, ToAgent};
use testing::{eventually, process::is_running};
use tokio::time::timeout;

use crate::driver::{Driver, attach};
use crate::harness::{Agent, Noise, text};

#[tokio::test]
async fn a_script_runs_once_and_is_forgotten_when_its_end_is_known() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let mark = agent.path("mark").display().to_string();
    let mut driver = Driver::attach(&session, attach(0)).await;
    driver
        .script(&format!(
            "echo once >> {mark}; echo out; echo err >&2; exit 9"
        ))
        .await;
    driver.until_frame("Exited(9)").await;
    assert_eq!(
        (text(&driver.stdout), text(&driver.stderr)),
        ("out\n", "err\n")
    );
    assert_eq!(driver.frames, ["Attached { received: 0 }", "Exited(9)"]);

    // A driver that has not acknowledged it gets all of it again.
    let mut again = Driver::attach(
        &session,
        Attach {
            resumed: true,
            ..attach(0)
        },
    )
    .await;
    again.until_frame("Exited(9)").await;
    assert_eq!(driver.until_closed().await.len(), 2);
    assert_eq!(
        (text(&again.stdout), text(&again.stderr)),
        ("out\n", "err\n")
    );
    again.finish().await;

    for resumed in [false, true] {
        let late = Attach {
            resumed,
            ..attach(0)
        };
        let mut late = Driver::attach(&session, late).await;
        let frames = late.until_closed().await;
        assert!(
            frames.len() == 1 && frames[0].contains("Refused(\"the agent has ended the script"),
            "{frames:?}"
        );
    }
    assert_eq!(std::fs::read_to_string(mark).unwrap(), "once\n");
}

#[tokio::test]
async fn output_is_kept_while_nobody_is_there_and_comes_whole() {
    let agent = Agent::start();
    let noise = Noise::bytes(50_000_000);
    std::fs::write(agent.path("noise"), &noise).unwrap();
    let before = agent.peak_memory();
    let first = agent.connect().await;
    let driver = Driver::attach(&first, attach(0)).await;
    let done = agent.path("done");
    driver
        .script(&format!(
            "cat {}; touch {}; exit 3",
            agent.path("noise").display(),
            done.display()
        ))
        .await;
    let mut driver = driver;
    driver.until_frame("Attached").await;
    first
        .disconnect(russh::Disconnect::ByApplication, "", "")
        .await
        .unwrap();
    // The script does not wait for a driver.
    let waiting = tokio::task::spawn_blocking(move || {
        eventually("it is done", || done.exists().then_some(()))
    });
    waiting.await.unwrap();

    let second = agent.connect().await;
    let mut driver = Driver {
        channel: second.channel_open_session().await.unwrap(),
        answered: false,
        decoder: Decoder::default(),
        frames: Vec::new(),
        ..driver
    };
    // Bytes of the first connection that were not read are lost on this side too, and requested again.
    driver.stdout.clear();
    driver.received = 0;
    driver
        .channel
        .request_subsystem(true, SUBSYSTEM)
        .await
        .unwrap();
    driver.send(ToAgent::Attach(attach(0))).await;
    let mut acknowledged = 0;
    while !driver.frames.iter().any(|frame| frame == "Exited(3)") {
        assert!(driver.listen().await);
        if driver.received - acknowledged > 100_000 {
            acknowledged = driver.received;
            driver.send(ToAgent::Received(acknowledged)).await;
        }
    }
    assert!(driver.stdout == noise);
    let cost = agent.peak_memory_beyond(before);
    assert!(cost < 6_000_000, "it cost {cost} bytes of memory");
    driver.finish().await;
}

#[tokio::test]
async fn what_a_driver_sends_that_was_replaced_does_not_count() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let mut old = Driver::attach(&session, attach(0)).await;
    old.send(ToAgent::Script(b"echo one; ")).await;
    old.until_frame("Attached").await;
    let other = agent.connect().await;
    let mut new = Driver::attach(&other, attach(0)).await;
    new.until_frame("Attached { received: 10 }").await;
    // The agent drops every frame that arrives on the old channel.
    old.channel
        .data_bytes(ToAgent::Script(b"echo wrong; ").encode())
        .await
        .ok();
    old.until_closed().await;
    new.script("echo two; exit 4\n").await;
    new.until_frame("Exited(4)").await;
    assert_eq!(text(&new.stdout), "one\ntwo\n");
    new.finish().await;
}

#[tokio::test]
async fn a_script_that_nobody_comes_back_for_is_ended() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let patience = Duration::from_millis(500);
    let mut driver = Driver::attach(
        &session,
        Attach {
            patience,
            ..attach(0)
        },
    )
    .await;
    driver
        .script("echo $$; sleep 1000 & echo $!; sleep 1000")
        .await;
    driver.until_stdout(1).await;
    while driver.stdout.iter().filter(|byte| **byte == b'\n').count() < 2 {
        assert!(driver.listen().await);
    }
    let pids: Vec<_> = text(&driver.stdout).lines().map(str::to_owned).collect();
    assert!(pids.iter().all(|pid| is_running(pid)));
    drop(driver);
    session
        .disconnect(russh::Disconnect::ByApplication, "", "")
        .await
        .unwrap();
    let gone = move || {
        eventually("both are gone", || {
            pids.iter().all(|pid| !is_running(pid)).then_some(())
        })
    };
    tokio::task::spawn_blocking(gone).await.unwrap();
    let session = agent.connect().await;
    let mut late = Driver::attach(&session, attach(1)).await;
    let frames = late.until_closed().await.join("");
    assert!(frames.contains("Refused"), "{frames}");
}

#[tokio::test]
async fn a_cancelled_script_has_ended_when_all_of_it_has() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let mut driver = Driver::attach(&session, attach(0)).await;
    // A child that is slow to end, and below a script that would never end.
    let child = "trap '' TERM; echo $$; for n in 1 2 3 4 5; do sleep 0.1; done; echo slow";
    driver
        .script(&format!(
            "(exec sh -c \"{}\") & wait; exit 1",
            child.replace('$', "\\$")
        ))
        .await;
    let pid = driver.until_stdout(2).await.to_owned();
    driver.send(ToAgent::Cancel(Duration::from_secs(10))).await;
    driver.until_frame("Signalled(15)").await;
    assert!(!is_running(pid.lines().next().unwrap()));
    driver.finish().await;

    let stubborn = Attach {
        script: [8; 16],
        ..attach(0)
    };
    let mut driver = Driver::attach(&session, stubborn).await;
    driver
        .script("trap '' TERM; echo ready; while :; do sleep 1; done")
        .await;
    driver.until_stdout(6).await;
    driver.send(ToAgent::Cancel(Duration::from_secs(300))).await;
    driver.send(ToAgent::Cancel(Duration::ZERO)).await;
    driver.until_frame("Signalled(9)").await;
    driver.finish().await;
}

#[tokio::test]
async fn what_makes_no_sense_ends_its_channel_and_nothing_else() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let mut running = Driver::attach(&session, attach(0)).await;
    running.script("echo ready; read line; exit 6").await;
    running.until_stdout(6).await;
    for (id, frames, answer) in [
        // No frame before it names the script.
        (
            1,
            vec![ToAgent::ScriptEnd.encode()],
            "Refused(\"the first frame",
        ),
        (
            2,
            vec![vec![99, 0, 0, 0, 0]],
            "Refused(\"unknown frame of kind 99",
        ),
        (
            3,
            vec![
                ToAgent::Attach(Attach {
                    script: [3; 16],
                    ..attach(5)
                })
                .encode(),
            ],
            "does not know",
        ),
        (
            4,
            vec![ToAgent::Attach(attach(1_000_000)).encode()],
            "disagree on the length",
        ),
        (
            5,
            vec![
                ToAgent::Attach(Attach {
                    script: [5; 16],
                    ..attach(0)
                })
                .encode(),
                ToAgent::Received(1).encode(),
            ],
            "",
        ),
        (
            6,
            vec![
                ToAgent::Attach(Attach {
                    script: [6; 16],
                    ..attach(0)
                })
                .encode();
                2
            ],
            "",
        ),
    ] {
        let mut driver = Driver::open(&session).await;
        for frame in frames {
            // The channel may be closed before all frames are sent.
            driver.channel.data_bytes(frame).await.ok();
        }
        let answers = driver.until_closed().await.join("");
        assert!(answers.contains(answer), "{id}: {answers}");
    }
    // The refused driver with a wrong length may have replaced the one of the running script.
    let mut running = Driver::attach(&session, attach(running.received)).await;
    running.until_frame("Exited(6)").await;
    running.finish().await;
}

#[tokio::test]
async fn without_a_shell_it_says_so() {
    let root = tempfile::tempdir().unwrap();
    crate::root_folders::put_agent(root.path());
    let mut command = std::process::Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "chroot"])
        .arg(root.path())
        .args(["/fargate-agent", "serve"]);
    let agent = Agent::start_as(command, |_| ());
    let session = agent.connect().await;
    let mut driver = Driver::attach(&session, attach(0)).await;
    driver.script("true").await;
    driver.until_frame("Exited(127)").await;
    assert!(text(&driver.stderr).contains("shell not found"));
    driver.finish().await;
}

/// A sequence of frames that a driver may send, with some of its bytes changed.
fn nonsense(noise: &mut Noise) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..noise.below(6) {
        let mut script = [0; 16];
        script[0] = noise.below(4) as u8;
        let piece = vec![b'\n'; noise.below(2000)];
        let mut frame = match noise.below(6) {
            0 => ToAgent::Script(&piece).encode(),
            1 => ToAgent::ScriptEnd.encode(),
            2 => ToAgent::Received(noise.below(100) as u64).encode(),
            3 => ToAgent::Cancel(Duration::from_millis(noise.below(100) as u64)).encode(),
            _ => ToAgent::Attach(Attach {
                script,
                resumed: noise.below(2) == 0,
                received: noise.below(3) as u64,
                patience: Duration::from_millis(noise.below(1000) as u64),
            })
            .encode(),
        };
        if noise.below(3) == 0 {
            // But not in the patience, which ends an `Attach`: the agent would obey and keep shells for years.
            let place = noise.below(frame.len() - 8 * usize::from(frame.len() > 8));
            frame[place] = noise.below(256) as u8;
        }
        bytes.extend(frame);
    }
    bytes.truncate(bytes.len() - noise.below(3).min(bytes.len()));
    bytes
}

/// Runs for `FARGATE_NOISE_SECONDS` (default: 5), and at least for some hundred rounds.
#[tokio::test]
async fn frames_that_are_nearly_right_do_no_harm() {
    let seconds =
        std::env::var("FARGATE_NOISE_SECONDS").map_or(5, |seconds| seconds.parse().unwrap());
    let agent = Agent::start();
    let session = agent.connect().await;
    let begun = std::time::Instant::now();
    let mut noise = Noise::new(begun.elapsed().as_nanos() as u64 + u64::from(std::process::id()));
    let (mut rounds, mut peak) = (0, 0);
    let mut driver = Driver::attach(&session, attach(0)).await;
    driver.script("echo ready; sleep 1000").await;
    driver.until_stdout(6).await;
    let mut other = agent.connect().await;
    while rounds <= 600 || begun.elapsed() < Duration::from_secs(seconds) {
        // The agent keeps some 200 bytes per channel until its connection ends. A driver opens one or two.
        if rounds % 200 == 199 {
            other = agent.connect().await;
        }
        let bytes = nonsense(&mut noise);
        let channel = other.channel_open_session().await.unwrap();
        channel.request_subsystem(false, SUBSYSTEM).await.unwrap();
        for piece in bytes.chunks(1 + noise.below(1000)) {
            // The agent may have closed the channel by then, and sending would wait for ever.
            let sent = timeout(
                Duration::from_millis(10),
                channel.data_bytes(piece.to_vec()),
            );
            drop(sent.await);
        }
        channel.close().await.ok();
        rounds += 1;
        if rounds == 600 {
            peak = agent.peak_memory();
        }
    }
    let more = agent.peak_memory_beyond(peak);
    assert!(
        more < 4_000_000,
        "{more} bytes of memory more after {rounds} rounds"
    );
    driver.send(ToAgent::Cancel(Duration::ZERO)).await;
    driver.until_frame("Signalled").await;
    driver.finish().await;
}
