//! A job in real containers: the manager, and scripts in the shape that GitLab Runner gives them.

use std::ops::Deref;
use std::time::Duration;

use ecs_local::{Backend, Faults, Options};
use serde_json::Value;
use testing::{Account, ManagerHost, Outcome, wait_for};

use crate::fargate;
use crate::images::{AGENT, HELPER, engine};

/// How long the engine may take to remove containers.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// Where the runner has the project, below the folder that `config` tells it.
pub(crate) const PROJECT: &str = "/builds/acme/shop";

/// A manager whose tasks are real containers, with more keys in `[JobImage]` and more sections.
pub(crate) fn manager_with(faults: &Value, job_image: &str, sections: &str) -> ContainerHost {
    manager_at(engine().socket.clone(), faults, job_image, sections)
}

/// The same, with images that are loaded lazily.
pub(crate) fn lazy_manager_with(faults: &Value) -> ContainerHost {
    let socket = Some(engine().socket.clone());
    let aws = Account::start_with(Options {
        lazy_pulls: true,
        faults: Faults::parse(&faults.to_string()).unwrap(),
        backend: Backend::Container { socket },
        ..Options::default()
    });
    manager_in(aws, "", "")
}

/// The same, with the engine at this socket.
pub(crate) fn manager_at(
    socket: std::path::PathBuf,
    faults: &Value,
    job_image: &str,
    sections: &str,
) -> ContainerHost {
    let socket = Some(socket);
    let aws = Account::start(Backend::Container { socket }, faults, 0.0);
    manager_in(aws, job_image, sections)
}

fn manager_in(aws: Account, job_image: &str, sections: &str) -> ContainerHost {
    let manager = ManagerHost::in_account(fargate(), aws, tempfile::tempdir().unwrap());
    let images = format!("AgentImage = {AGENT:?}\nHelperImage = {HELPER:?}");
    manager.configure_job_image(&format!("{images}\n{job_image}"), sections);
    ContainerHost(manager)
}

/// A manager host whose tasks are real containers.
pub(crate) struct ContainerHost(ManagerHost);

impl Deref for ContainerHost {
    type Target = ManagerHost;

    fn deref(&self) -> &ManagerHost {
        &self.0
    }
}

impl ContainerHost {
    /// Runs the commands of a stage.
    pub(crate) fn stage(&self, stage: &str, commands: &str) -> Outcome {
        self.start_stage(stage, script(commands)).finish()
    }

    /// Stops the task, and checks that nothing of it is left anywhere.
    #[track_caller]
    pub(crate) fn clean_up(&self) {
        self.custom("cleanup").exits(0);
        self.left_nothing();
        for task in self.aws.stopped() {
            left_no_container(&task_id(&task));
        }
    }

    /// The id of the only task.
    pub(crate) fn task(&self) -> String {
        task_id(&self.aws.running()[0])
    }
}

/// The last part of a task's ARN.
pub(crate) fn task_id(task: &Value) -> String {
    let arn = task["taskArn"].as_str().unwrap();
    arn.rsplit('/').next().unwrap().to_owned()
}

/// Checks that the engine has nothing of a task, within the time that a stop may take in an engine that is busy with a
/// crowd.
#[track_caller]
pub(crate) fn left_no_container(task: &str) {
    let pause = Duration::from_millis(100);
    wait_for(PATIENCE, pause, "the task's containers are gone", || {
        has_no_container(task)
    });
}

/// Whether the engine has nothing of a task.
pub(crate) fn has_no_container(task: &str) -> bool {
    let label = format!("fargate.local.task={task}");
    engine().labelled(&label).is_empty()
}

/// A script as the runner makes it for bash: one `eval` of one long quoted text, in a subshell without standard input.
pub(crate) fn script(commands: &str) -> String {
    let exports =
        format!("export CI=true\nexport CI_PROJECT_DIR={PROJECT}\nexport QUOTES='\"a\" \\'\n");
    let mut quoted = String::new();
    for c in (exports + commands + "\n").chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            '\'' => quoted.push_str("\\'"),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    format!(
        "#!/usr/bin/env bash\n\ntrap 'exit 1' TERM\nif (set -o pipefail) 2> /dev/null; then set -o pipefail; fi\nset -o errexit\n\
         set +o noclobber\n(trap 'exit 1' TERM; eval $'{quoted}') < /dev/null\nexit 0\n"
    )
}

/// The commands of `get_sources`, with `more` of them at the end.
pub(crate) fn checkout(url: &str, more: &str) -> String {
    format!(
        "echo 'Fetching changes...'\nmkdir -p {PROJECT}.tmp\ngit init --quiet {PROJECT}\ncd {PROJECT}\ngit remote add origin {url}\n\
         git fetch --quiet --depth 20 origin HEAD\ngit -c advice.detachedHead=false checkout --quiet --force FETCH_HEAD\n\
         echo \"Checked out $(git rev-parse --short HEAD)\"\n{more}"
    )
}
