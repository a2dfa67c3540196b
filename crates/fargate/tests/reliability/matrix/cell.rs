//! One fault at one point of a job's life, played through the stages as GitLab Runner calls them.

use std::fmt;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use testing::{Job, ManagerHost, SshServer, leftovers};

use super::catalog::{Fault, Kind};
use super::point::Point;
use super::table::{Blame, Expectation};
use crate::watched_process::{Ended, WatchedProcess};
use crate::{fargate, job};

/// How often a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// To the first call or task.
    Once,
    /// To all of them, or to the one that there is.
    Always,
}

#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) fault: Fault,
    pub(crate) times: Times,
    pub(crate) point: Point,
    pub(crate) server: SshServer,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            fault,
            times,
            point,
            server,
        } = self;
        write!(f, "{} {times:?} {point:?} {server:?}", fault.name)
    }
}

/// Bound of what no fault strikes.
const UNHARMED: Duration = Duration::from_secs(120);

/// Bound of a wait for the stand-in, or for what a script prints.
const SOON: Duration = Duration::from_secs(60);

const STAGES: [&str; 3] = ["get_sources", "build_script", "after_script"];

/// A script that waits to be struck.
const WAITING: &str = "echo started; sleep 300";

/// A script for connections that are cut after a number of bytes.
const LOUD: &str = "head -c 400000 /dev/zero | tr '\\0' x; echo; echo done";

impl Cell {
    /// Plays it; what is not as expected.
    pub(crate) fn play(&self, expectation: &Expectation) -> Result<(), String> {
        let manager = ManagerHost::new(fargate(), self.server);
        self.configure(&manager, expectation);
        let job = job(&manager, 4711);
        if self.point != Point::Sweeping {
            // As if another job had swept a moment ago: no call is to be the sweep's.
            std::fs::create_dir(manager.metadata()).unwrap();
            std::fs::write(manager.metadata().join("sweep"), "1").unwrap();
        }
        let mut judged = false;
        let mut judge = |ended: Ended| {
            judged = true;
            expectation.holds(&ended, &job)
        };
        let prepared = self.prepare(&job, expectation)?;
        let ready = match prepared {
            Some(ended) if self.strikes_prepare() => {
                let ready = ended.code == Some(0);
                judge(ended)?;
                ready
            }
            Some(ended) => {
                succeeded("prepare", &ended)?;
                true
            }
            None => false,
        };
        if ready {
            for stage in STAGES {
                let ended = self.script(&job, stage, expectation)?;
                if self.point.script() != Some(stage) {
                    succeeded(stage, &ended)?;
                    continue;
                }
                let goes_on = ended.code == Some(0);
                judge(ended)?;
                if !goes_on {
                    break;
                }
            }
        }
        let strikes_cleanup = matches!(self.point, Point::Stopping | Point::Searching);
        if strikes_cleanup {
            self.before_cleanup(&job)?;
        }
        let cleanup = || WatchedProcess::start(job.call(&["custom", "cleanup"]));
        if strikes_cleanup {
            let ended = cleanup().end(expectation.within)?;
            judge(ended)?;
            manager.aws.faults(&json!({}));
        }
        // Once more, where it was struck: by then the fault is over, and the runner or a sweep tries again.
        succeeded("cleanup", &cleanup().end(UNHARMED)?)?;
        // From here on it is this test that asks.
        manager.aws.faults(&json!({}));
        job.left_nothing()?;
        let leftovers = leftovers(&manager);
        if !leftovers.is_empty() {
            return Err(format!("files were left: {leftovers:?}"));
        }
        if judged {
            Ok(())
        } else {
            Err("the fault never struck".to_owned())
        }
    }

    fn strikes_prepare(&self) -> bool {
        !matches!(self.point, Point::Stopping | Point::Searching) && self.point.script().is_none()
    }

