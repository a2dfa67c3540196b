//! The sequence with a small driver of its own, a shell script: it runs scripts on this machine, keeps a diary
//! of its calls, and fails where a test tells it to.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::super::pipeline::read_job;
use super::super::variables::Variable;
use super::*;
use crate::output::Output;

/// Arguments: --config FILE custom STAGE [SCRIPT NAME]. A file `<stage>` or `<name>` beside the configuration
/// is sourced first; one for the n-th attempt is `<stage>.<n>`.
const DRIVER: &str = r#"#!/bin/sh
here=$(dirname "$2")
stage=${6:-$4}
[ "$stage" != config ] || echo x >> "$here/attempts"
attempt=$(wc -l < "$here/attempts")
echo "$stage $CUSTOM_ENV_CI_JOB_STATUS" >> "$here/diary"
for do in "$here/$stage" "$here/$stage.$((attempt))"; do [ ! -f "$do" ] || . "$do"; done
case $4 in
config) echo '{"driver":{"name":"diary","version":"1"},"hostname":"host-7","builds_dir":"'"$here"'/builds",'\
'"cache_dir":"/cache","job_env":{"FROM_CONFIG":"yes"},"later_key":1}' ;;
run)
    bash < "$5"
    code=$?
    [ $code = 0 ] || { echo $code > "$BUILD_EXIT_CODE_FILE"; exit 1; } ;;
esac
"#;

struct Trial {
    folder: TempDir,
    driver: Driver,
}

struct Told {
    result: Result<(), Failure>,
    diary: Vec<String>,
    log: String,
}

impl Trial {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("driver");
        std::fs::write(&program, DRIVER).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let config = folder.path().join("fargate.toml");
        let environment = vec![("FROM_RUNNER".to_owned(), Some("yes".to_owned()))];
        Self {
            folder,
            driver: Driver {
                program,
                arguments: vec!["--config".into(), config.into_os_string()],
                environment,
            },
        }
    }

    /// Makes the driver do `what` first when it is called for `stage`.
    fn before(self, stage: &str, what: &str) -> Self {
        std::fs::write(self.folder.path().join(stage), what).unwrap();
        self
    }

    fn said(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(file)).unwrap_or_default()
    }

    async fn run(&self, job: &str) -> Told {
        let job = read_job(job, None).unwrap();
        let variables = [("GREETING", "hello"), ("GIT_STRATEGY", "none")];
        let variables = variables.map(|(key, value)| Variable::new(key, value));
        let project = self.folder.path().join("shop");
        let plan = Plan::new(7, job, &project, "f".into(), variables.into()).unwrap();
        let log_file = tempfile::NamedTempFile::new().unwrap();
        let mut log = Log::new(Output::file(log_file.reopen().unwrap()), false);
        let stop = Shutdown::listen().unwrap();
        let sequence = Sequence {
            driver: &self.driver,
            plan: &plan,
            stop: &stop,
            builds_dir: "/unused",
            keep: false,
            deadline: Instant::now() + plan.job.timeout,
        };
        let (result, kept) = sequence.run(&mut log).await.unwrap();
        assert!(kept.is_none());
        let diary = self.said("diary").lines().map(str::to_owned).collect();
        Told {
            result,
            diary,
            log: std::fs::read_to_string(log_file.path()).unwrap(),
        }
    }
}

const PLAIN: [&str; 7] = [
    "config running",
    "prepare running",
    "prepare_script running",
    "get_sources running",
    "build_script running",
    "cleanup_file_variables success",
    "cleanup success",
];

#[tokio::test]
async fn a_plain_job_makes_the_runners_calls_and_log() {
    let trial = Trial::new().before(
        "prepare",
        "echo to-stderr >&2; echo to-stdout; printf 'no newline'",
    );
    let told = trial.run("job: {script: ['echo $GREETING; pwd']}").await;
    assert_eq!(told.result, Ok(()));
    assert_eq!(told.diary, PLAIN);
    let project = format!("{}/builds/local/shop", trial.folder.path().display());
    let log = without_times(&told.log);
    let (head, _) = log.split_once("Preparing environment").unwrap();
    assert_eq!(
        head,
        "Preparing the \"custom\" executor\nUsing Custom executor with driver diary 1...\n\
         to-stderr\nto-stdout\nno newline\n(T s)\n"
    );
    assert!(log.contains(" via host-7...\n"), "{log}");
    assert!(
        log.contains(&format!(
            "Executing \"step_script\" stage of the job script\n$ echo $GREETING; pwd\nhello\n{project}\n(T s)\n"
        )),
        "{log}"
    );
}

fn without_times(log: &str) -> String {
    let line = |line: &str| match line
        .strip_prefix('(')
        .and_then(|line| line.strip_suffix(" s)"))
    {
        Some(seconds) => {
            seconds.parse::<f64>().unwrap();
            "(T s)\n".to_owned()
        }
        None => format!("{line}\n"),
    };
    log.lines().map(line).collect()
}

