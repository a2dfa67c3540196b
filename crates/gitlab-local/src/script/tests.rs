//! The scripts are fed to real shells, on standard input as a driver does it.

mod modes;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};

use super::*;

const BASH: &[&str] = &["bash"];
const BUSYBOX: &[&str] = &["busybox", "sh"];
const DASH: &[&str] = &["dash"];

/// A job's folder of its own.
struct Task {
    folder: tempfile::TempDir,
    variables: Variables,
}

impl Task {
    fn new(posix: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut variables = Variables::default();
        variables.put("FF_POSIXLY_CORRECT_ESCAPES", posix.to_string());
        Self { folder, variables }
    }

    fn project(&self) -> String {
        self.folder.path().join("p").display().to_string()
    }

    fn script<'a>(&self, make: impl Fn(&Scripts<'_>) -> Script<'a>) -> String {
        let script = make(&Scripts {
            shell: "bash",
            project: &self.project(),
            variables: &self.variables,
            colour: false,
        });
        let mut text = Vec::new();
        script.write(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    fn run<'a>(&self, shell: &[&str], make: impl Fn(&Scripts<'_>) -> Script<'a>) -> Output {
        std::fs::create_dir_all(self.project()).unwrap();
        feed(shell, &self.script(make))
    }
}

fn feed(shell: &[&str], script: &str) -> Output {
    let mut child = Command::new(shell[0])
        .args(&shell[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let script = script.to_owned();
    let writer = std::thread::spawn(move || {
        // A shell that ends before it has read all closes the pipe.
        stdin.write_all(script.as_bytes()).ok();
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn commands(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|&line| line.to_owned()).collect()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Each shell with the quoting it can read.
fn shells() -> [(&'static [&'static str], bool); 5] {
    [
        (BASH, false),
        (BASH, true),
        (BUSYBOX, false),
        (BUSYBOX, true),
        (DASH, true),
    ]
}

#[test]
fn commands_are_shown_and_run_and_the_first_failure_ends_them() {
    let lines = commands(&[
        "echo one; cd /",
        "pwd\necho two",
        "cat",
        "(exit 42)",
        "echo never",
    ]);
    for (shell, posix) in shells() {
        let output = Task::new(posix).run(shell, |scripts| scripts.build(&lines));
        assert_eq!(
            stdout(&output),
            "$ echo one; cd /\none\n$ pwd # collapsed multi-line command\n/\ntwo\n$ cat\n$ (exit 42)\n",
            "{shell:?}"
        );
        assert_eq!(output.status.code(), Some(42), "{shell:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{shell:?}");
    }
}

#[test]
fn a_script_that_succeeds_ends_with_zero() {
    for (shell, posix) in shells() {
        let output = Task::new(posix).run(shell, |scripts| scripts.build(&commands(&["true"])));
        assert_eq!(output.status.code(), Some(0), "{shell:?}");
    }
}

#[test]
fn variables_arrive_byte_for_byte() {
    let hard = "it's \"quoted\" $HOME `id` \\ back\\\\slash\n\nnew lines\tтекст 世界 \u{1b}[31m !bang ~ * ;&|<>()";
    for (shell, posix) in shells() {
        let mut task = Task::new(posix);
        task.variables.put("HARD", hard);
        task.variables.put("EMPTY", "");
        let lines = commands(&["printf %s \"$HARD\" > hard", "echo \"${EMPTY-unset}\""]);
        let output = task.run(shell, |scripts| scripts.build(&lines));
        assert_eq!(
            output.status.code(),
            Some(0),
            "{shell:?} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let read =
            |name: &str| std::fs::read_to_string(format!("{}/{name}", task.project())).unwrap();
        assert_eq!(read("hard"), hard, "{shell:?}");
        assert!(
            stdout(&output).ends_with("\n\n"),
            "EMPTY is exported as empty: {shell:?}"
        );
    }
}

#[test]
fn gitlab_env_reaches_later_stages_until_it_is_removed() {
    for (shell, posix) in shells() {
        let task = Task::new(posix);
        let lines = commands(&[
            "echo A=1 >> \"$GITLAB_ENV\"",
            "echo 'B=two words' >> \"$GITLAB_ENV\"",
            "export C=3",
            // The runner's shell reads lines, and this is none yet.
            "printf 'D=4' >> \"$GITLAB_ENV\"",
        ]);
        assert!(
            task.run(shell, |scripts| scripts.build(&lines))
                .status
                .success()
        );
        let show = commands(&["echo \"[$A|$B|$C|$D]\""]);
        let after = task.run(shell, |scripts| scripts.after(&show));
        assert!(
            stdout(&after).ends_with("[1|two words||]\n"),
            "{shell:?}: {}",
            stdout(&after)
        );
        assert!(stdout(&after).starts_with("Running after script...\n"));
        assert!(
            task.run(shell, |scripts| scripts.prepare("host"))
                .status
                .success()
        );
        let next = task.run(shell, |scripts| scripts.build(&show));
        assert!(stdout(&next).ends_with("[|||]\n"), "{shell:?}");
    }
}

#[test]
fn prepare_says_where_it_runs() {
    for (shell, posix) in shells() {
        let output = Task::new(posix).run(shell, |scripts| scripts.prepare("try-7 \"$HOME\""));
        let said = stdout(&output);
        assert!(
            said.starts_with("Running on ") && said.ends_with(" via try-7 \"$HOME\"...\n"),
            "{shell:?}: {said}"
        );
    }
}

/// A tar file of the file `a b`, made by `tar` itself, so that our own writing is not its own witness.
fn sample() -> Archive {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("bash")
        .args([
            "-c",
            "cd \"$0\" && echo hi > 'a b' && chmod 755 'a b' && tar -c 'a b'",
        ])
        .arg(folder.path())
        .output()
        .unwrap();
    archive(&made.stdout)
}

fn archive(content: &[u8]) -> Archive {
    Archive::copied(content, u64::MAX).unwrap().unwrap()
}

#[test]
fn sources_are_unpacked_or_skipped() {
    for (shell, posix) in shells() {
        let task = Task::new(posix);
        let files = Sources::Files(sample());
        let script = task.script(|scripts| scripts.get_sources(&files, &[]));
        let output = feed(shell, &script);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{shell:?}: {complaint}");
        let file = task.folder.path().join("p/a b");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "hi\n");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o111, 0o111);
        let skipped = task.run(shell, |scripts| scripts.get_sources(&Sources::None, &[]));
        assert!(skipped.status.success() && file.exists(), "{shell:?}");
        let emptied = task.run(shell, |scripts| scripts.get_sources(&Sources::Empty, &[]));
        assert!(emptied.status.success() && !file.exists(), "{shell:?}");
    }
}

#[test]
fn sources_arrive_also_where_a_driver_copies_the_script_to_a_file() {
    for (shell, posix) in shells() {
        let mut task = Task::new(posix);
        task.variables.put("CI_DEBUG_TRACE", "true");
        let file = task.folder.path().join("script");
        let files = Sources::Files(sample());
        let script = task.script(|scripts| scripts.get_sources(&files, &[]));
        std::fs::write(&file, script).unwrap();
        let mut command = Command::new(shell[0]);
        let output = command.args(&shell[1..]).arg(file).output().unwrap();
        let trace = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{shell:?}: {trace}");
        assert!(task.folder.path().join("p/a b").exists(), "{shell:?}");
        // The trace is of commands, not of each line on the way to the files.
        assert!(trace.matches("read").count() < 5, "{shell:?}: {trace}");
    }
}

#[test]
fn sources_that_arrive_damaged_fail_the_stage() {
    for (shell, posix) in shells() {
        let damaged = Sources::Files(archive(b"nonsense"));
        let output = Task::new(posix).run(shell, |scripts| scripts.get_sources(&damaged, &[]));
        assert!(!output.status.success(), "{shell:?}");
        let files = Sources::Files(sample());
        let cut = Task::new(posix).script(|scripts| scripts.get_sources(&files, &[]));
        let (cut, _) = cut.split_once("-----BEGIN FILES-----\n").unwrap();
        assert!(!feed(shell, cut).status.success(), "{shell:?}");
    }
}

#[test]
fn the_text_has_the_runners_shape() {
    let task = Task::new(false);
    let text = task.script(|scripts| scripts.build(&commands(&["make 'all'"])));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "#!/usr/bin/env bash");
    assert_eq!(lines.last(), Some(&"exit 0"));
    assert!(
        lines[lines.len() - 2].starts_with("(trap 'exit 1' TERM; eval $'mkdir -p "),
        "{text}"
    );
    assert!(lines[lines.len() - 2].ends_with("') < /dev/null"), "{text}");
    assert!(!text.contains("xtrace"));
    let mut traced = Task::new(false);
    traced.variables.put("CI_DEBUG_TRACE", "true");
    assert!(
        traced
            .script(|scripts| scripts.build(&[]))
            .contains("set -o xtrace\n")
    );
}

#[test]
fn feature_flags_that_change_a_script_are_followed() {
    let lines = commands(&["echo one\necho two", "echo; true", "", "echo three"]);
    for (shell, posix) in shells() {
        let mut task = Task::new(posix);
        task.variables.put("FF_USE_LEGACY_BASH_EVAL", "true");
        let script = task.script(|scripts| scripts.build(&lines));
        assert!(script.contains("\n: | eval "), "{shell:?}");
        task.variables.put("FF_SCRIPT_SECTIONS", "true");
        let output = task.run(shell, |scripts| scripts.build(&lines));
        let said = stdout(&output);
        // The section has the command, and is over before the command prints anything.
        let start = ":section_script_step_0[hide_duration=true,collapsed=true]\r\u{1b}[0K$ echo one\necho two\n\
                     section_end:1";
        assert!(
            said.starts_with("section_start:1") && said.contains(start),
            "{shell:?}: {said:?}"
        );
        let end =
            ":section_script_step_0\r\u{1b}[0K\none\ntwo\n$ echo; true\n\n\n$ echo three\nthree\n";
        assert!(said.ends_with(end), "{shell:?}: {said:?}");
    }
    // `set -e` does not see the status of a condition's last command in a list.
    let lines = commands(&["false && true", "echo never"]);
    for (shell, posix) in shells() {
        let mut task = Task::new(posix);
        assert!(
            task.run(shell, |scripts| scripts.build(&lines))
                .status
                .success()
        );
        task.variables.put("FF_ENABLE_BASH_EXIT_CODE_CHECK", "true");
        let output = task.run(shell, |scripts| scripts.build(&lines));
        assert_eq!(output.status.code(), Some(1), "{shell:?}");
        assert!(!stdout(&output).contains("never\n"), "{shell:?}");
    }
}

#[test]
fn hostile_members_do_not_leave_the_project() {
    let made = Command::new("bash")
        .args([
            "-e",
            "-c",
            "cd \"$0\"; mkdir in; cd in; echo x > ../evil; echo x > good; ln -s .. up
             tar -c -P -f - ../evil good up; rm up; mkdir up; echo x > up/through; tar -c -f - up/through",
        ])
        .arg(tempfile::tempdir().unwrap().path())
        .output()
        .unwrap();
    assert!(made.status.success());
    let files = Archive::joined(&[archive(&made.stdout)]).unwrap();
    for (shell, posix) in shells() {
        let task = Task::new(posix);
        // tar complains of them, and may fail.
        task.run(shell, |scripts| scripts.unpack_cache(&files));
        let entries = task.folder.path().read_dir().unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["p", "p.tmp"], "{shell:?}");
    }
}
