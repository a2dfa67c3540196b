//! With `--config`: the driver's own configuration, and the AWS account it names.

use serde_json::json;
use testing::{Account, Outcome, Project, RunningCommand, SshServer};

use crate::fargate;

/// A project beside an account, with a configuration that leads there.
pub(crate) struct ConfiguredProject {
    pub(crate) project: Project,
    pub(crate) aws: Account,
    builds: String,
}

impl ConfiguredProject {
    pub(crate) fn new(server: SshServer, pipeline: &str) -> Self {
        let project = Project::new(fargate(), pipeline);
        std::fs::create_dir(project.path("aws")).unwrap();
        let backend = server.backend(fargate(), &project.path("aws"));
        let aws = Account::start(backend, &json!({}), 0.0);
        let builds = project.path("builds").display().to_string();
        let account = Self {
            project,
            aws,
            builds,
        };
        account.configure(&account.aws.settings());
        account
    }

    fn configure(&self, fargate: &str) {
        let user = nix::unistd::User::from_uid(nix::unistd::getuid());
        let user = user.unwrap().unwrap().name;
        let config = format!(
            "[Fargate]\n{fargate}[TaskMetadata]\nDirectory = \"records\"\n[SSH]\nUsername = \"{user}\"\nPort = 2222\n"
        );
        std::fs::write(self.project.path("project/fargate.toml"), config).unwrap();
    }

    /// Arguments that name the configuration. A task on this machine cannot have its builds in `/builds`.
    pub(crate) fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let mut arguments = vec!["--config", "fargate.toml", "--builds-dir", &self.builds];
        arguments.extend(more);
        arguments
    }

    fn start(&self) -> RunningCommand {
        self.project.start(&self.arguments(&[]))
    }

    fn run(&self, more: &[&str]) -> Outcome {
        self.project.run(&self.arguments(more))
    }

    /// The number of records. The lock and the manager's name stay.
    fn records(&self) -> usize {
        let entries = self.project.path("project/records").read_dir().unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| path.extension().is_some_and(|end| end == "json"))
            .count()
    }

    #[track_caller]
    pub(crate) fn left_nothing(&self) {
        assert_eq!(self.aws.running().len(), 0, "a task was left");
        assert_eq!(self.records(), 0, "a record was left");
        self.project.left_nothing();
    }
}

const JOB: &str = "job: {script: ['echo ran $CI_JOB_NAME in $(ls -A)']}";

#[test]
fn the_job_runs_in_the_account_of_the_configuration() {
    for server in [SshServer::Agent, SshServer::OpenSsh] {
        let account = ConfiguredProject::new(server, JOB);
        let ended = account.run(&[]).exits(0);
        assert!(!ended.out().contains("stand-in"), "{}", ended.out());
        let ran = "\nran job in .gitlab-ci.yml fargate.toml\n";
        assert!(ended.out().contains(ran), "{}", ended.out());
        assert_eq!(account.aws.stopped().len(), 1);
        account.left_nothing();
    }
}

/// Each job finds an empty folder, as in a task of its own.
const PIPELINE: &str = "
stages: [build, test]
variables: {GIT_STRATEGY: empty}
build:
  stage: build
  cache: {key: k, paths: [kept]}
  artifacts: {paths: [out], reports: {dotenv: e}}
  script:
    - cat kept/f || true; mkdir -p kept out; echo kept >> kept/f
    - echo made > out/f; echo VERSION=1.2 > e
test:
  stage: test
  script: ['cat out/f; echo version $VERSION; [ ! -e kept ]']
";

#[test]
fn files_and_variables_pass_between_jobs_and_trials_in_the_account() {
    for server in [SshServer::Agent, SshServer::OpenSsh] {
        let account = ConfiguredProject::new(server, PIPELINE);
        for found in ["No such cache yet\n", "Successfully extracted cache\n"] {
            let ended = account.run(&["--all"]).exits(0);
            for part in [found, "Created cache (", "\nmade\nversion 1.2\n"] {
                assert!(ended.out().contains(part), "no {part:?} in {}", ended.out());
            }
        }
        assert_eq!(account.aws.stopped().len(), 4);
        account.left_nothing();
    }
}

#[test]
fn ctrl_c_while_the_task_starts_stops_it() {
    let account = ConfiguredProject::new(SshServer::Nothing, JOB);
    let mut running = account.start();
    running.read_until("\nTask ");
    running.interrupt();
    running.finish().exits(130).logs(&[
        "fargate was stopped by SIGTERM\n",
        "ERROR: Job failed: canceled\n",
    ]);
    assert_eq!(account.aws.stopped().len(), 1);
    account.left_nothing();
}

#[test]
fn a_task_that_cannot_be_started_is_tried_three_times() {
    let account = ConfiguredProject::new(SshServer::Agent, JOB);
    let ended = account
        .run(&["--task-def", "no-such-task"])
        .exits(1)
        .logs(&[
            "ERROR: Preparation failed: exit status 2\n",
            "ERROR: Job failed (system failure): exit status 2\n",
        ]);
    assert_eq!(
        ended.out().matches("Will be retried in 3s ...\n").count(),
        2,
        "{}",
        ended.out()
    );
    account.left_nothing();
}

#[test]
fn a_wrong_configuration_is_a_wrong_usage() {
    let account = ConfiguredProject::new(SshServer::Agent, JOB);
    account.configure("Cluster = 1\n");
    for (config, complaint) in [
        ("fargate.toml", "Cluster"),
        ("missing.toml", "missing.toml"),
    ] {
        let ended = account.project.run(&["--config", config]).exits(2);
        assert!(ended.err().contains(complaint), "{}", ended.err());
        assert_eq!(ended.out(), "");
    }
}
