//! `fargate ssh`: people in the containers of jobs, at a real pseudo-terminal.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use serde_json::json;
use testing::process::{is_running, pid};
use testing::{ManagerHost, RunningCommand, SECOND, SshServer, Terminal, wait_until};

use crate::kept_tasks::keep;
use crate::{fargate, job_image};

/// A manager that keeps failed jobs, with a project's folder for them.
fn manager(server: SshServer) -> ManagerHost {
    let mut manager = match server {
        SshServer::JobImage => job_image::manager(),
        _ => ManagerHost::new(fargate(), server),
    };
    let project = manager.path("builds/shop");
    std::fs::create_dir_all(&project).unwrap();
    let project = project.to_str().unwrap().to_owned();
    let variable = "CUSTOM_ENV_CI_PROJECT_DIR".to_owned();
    manager.variables.push((variable, project));
    keep(&manager, "KeepFailedFor = \"1h\"");
    manager
}

/// Lets a job fail whose task is kept.
fn fail(manager: &ManagerHost) {
    manager.prepare();
    manager.run("exit 3").exits(11);
    manager.custom("cleanup").exits(0);
}

fn ssh(manager: &ManagerHost, arguments: &[&str]) -> Command {
    manager.call(&[&["ssh"], arguments].concat())
}

fn journal(manager: &ManagerHost) -> String {
    std::fs::read_to_string(manager.metadata().join("ssh.log")).unwrap_or_default()
}

/// Works in the terminal as people do, and leaves with status 5.
fn work_in(terminal: &mut Terminal, project: &Path) {
    let before = terminal.state();
    terminal.shows("Its task is kept for another ");
    terminal.types("stty size; echo at-$PWD-$((6*7))\r");
    terminal.shows("30 100\r\n");
    terminal.shows(&format!("at-{}-42\r\n", project.display()));
    assert_ne!(terminal.state(), before, "keys go there as they are");
    // An editor.
    terminal.types("vi note.txt\r");
    terminal.shows("note.txt\"");
    terminal.types("iseen by a person\u{1b}");
    terminal.shows("person");
    terminal.types(":wq\r");
    terminal.shows("written");
    // The editor gets keys that are typed before the shell has its terminal back.
    std::thread::sleep(SECOND / 2);
    wait_until("the file is written", || project.join("note.txt").exists());
    terminal.types("echo back-$((1+1))\r");
    terminal.shows("back-2");
    let note = std::fs::read_to_string(project.join("note.txt")).unwrap();
    assert_eq!(note, "seen by a person\n");
    // The window.
    terminal.types("trap 'echo now $(stty size)' WINCH; echo set-$((1+1))\r");
    terminal.shows("set-2");
    // The shell runs a trap at once only while it waits for a line.
    std::thread::sleep(SECOND / 2);
    terminal.resize(132, 50);
    terminal.shows("now 50 132");
    // Ctrl-C is the command's.
    terminal.types("sh -c 'echo sle\"\"eps-$$; exec sleep 1000'\r");
    terminal.shows("sleeps-");
    std::thread::sleep(SECOND / 2);
    terminal.types("\u{3}");
    terminal.types("echo interrupted-$?\r");
    terminal.shows("interrupted-130");
    terminal.types("exit 5\r");
    assert_eq!(terminal.ends(), Some(5), "{}", terminal.shown);
    assert_eq!(terminal.state(), before, "the terminal is as it was");
}

#[test]
fn a_failed_job_is_entered_in_both_modes() {
    for server in [SshServer::OpenSsh, SshServer::JobImage] {
        let manager = manager(server);
        fail(&manager);
        let project = manager.path("builds/shop");
        let mut terminal = Terminal::start(&ssh(&manager, &[]), 100, 30);
        work_in(&mut terminal, &project);
        let journal = journal(&manager);
        let session = "a shell on a terminal in the job's container of job 4711 of acme/shop, by ";
        let lines: Vec<_> = journal.lines().collect();
        assert_eq!(lines.len(), 2, "{journal}");
        assert!(
            lines[0].contains(&format!("Z session begins: {session}")),
            "{journal}"
        );
        assert!(
            lines[1].contains(" s (status 5): a shell on a terminal"),
            "{journal}"
        );
        assert_eq!(manager.aws.running().len(), 1);
    }
}

