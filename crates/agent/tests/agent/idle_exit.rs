//! The agent exits by itself when no driver comes any more, and at its deadline.

use std::io::{BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use testing::process::is_running;

use crate::harness::{Agent, binary, line, text};

/// Starts an agent with a limit, and with its standard error in a pipe.
fn agent(arguments: &[&str], variable: &str, value: &str) -> Agent {
    Agent::start_with(arguments, |command| {
        command.env(variable, value).stderr(Stdio::piped());
    })
}

/// Starts a command that never ends, and returns its process id.
fn begin(agent: &Agent) -> (Child, BufReader<ChildStdout>, String) {
    let mut ssh = agent
        .ssh(&[])
        .arg("echo $$; exec sleep 1000")
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(ssh.stdout.take().unwrap());
    let pid = line(&mut stdout);
    (ssh, stdout, pid)
}

#[test]
fn it_leaves_when_no_driver_ever_comes() {
    let begun = Instant::now();
    let mut agent = agent(&[], "FARGATE_IDLE_LIMIT", "1");
    assert_eq!(agent.wait().code(), Some(0));
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let message = agent.stderr();
    assert!(
        message.contains("exiting: no driver was connected for 1 s"),
        "{message}"
    );
}

#[test]
fn it_stays_as_long_as_a_driver_is_there_and_ends_what_is_left() {
    let mut agent = agent(&[], "FARGATE_IDLE_LIMIT", "1");
    let left = agent.run("sleep 1000 & echo $!");
    let left = text(&left.stdout).to_owned();
    let (mut ssh, _stdout, _) = begin(&agent);
    std::thread::sleep(Duration::from_millis(2500));
    assert!(agent.is_alive() && is_running(&left));
    ssh.kill().unwrap();
    ssh.wait().unwrap();
    let gone = Instant::now();
    assert_eq!(agent.wait().code(), Some(0));
    assert!(gone.elapsed() > Duration::from_millis(900), "too early");
    assert!(!is_running(&left));
}

#[test]
fn a_client_that_does_not_log_in_is_no_driver() {
    let mut agent = agent(&[], "FARGATE_IDLE_LIMIT", "1");
    let mut stream = std::net::TcpStream::connect(agent.address).unwrap();
    stream.read_exact(&mut [0; 4]).unwrap();
    assert_eq!(agent.wait().code(), Some(0));
}

#[test]
fn a_driver_at_one_agent_of_a_task_keeps_the_other() {
    let mut job = agent(&[], "FARGATE_IDLE_LIMIT", "1");
    let mut helper = Agent::start_with(&["--helper"], |command| {
        // Agents with the same key belong to the same task.
        command
            .env("FARGATE_IDLE_LIMIT", "1")
            .env("SSH_PUBLIC_KEY", job.public_key());
    });
    // An agent of another task, on the same network.
    let mut stranger = agent(&["--helper"], "FARGATE_IDLE_LIMIT", "1");
    let (mut ssh, _stdout, _) = begin(&job);
    assert_eq!(stranger.wait().code(), Some(0));
    std::thread::sleep(Duration::from_millis(1500));
    assert!(helper.is_alive());
    ssh.kill().unwrap();
    ssh.wait().unwrap();
    assert_eq!(helper.wait().code(), Some(0));
    assert_eq!(job.wait().code(), Some(0));
}

#[test]
fn it_leaves_at_its_deadline_also_with_a_driver() {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let deadline = (now.as_secs() + 2).to_string();
    let mut agent = agent(&[], "FARGATE_DEADLINE", &deadline);
    let (ssh, _stdout, shell) = begin(&agent);
    assert_eq!(agent.wait().code(), Some(0));
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    assert!(
        now >= Duration::from_secs(deadline.parse().unwrap()),
        "too early"
    );
    assert!(!is_running(&shell));
    assert!(
        agent
            .stderr()
            .contains("exiting: the job's deadline has passed")
    );
    let output = ssh.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(255));
    let message = text(&output.stderr);
    assert!(
        message.contains("the job's deadline has passed"),
        "{message}"
    );
}

#[test]
fn it_keeps_its_task_until_the_time_that_a_driver_names() {
    let now = || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.unwrap().as_secs()
    };
    let deadline = (now() + 3).to_string();
    let mut agent = Agent::start_with(&[], |command| {
        command
            .env("FARGATE_IDLE_LIMIT", "1")
            .env("FARGATE_DEADLINE", &deadline)
            .stderr(Stdio::piped());
    });
    let keep = |until: u64| {
        let mut ssh = agent.ssh(&["-s"]);
        let output = ssh
            .arg(format!("keep-until-{until}@fargate-agent"))
            .output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        text(&output.stdout).parse::<u64>().unwrap()
    };
    // Four hours at most.
    let latest = keep(now() + 9 * 3600);
    assert!(latest.abs_diff(now() + 4 * 3600) <= 2, "{latest}");
    let until = now() + 6;
    assert_eq!(keep(until), until);
    std::thread::sleep(Duration::from_secs(4));
    assert!(agent.is_alive(), "the limits so far hold no more");
    assert_eq!(agent.wait().code(), Some(0));
    assert!(now() >= until, "too early");
    let message = agent.stderr();
    let told = "exiting: the time is over for which the task was kept";
    assert!(message.contains(told), "{message}");
}

#[test]
fn a_limit_that_is_no_number_is_told() {
    for variable in ["FARGATE_IDLE_LIMIT", "FARGATE_DEADLINE"] {
        let output = Command::new(binary())
            .args(["serve", "--listen=127.0.0.1:0"])
            .env("SSH_PUBLIC_KEY", Agent::start().public_key())
            .env(variable, "soon")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let message = text(&output.stderr);
        assert!(
            message.contains(&format!("{variable} is \"soon\"")),
            "{message}"
        );
    }
}
