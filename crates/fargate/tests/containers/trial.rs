//! `fargate try --containers`, as a person types it.

use std::path::Path;
use std::process::Command;

use testing::{Outcome, Project, RunningCommand};

use crate::fargate;
use crate::images::{BUSYBOX, DEBIAN, POSTGRES, REDIS, engine};
use crate::job::left_no_container;
use crate::static_agent;

/// Runs it, in the engine of the tests.
fn run(project: &Project, arguments: &[&str]) -> Outcome {
    let ended = start(project, arguments, &engine().socket).finish();
    project.left_nothing();
    ended
}

fn start(project: &Project, arguments: &[&str], socket: &Path) -> RunningCommand {
    let arguments = [&["--containers"], arguments].concat();
    let mut command = project.command(&arguments);
    command.env("DOCKER_HOST", format!("unix://{}", socket.display()));
    RunningCommand::start(&mut command)
}

/// With what a release, or a registry, would have.
fn with_agent<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let agent = static_agent::program().to_str().unwrap();
    [&["--agent", agent, "--helper-image", DEBIAN], more].concat()
}

#[test]
fn the_example_runs_with_its_image_and_services() {
    let project = Project::example(fargate(), "services");
    let file = project.path("project/.gitlab-ci.yml");
    let mut pipeline = std::fs::read_to_string(&file).unwrap();
    // No registry is asked here.
    for (published, ours) in [
        ("debian:12", DEBIAN),
        ("redis:7", REDIS),
        ("postgres:16", POSTGRES),
    ] {
        assert!(
            pipeline.contains(published),
            "no {published} in the example"
        );
        pipeline = pipeline.replace(published, ours);
    }
    std::fs::write(&file, pipeline).unwrap();
    let ended = run(&project, &with_agent(&[])).exits(0).logs(&[
        "It runs in containers of this machine",
        "Task ",
        "Taking the files of the folder",
        "visit 1",
        "visit 2",
        "the shop's database",
        "Running after_script",
        "2 visits",
        "Job succeeded",
    ]);
    assert_eq!(ended.err(), "");
}

/// The word after `label`.
fn word_after(log: &str, label: &str) -> String {
    let (_, rest) = log.split_once(label).unwrap();
    rest.split([' ', ':', '\n'])
        .find(|word| !word.is_empty())
        .unwrap()
        .to_owned()
}

/// Jobs of another user than the helper, which is root.
const OTHER_USER: &str = "
stages: [build, test]
default: {image: {name: BUSYBOX, docker: {user: '1000'}}}
build:
  stage: build
  cache: {key: k, paths: [kept]}
  artifacts: {paths: ['o u t']}
  script:
    - echo '# more' >> .gitlab-ci.yml
    - '[ ! -d kept ] || ls -ldn kept kept/f'
    - mkdir -p kept 'o u t/deep'; chmod 700 kept; echo x > kept/f
    - echo y > 'o u t/deep/f'; chmod 750 'o u t/deep'
test:
  stage: test
  script: ['ls -ldn \"o u t/deep\"; echo z >> \"o u t/deep/f\"']
";

#[test]
fn files_reach_jobs_that_are_not_root() {
    let project = Project::new(fargate(), &OTHER_USER.replace("BUSYBOX", BUSYBOX));
    for restored in [false, true] {
        let ended = run(&project, &with_agent(&["--all"])).exits(0);
        let out = ended.out();
        let owned = |mode: &str| {
            out.lines()
                .any(|line| line.starts_with(mode) && line.contains(" 1000 "))
        };
        assert!(owned("drwxr-x---"), "{out}");
        let cached = owned("drwx------") && owned("-rw-r--r--");
        assert_eq!(cached, restored, "{out}");
    }
}

#[test]
fn a_task_that_is_kept_can_be_used_and_ctrl_c_leaves_nothing() {
    let project = Project::new(fargate(), "job: {script: [echo hello]}");
    let arguments = with_agent(&["--image", BUSYBOX, "--keep"]);
    let mut trial = start(&project, &arguments, &engine().socket);
    let log = trial.read_until("Ctrl-C stops both");
    let commands = Command::new(word_after(&log, "run commands in it:"))
        .arg("ls /bin/busybox; pwd")
        .output()
        .unwrap();
    let said = String::from_utf8(commands.stdout).unwrap();
    assert!(
        said.ends_with("/bin/busybox\n/builds/local/project\n"),
        "{said}"
    );
    trial.interrupt();
    trial.finish().exits(0);
    project.left_nothing();
    left_no_container(&word_after(&log, "Task "));
}

#[test]
fn what_is_missing_is_said_in_a_line() {
    let project = Project::new(fargate(), "job: {image: debian:12, script: ['true']}");
    let says = |arguments: &[&str], code: i32, parts: &[&str]| {
        let ended = run(&project, arguments).exits(code);
        for part in parts {
            assert!(ended.err().contains(part), "no {part:?} in {}", ended.err());
        }
    };
    // The one beside the program under test is not static, if there is one.
    says(&[], 1, &["agent", "crt-static"]);
    says(
        &["--agent", "none"],
        1,
        &["could not read the agent none", "--agent"],
    );
    let agent = static_agent::program().to_str().unwrap();
    says(
        &["--agent", agent, "--helper-image", "127.0.0.1:1/none"],
        1,
        &[
            "could not get the helper image 127.0.0.1:1/none: CannotPullContainerError",
            "--helper-image",
        ],
    );
    says(
        &["--config", "fargate.toml"],
        2,
        &["--containers", "--config"],
    );

    let nowhere = start(&project, &with_agent(&[]), Path::new("/none.sock"));
    let said = nowhere.finish().exits(1).err();
    let wanted = "ERROR: no container engine answers at /none.sock; start Docker or Podman";
    assert!(said.starts_with(wanted), "{said}");
}