#[test]
fn a_log_file_has_the_lines_of_each_session_too() {
    let manager = manager(SshServer::Agent);
    fail(&manager);
    let log = manager.path("fargate.log");
    let arguments = ["--log-file", log.to_str().unwrap(), "ssh", "--", "true"];
    manager.start(&arguments).finish().exits(0);
    let log = std::fs::read_to_string(&log).unwrap();
    for event in ["session begins: ", "session ended after "] {
        assert!(log.contains(event), "{event} in {log}");
    }
    // On a terminal they would be in the way.
    let quiet = manager.start(&["ssh", "--", "true"]).finish().exits(0);
    assert_eq!(quiet.err(), "");
}

#[test]
fn a_command_without_a_terminal_is_a_part_of_scripts() {
    for server in [SshServer::OpenSsh, SshServer::Agent, SshServer::JobImage] {
        let manager = manager(server);
        fail(&manager);
        let project = manager.path("builds/shop");
        let line = "pwd; echo wrong >&2; tty; exit 4";
        let ended = RunningCommand::start(&mut ssh(&manager, &["4711", "--", line])).finish();
        let ended = ended.exits(4);
        assert_eq!(ended.out(), format!("{}\nnot a tty\n", project.display()));
        assert_eq!(ended.err(), "wrong\n");
        // Several words are a program and its arguments.
        let words = ["4711", "--", "printf", "[%s]", "a  b", "it's", "$HOME"];
        let ended = RunningCommand::start(&mut ssh(&manager, &words))
            .finish()
            .exits(0);
        assert_eq!(ended.out(), "[a  b][it's][$HOME]");
        // Bytes pass unchanged, and the end of input arrives.
        let mut child = ssh(&manager, &["--", "cat"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
        let mut stdin = child.stdin.take().unwrap();
        let sent = bytes.clone();
        let sending = std::thread::spawn(move || stdin.write_all(&sent).unwrap());
        let output = child.wait_with_output().unwrap();
        sending.join().unwrap();
        assert!(output.status.success() && output.stdout == bytes);
        // A shell that reads a script.
        let mut child = ssh(&manager, &[]).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin
            .write_all(b"echo one; kill -s KILL $$; echo two\n")
            .unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), &output.stdout[..]),
            (Some(137), &b"one\n"[..])
        );
    }
}

#[test]
fn it_leaves_the_terminal_as_it_was_on_every_way_out() {
    let manager = manager(SshServer::JobImage);
    fail(&manager);
    let enter = || {
        let mut terminal = Terminal::start(&ssh(&manager, &[]), 80, 24);
        let before = terminal.state();
        terminal.shows("Its task is kept for another ");
        terminal.types("echo ready-$((1+1))\r");
        terminal.shows("ready-2");
        (terminal, before)
    };
    let (mut terminal, before) = enter();
    kill(pid(terminal.child()), Signal::SIGTERM).unwrap();
    assert_eq!(terminal.ends(), Some(143));
    assert_eq!(terminal.state(), before);

    let (mut terminal, before) = enter();
    terminal.types("\r~.");
    assert_eq!(terminal.ends(), Some(1));
    assert!(
        terminal.shown.contains("it was left by ~."),
        "{}",
        terminal.shown
    );
    assert_eq!(terminal.state(), before);

    // The task ends meanwhile.
    let (mut terminal, before) = enter();
    let arn = manager.aws.running()[0]["taskArn"]
        .as_str()
        .unwrap()
        .to_owned();
    manager.aws.stop_task(&arn, "by hand");
    assert_eq!(terminal.ends(), Some(1), "{}", terminal.shown);
    assert!(terminal.shown.contains("was lost: "), "{}", terminal.shown);
    assert_eq!(terminal.state(), before);
    assert_eq!(
        journal(&manager).lines().count(),
        6,
        "{}",
        journal(&manager)
    );
}

