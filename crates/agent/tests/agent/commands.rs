//! The environment and input of a command, and the output and status that its client gets.

use testing::{eventually, process::is_running};

use crate::harness::{Agent, Noise, read_channel, text};

#[test]
fn every_exit_status_arrives() {
    let agent = Agent::start();
    for code in [0, 1, 3, 137, 255] {
        let output = agent.run(format!("echo out; echo err >&2; exit {code}"));
        assert_eq!(output.status.code(), Some(code));
        assert_eq!(text(&output.stdout), "out\n");
        assert_eq!(text(&output.stderr), "err\n");
    }
}

#[test]
fn binary_passes_unchanged_both_ways_and_apart() {
    let agent = Agent::start();
    let input = Noise::bytes(2_000_000);
    let output = agent.run_with_input("tee /dev/stderr", &input);
    assert!(output.status.success());
    assert!(output.stdout == input);
    assert!(output.stderr == input);
}

#[test]
fn a_script_of_2_mb_runs_from_standard_input() {
    let agent = Agent::start();
    let mut script = String::from("n=0\n");
    while script.len() < 2_000_000 {
        script.push_str("n=$((n + 1)) # a comment that makes the script long\n");
    }
    let lines = script.lines().count() - 1;
    script.push_str("echo $n\nexit 3\n");
    let output = agent.run_with_input("sh", script.as_bytes());
    assert_eq!(text(&output.stdout), format!("{lines}\n"));
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn the_environment_is_the_containers_without_what_is_the_agents() {
    let agent = Agent::start_with(&[], |command| {
        let key = command
            .get_envs()
            .find(|(name, _)| *name == "SSH_PUBLIC_KEY")
            .unwrap();
        let key = key.1.unwrap().to_owned();
        command.env_clear().env("SSH_PUBLIC_KEY", key);
        command.env(
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "/v2/credentials/x y",
        );
        command.env("ODD", "a\nb'\"");
        command.env("FARGATE_IDLE_LIMIT", "1000");
        command.env("FARGATE_DEADLINE", "9999999999");
        command.env("FARGATE_HOST_NAMES", "redis");
    });
    let output = agent.run("env -0; pwd");
    let output = text(&output.stdout);
    let variable = |name: &str| {
        let start = format!("{name}=");
        output
            .split('\0')
            .find_map(|entry| entry.strip_prefix(start.as_str()))
    };
    assert_eq!(
        variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        Some("/v2/credentials/x y")
    );
    assert_eq!(variable("ODD"), Some("a\nb'\""));
    for ours in [
        "SSH_PUBLIC_KEY",
        "FARGATE_IDLE_LIMIT",
        "FARGATE_DEADLINE",
        "FARGATE_HOST_NAMES",
    ] {
        assert_eq!(variable(ours), None);
    }
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert_eq!(variable("PATH"), Some(path));
    assert!(variable("HOME").is_some_and(|home| home.starts_with('/')));
    let folder = std::env::current_dir().unwrap();
    assert!(
        output.ends_with(&format!("\0{}\n", folder.display())),
        "{output}"
    );
}

#[test]
fn a_command_ends_with_its_shell_and_leaves_its_children_alive() {
    let agent = Agent::start();
    let survived = agent.path("survived");
    // The child writes after the command has ended, so it must still be alive.
    let command = format!(
        "(until [ -e {0}.go ]; do sleep 0.01; done; echo late && touch {0}) & echo $!",
        survived.display()
    );
    let output = agent.run(command);
    assert!(output.status.success());
    let child = text(&output.stdout);
    assert!(is_running(child));
    std::fs::write(survived.with_extension("go"), "").unwrap();
    eventually("the child has written", || survived.exists().then_some(()));
    eventually("the child was collected", || {
        agent.children().is_empty().then_some(())
    });
}

#[test]
fn a_child_that_never_stops_writing_does_not_hold_the_command_up() {
    let agent = Agent::start();
    let output = agent.run("yes & echo $! >&2; exit 4");
    assert_eq!(output.status.code(), Some(4));
    let child = text(&output.stderr).to_owned();
    assert!(is_running(&child));
    agent.kill("TERM");
    eventually("the child is ended with the agent", || {
        (!is_running(&child)).then_some(())
    });
}

#[test]
fn orphans_are_collected() {
    let agent = Agent::start();
    // The command does not wait for its child.
    let output = agent.run("(setsid sh -c 'echo $$; exec sleep 0.2' &)");
    let orphan = text(&output.stdout).trim();
    eventually("the orphan is gone, as a zombie too", || {
        (!std::path::Path::new(&format!("/proc/{orphan}")).exists()).then_some(())
    });
    assert_eq!(agent.children(), "");
}

#[tokio::test]
async fn a_command_that_cannot_be_started_is_told_so() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let mut channel = session.channel_open_session().await.unwrap();
    // Linux takes 128 KiB as one argument.
    channel
        .exec(true, format!("true {}", "x".repeat(131_072)))
        .await
        .unwrap();
    let output = read_channel(&mut channel, usize::MAX).await;
    assert_eq!(output.status, Some(126));
    let reason = text(&output.stderr);
    assert!(
        reason.contains("Argument list too long") && reason.contains("standard input"),
        "{reason}"
    );
    assert!(output.eof && output.closed);
}

#[tokio::test]
async fn several_commands_run_at_once_on_one_connection() {
    let agent = Agent::start();
    let session = agent.connect().await;
    let mut channels = Vec::new();
    for number in 0..8 {
        let channel = session.channel_open_session().await.unwrap();
        // Each ends only when the one before has started, so none may wait for the end of another.
        let flag = agent.path("flag").display().to_string();
        let before = (number + 7) % 8;
        let command = format!(
            "touch {flag}{number}; until [ -e {flag}{before} ]; do sleep 0.01; done; echo {number}; exit {number}"
        );
        channel.exec(true, command).await.unwrap();
        channels.push(channel);
    }
    for (number, mut channel) in channels.into_iter().enumerate() {
        let output = read_channel(&mut channel, usize::MAX).await;
        assert_eq!(text(&output.stdout), format!("{number}\n"));
        assert_eq!(output.status, Some(number as u32));
        assert!(output.eof && output.closed);
    }
}

#[test]
fn several_connections_run_at_once() {
    let agent = Agent::start();
    let agent = &agent;
    std::thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || {
                let output = agent.run(format!("head -c 1000000 /dev/zero; exit {number}"));
                assert_eq!(output.status.code(), Some(number));
                assert_eq!(output.stdout.len(), 1_000_000);
            });
        }
    });
}
