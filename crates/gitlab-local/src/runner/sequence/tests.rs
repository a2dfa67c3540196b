//! The sequence with a small driver of its own, a shell script: it runs scripts on this machine, keeps a diary
//! of its calls, and fails where a test tells it to.

mod files;
mod variables;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::file::JobDefinition;
use crate::runner::project::Project;
use crate::server::RunnerIdentity;

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
    $(cat "$here/shell" 2> /dev/null || echo bash) < "$5"
    code=$?
    [ $code = 0 ] || { echo $code > "$BUILD_EXIT_CODE_FILE"; exit 1; } ;;
esac
"#;

struct Setup {
    folder: TempDir,
    driver: Driver,
}

struct Outcome {
    result: Result<(), JobFailure>,
    diary: Vec<String>,
    log: String,
    artifacts: JobArtifacts,
}

impl Setup {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("driver");
        std::fs::write(&program, DRIVER).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let config = folder.path().join("driver.toml");
        let environment = vec![("FROM_RUNNER".to_owned(), Some("yes".to_owned()))];
        Self {
            folder,
            driver: Driver {
                program,
                arguments: vec!["--config".into(), config.into_os_string(), "custom".into()],
                environment,
            },
        }
    }

    /// Makes the driver do `what` first when it is called for `stage`.
    fn before(self, stage: &str, what: &str) -> Self {
        std::fs::write(self.folder.path().join(stage), what).unwrap();
        self
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(file)).unwrap_or_default()
    }

    async fn run(&self, job: &str) -> Outcome {
        self.run_with(job, &[("GIT_STRATEGY", "none")]).await
    }

    async fn run_with(&self, job: &str, variables: &[(&str, &str)]) -> Outcome {
        self.run_after(job, variables, &[], None).await
    }

    async fn run_after(
        &self,
        job: &str,
        variables: &[(&str, &str)],
        given: &[(&str, &JobArtifacts)],
        cache_folder: Option<&CacheFolder>,
    ) -> Outcome {
        let mut definition = JobDefinition::parse(job, None).unwrap();
        definition.set_variable("GREETING", "hello").unwrap();
        for (key, value) in variables {
            definition.set_variable(key, value).unwrap();
        }
        let file = self.folder.path().join("shop/f");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let runner = RunnerIdentity {
            description: "a runner",
            short_token: "token",
        };
        let project = Project::new(&file, false, self.folder.path());
        let job = ReceivedJob::new(definition, &project, runner, given).unwrap();
        let log_file = tempfile::NamedTempFile::new().unwrap();
        let mut log = JobLog::new(log_file.reopen().unwrap(), false);
        let (_canceler, cancellation) = Cancellation::new();
        let run = JobRun {
            driver: &self.driver,
            job: &job,
            folder: self.folder.path(),
            builds_dir: "/unused",
            keep: false,
            cache_folder,
            cancellation: &cancellation,
        };
        let end = run.run(&mut log).await.unwrap();
        assert!(end.kept.is_none());
        let log = std::fs::read_to_string(log_file.path()).unwrap();
        Outcome {
            result: end.result,
            diary: self.read("diary").lines().map(str::to_owned).collect(),
            log,
            artifacts: end.artifacts,
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
    let setup = Setup::new().before(
        "prepare",
        "echo to-stderr >&2; echo to-stdout; printf 'no newline'",
    );
    let outcome = setup.run("job: {script: ['echo $GREETING; pwd']}").await;
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(outcome.diary, PLAIN);
    let project = format!("{}/builds/local/shop", setup.folder.path().display());
    let log = without_times(&outcome.log);
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
    let setup = ["config", "prepare", "build_script", "cleanup"]
        .into_iter()
        .fold(Setup::new(), |setup, stage| setup.before(stage, show));
    assert_eq!(setup.run("job: {script: 'true'}").await.result, Ok(()));
    let project = format!("{}/builds/local/shop", setup.folder.path().display());
    for (stage, from_config, project) in [
        ("config", "", ""),
        ("prepare", "yes ", project.as_str()),
        ("build_script", "yes ", project.as_str()),
        ("cleanup", "yes ", project.as_str()),
    ] {
        let seen = setup.read(&format!("seen.{stage}"));
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
    let setup = Setup::new()
        .before("prepare.1", "exit 2")
        .before("config.2", "echo nonsense")
        .before("prepare.3", "exit 101");
    let outcome = setup.run("job: {script: 'true'}").await;
    let unknown = "unknown Custom executor executable exit code 101; executable execution terminated with: exit status 101";
    assert_eq!(outcome.result, Err(JobFailure::System(unknown.into())));
    let expected = [
        "config", "prepare", "cleanup", "config", "cleanup", "config", "prepare", "cleanup",
    ];
    assert_eq!(
        outcome.diary,
        expected.map(|stage| format!("{stage} running"))
    );
    assert_eq!(
        outcome.log.matches("Will be retried in 3s ...\n").count(),
        2,
        "{}",
        outcome.log
    );
    assert!(
        outcome
            .log
            .contains("ERROR: Preparation failed: exit status 2\n"),
        "{}",
        outcome.log
    );
    assert!(
        outcome
            .log
            .contains("ERROR: Preparation failed: error while parsing JSON output: "),
        "{}",
        outcome.log
    );
}

#[tokio::test]
async fn a_second_attempt_may_succeed() {
    let outcome = Setup::new()
        .before("prepare.1", "exit 2")
        .run("job: {script: 'true'}")
        .await;
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(
        outcome.diary[..3],
        ["config running", "prepare running", "cleanup running"]
    );
    assert_eq!(outcome.diary[3..], PLAIN);
}

#[tokio::test]
async fn a_job_that_asks_for_what_cannot_be_is_not_tried_again() {
    let outcome = Setup::new()
        .before("config", "exit 1")
        .run("job: {script: 'true'}")
        .await;
    assert_eq!(outcome.result, Err(JobFailure::Build(1)));
    assert_eq!(outcome.diary, ["config running", "cleanup running"]);
}

#[tokio::test]
async fn failures_before_the_script_skip_what_the_runner_skips() {
    let outcome = Setup::new()
        .before("prepare_script", "exit 2")
        .run("job: {script: 'true', after_script: [x]}")
        .await;
    assert_eq!(
        outcome.result,
        Err(JobFailure::System(
            "prepare environment: exit status 2".into()
        ))
    );
    assert_eq!(
        outcome.diary[2..],
        ["prepare_script running", "cleanup running"]
    );

    let outcome = Setup::new()
        .before("get_sources", "exit 2")
        .run("job: {script: 'true', after_script: [x]}")
        .await;
    assert_eq!(
        outcome.result,
        Err(JobFailure::System("exit status 2".into()))
    );
    let expected = [
        "get_sources running",
        "cleanup_file_variables running",
        "cleanup running",
    ];
    assert_eq!(outcome.diary[3..], expected);
}

#[tokio::test]
async fn a_failed_cleanup_changes_nothing_but_is_said() {
    let outcome = Setup::new()
        .before("cleanup", "exit 2")
        .run("job: {script: 'true'}")
        .await;
    assert_eq!(outcome.result, Ok(()));
    assert!(
        outcome
            .log
            .contains("WARNING: Cleanup script failed: exit status 2\n"),
        "{}",
        outcome.log
    );
}

#[tokio::test]
async fn the_jobs_timeout_leaves_time_for_cleanup_only() {
    let outcome = Setup::new()
        .run("job: {timeout: 1s, script: [sleep 600], after_script: ['true']}")
        .await;
    assert_eq!(
        outcome.result,
        Err(JobFailure::TimedOut(Duration::from_secs(1)))
    );
    assert_eq!(
        outcome.diary[4..],
        ["build_script running", "cleanup running"]
    );
}

#[tokio::test]
async fn an_after_script_that_outlasts_the_job_fails_it() {
    let outcome = Setup::new()
        .run("job: {timeout: 1s, script: ['true'], after_script: [sleep 600]}")
        .await;
    assert_eq!(
        outcome.result,
        Err(JobFailure::TimedOut(Duration::from_secs(1)))
    );
    assert_eq!(
        outcome.diary[4..],
        [
            "build_script running",
            "after_script success",
            "cleanup success"
        ]
    );
}