#[test]
fn a_session_ends_with_the_time_of_its_task() {
    let manager = job_image::manager_with(&json!({}), "IdleTimeout = \"2s\"", "");
    keep(&manager, "KeepFailedFor = \"8s\"");
    fail(&manager);
    let mut terminal = Terminal::start(&ssh(&manager, &["4711"]), 80, 24);
    terminal.shows("Its task is kept for another ");
    // The manager is gone, and the session hangs.
    kill(pid(terminal.child()), Signal::SIGSTOP).unwrap();
    wait_until("the task is gone", || manager.aws.running().is_empty());
    assert_eq!(manager.aws.calls("StopTask"), 0);
    kill(pid(terminal.child()), Signal::SIGCONT).unwrap();
    assert_eq!(terminal.ends(), Some(1), "{}", terminal.shown);
    let told = "the time is over for which the task was kept";
    assert!(terminal.shown.contains(told), "{}", terminal.shown);
}

#[test]
fn a_session_and_the_scripts_of_a_running_job_do_each_other_no_harm() {
    let manager = manager(SshServer::JobImage);
    manager.prepare();
    let mut script = manager.start_run("echo begun; exec sleep 1000");
    script.read_until("begun");
    let mut terminal = Terminal::start(&ssh(&manager, &["4711"]), 80, 24);
    terminal.shows("In the job's container of job 4711 of acme/shop (unit tests).\r\n");
    terminal.types("sleep 1004 & echo jo''b-$!-\r");
    terminal.shows("job-");
    let job = terminal.shows("-");
    terminal.types("(sleep 1006 & echo orp''han-$!-)\r");
    terminal.shows("orphan-");
    let orphan = terminal.shows("-");
    // A script that is cancelled takes its own processes along.
    script.signal(Signal::SIGTERM);
    script.finish().exits(22);
    terminal.types("echo alive-$((1+1))\r");
    terminal.shows("alive-2");
    assert!(
        is_running(&job) && is_running(&orphan),
        "a person's process was ended"
    );
    let mut script = manager.start_run("echo begun; exec sleep 1000");
    script.read_until("begun");
    // A daemon that a script leaves behind after the session has begun.
    let file = manager.path("daemon");
    let daemon = format!(
        "setsid sleep 1005 >/dev/null 2>&1 & echo $! > {}",
        file.display()
    );
    manager
        .start_stage("after_script", daemon)
        .finish()
        .exits(0);
    let daemon = std::fs::read_to_string(&file).unwrap();
    kill(pid(terminal.child()), Signal::SIGKILL).unwrap();
    wait_until("the session's processes are gone", || {
        !is_running(&job) && !is_running(&orphan)
    });
    std::thread::sleep(Duration::from_millis(500));
    assert!(
        is_running(&daemon) && !script.is_over(),
        "a script's process was ended"
    );
    drop(terminal);
    script.signal(Signal::SIGTERM);
    script.finish();
    manager.custom("cleanup").exits(0);
    manager.left_nothing();
}

#[test]
fn what_cannot_be_entered_says_why() {
    let manager = manager(SshServer::JobImage);
    let refused = |arguments: &[&str], code: i32| {
        let ended = RunningCommand::start(&mut ssh(&manager, arguments)).finish();
        ended.exits(code).err()
    };
    let none = refused(&[], 1);
    assert!(
        none.starts_with("ERROR: no job of this manager has a task that takes scripts\n"),
        "{none}"
    );
    fail(&manager);
    let other = refused(&["4712"], 1);
    let told =
        "ERROR: no job 4712 of this manager has a task\n  These have one: job 4711 of acme/shop.\n";
    assert_eq!(other, told);
    let container = refused(&["--container", "redis"], 2);
    assert!(
        container.ends_with("\n  --container is one of job, helper.\n"),
        "{container}"
    );
    let helper = RunningCommand::start(&mut ssh(
        &manager,
        &["--container", "helper", "--", job_image::WHERE],
    ));
    assert_eq!(helper.finish().exits(0).out(), "in helper\n");
    let text = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config(&format!("{text}[SSH]\nInteractive = false\n"));
    let forbidden = refused(&["4711"], 1);
    assert!(
        forbidden.starts_with("ERROR: [SSH] Interactive is false: "),
        "{forbidden}"
    );
    assert!(!journal(&manager).contains("4712"));
}