    /// The container that takes the scripts of the point, where there are several.
    fn container(&self) -> &'static str {
        match (self.server, self.point) {
            (SshServer::JobImage, Point::Connecting | Point::First) => "helper",
            _ => "ci-coordinator",
        }
    }

    fn configure(&self, manager: &ManagerHost, expectation: &Expectation) {
        // Where prepare succeeds all the same it has time for it, on a slow machine, too.
        // Else it has time for a few attempts of a call: those that the SDK makes, or ours where that is RunTask.
        let prepares = expectation.succeeds() || !self.strikes_prepare();
        let start_timeout = if prepares { 120 } else { 10 };
        let public = self.point == Point::Addressing;
        let fargate = format!("StartTimeout = \"{start_timeout}s\"\nEnablePublicIP = {public}\n");
        let ssh =
            "KeepAliveInterval = \"1s\"\nReconnectTimeout = \"20s\"\nConnectTimeout = \"3s\"\n";
        if self.server != SshServer::JobImage {
            manager.configure(&fargate, ssh);
            return;
        }
        let settings = manager.aws.settings();
        let settings = settings.replace("TaskDefinition = \"test-task\"\n", "");
        manager.write_config(&format!(
            "[Fargate]\n{settings}{fargate}[TaskMetadata]\nDirectory = {:?}\n[SSH]\n{ssh}[JobImage]\nEnabled = true\n\
             AgentImage = \"r.example.com/agent:1\"\nHelperImage = \"r.example.com/helper:x86_64-v19.4.0\"\n",
            manager.metadata(),
        ));
    }

    /// The rules for calls of the point's operation.
    fn rules(&self) -> Value {
        let mut when = json!({ "operation": self.point.operation() });
        if self.times == Times::Once {
            when["first"] = json!(1);
        }
        let rules = self.fault.effects.iter();
        let rules: Vec<_> = rules
            .map(|effect| json!({ "when": when, "effect": effect }))
            .collect();
        json!({ "faults": rules })
    }

    /// The rules that hold from the start of the job's first task.
    fn rules_of_tasks(&self) -> Value {
        let first = |container: &str, effect: Value| json!({ "faults": [{ "when": { "first": 1, "container": container }, "effect": effect }] });
        let mut when = json!({});
        if self.times == Times::Once {
            when["first"] = json!(1);
        }
        match self.fault.kind {
            Kind::Task(_) => {
                json!({ "faults": [{ "when": when, "effect": self.fault.effects[0] }] })
            }
            Kind::Port(_) => {
                when["container"] = json!(self.container());
                json!({ "faults": [{ "when": when, "effect": self.fault.effects[0] }] })
            }
            // It is to be there when the fault strikes, and no further.
            Kind::Strike(_) if self.point == Point::Pending => {
                let container = match self.server {
                    SshServer::JobImage => "bootstrap",
                    _ => "ci-coordinator",
                };
                first(container, json!({ "start_delay": { "seconds": 1000 } }))
            }
            Kind::Strike(_) if self.point == Point::Connecting => {
                first(self.container(), json!({ "port_refused": {} }))
            }
            Kind::Strike(_) | Kind::Call | Kind::CallAt(_) => json!({}),
        }
    }

    /// Calls prepare. Nothing comes of it where it is killed.
    fn prepare(&self, job: &Job<'_>, expectation: &Expectation) -> Result<Option<Ended>, String> {
        let aws = &job.manager.aws;
        match self.fault.kind {
            Kind::Call | Kind::CallAt(_) if self.strikes_prepare() => aws.faults(&self.rules()),
            _ => aws.faults(&self.rules_of_tasks()),
        }
        if self.point == Point::Searching {
            let slow = json!({ "when": { "operation": "RunTask" }, "effect": { "slow_reply": { "seconds": 30 } } });
            aws.faults(&json!({ "faults": [slow] }));
        }
        let prepare = WatchedProcess::start(job.call(&["custom", "prepare"]));
        if self.point == Point::Searching {
            self.task(job, |_| true)?;
            prepare.signal(Signal::SIGKILL);
            prepare.end(SOON)?;
            return Ok(None);
        }
        let status = match (self.fault.kind, self.point) {
            (Kind::Strike(_), Point::Pending) => Some("ACTIVATING"),
            (Kind::Strike(_), Point::Connecting) => Some("RUNNING"),
            _ => None,
        };
        if let Some(status) = status {
            let arn = self.task(job, |task| task["lastStatus"] == status)?;
            aws.strike(&arn, &self.strike());
        }
        let bound = if self.strikes_prepare() {
            expectation.within
        } else {
            UNHARMED
        };
        prepare.end(bound).map(Some)
    }

    /// The job's task, once it is so.
    fn task(&self, job: &Job<'_>, is_so: impl Fn(&Value) -> bool) -> Result<String, String> {
        let mut arn = None;
        until("there is a task", || {
            let tasks = job.running();
            let task = tasks.iter().find(|task| is_so(task));
            arn = task.and_then(|task| Some(task["taskArn"].as_str()?.to_owned()));
            arn.is_some()
        })?;
        arn.ok_or_else(|| "no task".to_owned())
    }

    /// The rule that strikes a task.
    fn strike(&self) -> Value {
        match (self.fault.name, self.fault.kind) {
            ("exits" | "memory", Kind::Strike(_)) => {
                json!({ "when": { "container": self.container() }, "effect": self.fault.effects[0] })
            }
            (_, Kind::Strike(_)) => json!({ "effect": self.fault.effects[0] }),
            // What makes run ask AWS, and leaves cleanup nothing to stop.
            _ => json!({ "effect": { "spot_interruption": { "after_seconds": 0 } } }),
        }
    }

    /// Runs a script, and lets the fault strike if it is that one's turn.
    fn script(
        &self,
        job: &Job<'_>,
        stage: &'static str,
        expectation: &Expectation,
    ) -> Result<Ended, String> {
        if self.point.script() != Some(stage) {
            let ended = WatchedProcess::start(job.script(stage, "echo done")).end(UNHARMED)?;
            return Ok(ended);
        }
        if matches!(self.fault.kind, Kind::Port(_)) {
            return WatchedProcess::start(job.script(stage, LOUD)).end(expectation.within);
        }
        let aws = &job.manager.aws;
        let mut run = WatchedProcess::start(job.script(stage, WAITING));
        run.says("started", SOON)?;
        let arn = self.task(job, |_| true)?;
        if self.fault.kind == Kind::Call {
            aws.faults(&self.rules());
        }
        aws.strike(&arn, &self.strike());
        let ended = run.end(expectation.within);
        aws.faults(&json!({}));
        ended
    }

    fn before_cleanup(&self, job: &Job<'_>) -> Result<(), String> {
        let aws = &job.manager.aws;
        if self.fault.kind == Kind::Call {
            aws.faults(&self.rules());
            return Ok(());
        }
        let arn = self.task(job, |_| true)?;
        aws.strike(&arn, &self.strike());
        until("the task is over", || {
            let stories = aws.task_histories();
            let story = stories
                .iter()
                .find(|story| story["taskArn"] == arn.as_str());
            story.is_none_or(|story| story["lastStatus"] == "STOPPED")
        })
    }
}

impl Expectation {
    /// Whether the stage that was struck ended so.
    fn holds(&self, ended: &Ended, job: &Job<'_>) -> Result<(), String> {
        let (code, script) = match self.blame {
            Blame::Nobody => (0, None),
            Blame::System => (22, None),
            Blame::Job => (11, None),
            Blame::Script(code) => (11, Some(code.to_string())),
        };
        let other = |what: String| Err(format!("{what}; {}", ended.story()));
        if ended.code != Some(code) {
            return other(format!("expected was {:?}", self.blame));
        }
        if self.blame != Blame::Nobody && job.exit_code() != script {
            return other(format!("{:?} in the exit code's file", job.exit_code()));
        }
        for words in &self.words {
            if !ended.err.contains(words) && !ended.out.contains(words) {
                return other(format!("it does not say {words:?}"));
            }
        }
        Ok(())
    }
}

fn succeeded(stage: &str, ended: &Ended) -> Result<(), String> {
    if ended.code == Some(0) {
        Ok(())
    } else {
        Err(format!("{stage} failed: {}", ended.story()))
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Result<(), String> {
    let deadline = Instant::now() + SOON;
    while !is_so() {
        if Instant::now() > deadline {
            return Err(format!("waited in vain until {what}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
