//! Colours: on a terminal, and only there.

use std::process::Command;

use testing::Project;

use crate::fargate;

const CYAN: &str = "\u{1b}[36;1mPreparing environment\u{1b}[0;m";

/// Runs the command on a terminal that `script` (of every Linux) makes for it.
fn on_terminal(project: &Project, no_color: Option<&str>) -> String {
    let plain = project.command(&[]);
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--command"])
        .arg(format!("{} try", crate::fargate()))
        .arg("/dev/null")
        .current_dir(plain.get_current_dir().unwrap())
        .env_remove("NO_COLOR")
        .envs(no_color.map(|value| ("NO_COLOR", value)));
    for (key, value) in plain.get_envs() {
        command.env(key, value.unwrap());
    }
    let output = command.output().unwrap();
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{log}");
    project.left_nothing();
    log
}

#[test]
fn headings_are_coloured_on_a_terminal_unless_declined() {
    let project = Project::new(fargate(), "job: {script: [echo hello]}");
    let coloured = on_terminal(&project, None);
    assert!(coloured.contains(CYAN), "{coloured}");
    assert!(
        coloured.contains("\u{1b}[32;1m$ echo hello\u{1b}[0;m"),
        "{coloured}"
    );
    // Empty means not set (no-color.org).
    assert!(on_terminal(&project, Some("")).contains(CYAN));
    assert!(!on_terminal(&project, Some("1")).contains('\u{1b}'));
    let piped = project.run(&[]).exits(0).out();
    assert!(!piped.contains('\u{1b}'), "{piped}");
}
