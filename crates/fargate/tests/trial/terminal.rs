//! Colours: on a terminal, and only there.

use std::process::Command;

use testing::{Project, Terminal};

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

/// The list of a job with a long image on a terminal of this width.
fn listed_on_terminal(columns: u16) -> String {
    let image = format!("registry.example.com/{}:1", "x".repeat(60));
    let project = Project::new(fargate(), &format!("job: {{script: x, image: '{image}'}}"));
    let mut terminal = Terminal::start(&project.command(&["--list"]), columns, 24);
    assert_eq!(terminal.ends(), Some(0), "{}", terminal.shown);
    terminal.shown.clone()
}

#[test]
fn a_list_is_as_wide_as_the_terminal() {
    for columns in [60, 80, 200] {
        let shown = listed_on_terminal(columns);
        let width = shown.lines().map(|line| line.chars().count()).max();
        assert!(width <= Some(usize::from(columns)), "{columns}: {shown}");
        // Where there is room, nothing is cut.
        assert_eq!(shown.contains('…'), columns < 200, "{columns}: {shown}");
    }
}
