//! Jobs, good and bad, in the stand-in that the command brings along.

use std::path::Path;
use std::process::Command;

use testing::Project;

use crate::fargate;

/// The last phase of a task's start. Short phases share its line.
const READY: &str = "eady for scripts after ";

/// Whether a line comes only where a task starts or connects slowly.
fn is_of_busy_machine(line: &str) -> bool {
    let phases = [
        "Provisioned in ",
        "Container started in ",
        "Waiting for the job's task to take a connection",
    ];
    phases.iter().any(|phase| line.starts_with(phase)) && !line.contains(READY)
}

/// The log with what differs from run to run taken out.
fn redacted(log: &str) -> String {
    let uname = Command::new("uname").arg("-srm").output().unwrap();
    let uname = String::from_utf8(uname.stdout).unwrap();
    let word = |word: &str| {
        let bare = word.trim_matches(|c| matches!(c, '(' | ')' | '.' | ':'));
        let digits = |c: char| c.is_ascii_digit();
        let replacement = match bare {
            task if task.len() == 32 && task.chars().all(|c| c.is_ascii_hexdigit()) => "TASK",
            time if time.contains('.') && time.parse::<f64>().is_ok() => "TIME",
            job if job.len() >= 13 && job.chars().all(digits) => "JOB",
            job if job.starts_with("fargatetry-") => "fargatetry-JOB",
            other => other,
        };
        word.replace(bare, replacement)
    };
    let line = |line: &str| match line {
        line if line == uname.trim_end() => "UNAME".to_owned(),
        line if line.contains(READY) => "Ready for scripts".to_owned(),
        line if line.starts_with("Running on ") => {
            "Running on HOST via fargatetry-JOB...".to_owned()
        }
        line => line.split(' ').map(word).collect::<Vec<_>>().join(" "),
    };
    log.replace(env!("CARGO_PKG_VERSION"), "VERSION")
        .lines()
        .filter(|line| !is_of_busy_machine(line))
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_first_example_succeeds() {
    let ended = Project::example(fargate(), "hello").run(&[]).exits(0);
    assert_eq!(ended.err(), "");
    insta::assert_snapshot!(redacted(&ended.out()), @r#"
    Running job hello of .gitlab-ci.yml as GitLab Runner 19.4.0 would
    It runs on this machine, as you, and a stand-in plays AWS (see --config).
    Preparing the "custom" executor
    Using Custom executor with driver fargate VERSION...
    Starting try in cluster try (us-east-1)
    Task TASK: image fargate-try/this-machine, TIME vCPU, TIME GB, FARGATE, us-east-1a
    Ready for scripts
    (TIME s)
    Preparing environment
    Running on HOST via fargatetry-JOB...
    (TIME s)
    Getting the sources
    Taking the files of the folder as they are now
    (TIME s)
    Executing "step_script" stage of the job script
    $ echo "This is job $CI_JOB_NAME of $CI_PROJECT_PATH"
    This is job hello of local/project
    $ uname -srm
    UNAME
    $ echo "Working in $(basename "$PWD"), with the files $(echo *)"
    Working in project, with the files greet.sh.in
    $ # Build: fill in the template. # collapsed multi-line command
    $ build/greet.sh
    Hello, world!
    $ test "$(build/greet.sh)" = "Hello, world!"
    (TIME s)
    Running after_script
    Running after script...
    $ echo "The job ended with $CI_JOB_STATUS"
    The job ended with success
    (TIME s)
    Cleaning up project directory and file based variables
    (TIME s)
    Cleaning up the task (a runner has this in its own log, not in the job's)
    Stopped task TASK of job JOB
    (TIME s)
    Job succeeded
    "#);
}

#[test]
fn the_readmes_command_runs_a_job() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let mut commands = readme
        .lines()
        .filter_map(|line| line.strip_prefix("    cargo run -- try "));
    let arguments: Vec<&str> = commands.next().unwrap().split(' ').collect();
    let project = Project::new(fargate(), "");
    let output = project.command(&arguments).current_dir(root).output();
    assert_eq!(output.unwrap().status.code(), Some(0));
    project.left_nothing();
}

#[test]
fn a_job_that_fails_gets_its_after_script_and_exits_with_1() {
    let ended = Project::example(fargate(), "failing")
        .run(&[])
        .exits(1)
        .logs(&[
            "$ exit 3\n",
            "Running after_script\n",
            "The job ended with failed\n",
            "Cleaning up project directory",
            "Stopped task ",
            "ERROR: Job failed: exit status 3\n",
        ]);
    assert!(!ended.out().contains("Nobody sees this"), "{}", ended.out());
    assert_eq!(ended.err(), "");
}

#[test]
fn scripts_touch_neither_the_home_nor_the_project() {
    let project = Project::new(
        fargate(),
        "job: {script: ['touch here ~/there', 'echo I have $(ls -A), $(ls ~)', 'echo HOME=$HOME PWD=$PWD']}",
    );
    std::fs::write(project.path("project/given"), "x").unwrap();
    let tmp = format!("HOME={}/fargate-try", project.path("tmp").display());
    project
        .run(&[])
        .exits(0)
        .logs(&["I have .gitlab-ci.yml given here, there\n", &tmp]);
    let files = project.path("project").read_dir().unwrap();
    assert_eq!(files.count(), 2);
}

#[test]
fn what_a_script_leaves_running_ends_with_the_trial() {
    let project = Project::new(
        fargate(),
        "job: {script: ['sleep 1000 > /dev/null 2>&1 &', 'setsid sleep 1000 > /dev/null 2>&1 &']}",
    );
    // The check is in it.
    project.run(&[]).exits(0);
}

#[test]
fn ctrl_c_cancels_the_job_and_cleans_up() {
    let project = Project::new(
        fargate(),
        "job: {script: ['echo started', 'sleep 1000'], after_script: ['echo it was $CI_JOB_STATUS']}",
    );
    let mut running = project.start(&[]);
    running.read_until("\nstarted\n");
    running.interrupt();
    // As a shell has it for a command that SIGINT ended.
    running.finish().exits(130).logs(&[
        "it was canceled\n",
        "Stopped task ",
        "ERROR: Job failed: canceled\n",
    ]);
    project.left_nothing();
}

#[test]
fn a_job_has_only_as_long_as_its_timeout() {
    let project = Project::new(
        fargate(),
        "job: {timeout: 20s, script: [sleep 1000], after_script: [echo never]}",
    );
    let ended = project.run(&[]).exits(1).logs(&[
        "$ sleep 1000\n",
        "Stopped task ",
        "ERROR: Job failed: execution took longer than 20 seconds\n",
    ]);
    assert!(!ended.out().contains("never"), "{}", ended.out());
}

#[test]
fn a_variable_may_be_large_and_hold_anything() {
    // Linux takes less than 128 KiB in one variable of a process.
    let text = "it's \"quoted\" $$HOME `id` \\ back\\\\slash, текст 世界, ".repeat(1_600);
    let script = ["printf %s \"$TEXT\" | cksum"];
    let pipeline =
        serde_json::json!({ "variables": { "TEXT": text }, "job": { "script": script } });
    // A document of JSON is one of YAML.
    let project = Project::new(fargate(), &pipeline.to_string());
    let file = project.path("expected");
    std::fs::write(&file, text.replace("$$", "$")).unwrap();
    let input = std::fs::File::open(file).unwrap();
    let cksum = Command::new("cksum").stdin(input).output().unwrap();
    let cksum = String::from_utf8(cksum.stdout).unwrap();
    project.run(&[]).exits(0).logs(&[&cksum]);
}

#[test]
fn variables_of_the_command_line_win() {
    let project = Project::new(
        fargate(),
        "job: {variables: {A: file, B: file}, script: ['echo $A-$B-$C']}",
    );
    let arguments = ["--variable", "B=mine", "--variable", "C=x=y"];
    project
        .run(&arguments)
        .exits(0)
        .logs(&["\nfile-mine-x=y\n"]);
}