#[tokio::test]
async fn calls_have_the_folder_and_the_environment_of_a_runners() {
    let show = "{ pwd; stat -c '%a %n' . response.json; [ -z \"$5\" ] || stat -c '%a %n' \"$5\"; \
                echo $TMPDIR $BUILD_FAILURE_EXIT_CODE $SYSTEM_FAILURE_EXIT_CODE $BUILD_EXIT_CODE_FILE \
                $JOB_RESPONSE_FILE; echo $FROM_RUNNER $FROM_CONFIG $CUSTOM_ENV_GREETING \
                \"[$CUSTOM_ENV_CI_JOB_SERVICES]\" \"[$CUSTOM_ENV_CI_PROJECT_DIR]\"; \
                ps -o pid=,pgid= -p $$ | awk '{print $1 == $2}'; readlink /proc/$$/fd/0; } > \"$here/seen.$stage\"";
    let trial = ["config", "prepare", "build_script", "cleanup"]
        .into_iter()
        .fold(Trial::new(), |trial, stage| trial.before(stage, show));
    assert_eq!(trial.run("job: {script: 'true'}").await.result, Ok(()));
    let project = format!("{}/builds/local/shop", trial.folder.path().display());
    for (stage, from_config, project) in [
        ("config", "", ""),
        ("prepare", "yes ", project.as_str()),
        ("build_script", "yes ", project.as_str()),
        ("cleanup", "yes ", project.as_str()),
    ] {
        let seen = trial.said(&format!("seen.{stage}"));
        let mut lines: Vec<&str> = seen.lines().collect();
        let folder = lines.remove(0).to_owned();
        assert!(
            Path::new(&folder)
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("custom-executor"),
            "{seen}"
        );
        assert!(!Path::new(&folder).exists(), "it is removed after cleanup");
        if stage == "build_script" {
            let script = lines.remove(2);
            assert!(
                script.starts_with(&format!("700 {folder}/script")) && script.ends_with("/script"),
                "{script}"
            );
        }
        let files = format!("{folder} 1 2 {folder}/build_exit_code {folder}/response.json");
        let variables = format!("yes {from_config}hello [] [{project}]");
        assert_eq!(
            lines,
            [
                "700 .",
                "600 response.json",
                &files,
                &variables,
                "1",
                "/dev/null"
            ],
            "{stage}"
        );
    }
}

#[tokio::test]
async fn preparing_is_tried_three_times_with_a_cleanup_after_each_failure() {
    let trial = Trial::new()
        .before("prepare.1", "exit 2")
        .before("config.2", "echo nonsense")
        .before("prepare.3", "exit 101");
    let told = trial.run("job: {script: 'true'}").await;
    let unknown = "unknown Custom executor executable exit code 101; executable execution terminated with: exit status 101";
    assert_eq!(told.result, Err(Failure::System(unknown.into())));
    let expected = [
        "config", "prepare", "cleanup", "config", "cleanup", "config", "prepare", "cleanup",
    ];
    assert_eq!(told.diary, expected.map(|stage| format!("{stage} running")));
    assert_eq!(
        told.log.matches("Will be retried in 3s ...\n").count(),
        2,
        "{}",
        told.log
    );
    assert!(
        told.log
            .contains("ERROR: Preparation failed: exit status 2\n"),
        "{}",
        told.log
    );
    assert!(
        told.log
            .contains("ERROR: Preparation failed: error while parsing JSON output: "),
        "{}",
        told.log
    );
}

#[tokio::test]
async fn a_second_attempt_may_succeed() {
    let told = Trial::new()
        .before("prepare.1", "exit 2")
        .run("job: {script: 'true'}")
        .await;
    assert_eq!(told.result, Ok(()));
    assert_eq!(
        told.diary[..3],
        ["config running", "prepare running", "cleanup running"]
    );
    assert_eq!(told.diary[3..], PLAIN);
}

#[tokio::test]
async fn a_job_that_asks_for_what_cannot_be_is_not_tried_again() {
    let told = Trial::new()
        .before("config", "exit 1")
        .run("job: {script: 'true'}")
        .await;
    assert_eq!(told.result, Err(Failure::Build(1)));
    assert_eq!(told.diary, ["config running", "cleanup running"]);
}

#[tokio::test]
async fn failures_before_the_script_skip_what_the_runner_skips() {
    let told = Trial::new()
        .before("prepare_script", "exit 2")
        .run("job: {script: 'true', after_script: [x]}")
        .await;
    assert_eq!(
        told.result,
        Err(Failure::System("prepare environment: exit status 2".into()))
    );
    assert_eq!(
        told.diary[2..],
        ["prepare_script running", "cleanup running"]
    );

    let told = Trial::new()
        .before("get_sources", "exit 2")
        .run("job: {script: 'true', after_script: [x]}")
        .await;
    assert_eq!(told.result, Err(Failure::System("exit status 2".into())));
    let expected = [
        "get_sources running",
        "cleanup_file_variables running",
        "cleanup running",
    ];
    assert_eq!(told.diary[3..], expected);
}

#[tokio::test]
async fn a_failed_cleanup_changes_nothing_but_is_said() {
    let told = Trial::new()
        .before("cleanup", "exit 2")
        .run("job: {script: 'true'}")
        .await;
    assert_eq!(told.result, Ok(()));
    assert!(
        told.log
            .contains("WARNING: Cleanup script failed: exit status 2\n"),
        "{}",
        told.log
    );
}

#[tokio::test]
async fn the_jobs_timeout_leaves_time_for_cleanup_only() {
    let told = Trial::new()
        .run("job: {timeout: 1s, script: [sleep 600], after_script: ['true']}")
        .await;
    assert_eq!(told.result, Err(Failure::TimedOut(Duration::from_secs(1))));
    assert_eq!(told.diary[4..], ["build_script running", "cleanup running"]);
}

#[tokio::test]
async fn an_after_script_that_outlasts_the_job_fails_it() {
    let told = Trial::new()
        .run("job: {timeout: 1s, script: ['true'], after_script: [sleep 600]}")
        .await;
    assert_eq!(told.result, Err(Failure::TimedOut(Duration::from_secs(1))));
    assert_eq!(
        told.diary[4..],
        [
            "build_script running",
            "after_script success",
            "cleanup success"
        ]
    );
}
