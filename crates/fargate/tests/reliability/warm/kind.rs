//! Kinds of processes that are killed, and their jobs.

use std::sync::OnceLock;

use serde_json::{Value, json};
use testing::{Job, ManagerHost};

use super::host;

/// The work of a process that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A prepare that claims a waiting task.
    Claim,
    /// A prepare whose start lags, so that it has a second task.
    Hedge,
    /// A prepare that AWS refuses for its quota, so that a waiting task yields to it.
    Yield,
    /// A script, or the cleanup, of a job whose prepare was over before it could be killed.
    Later,
    /// `fargate warm keep`.
    Keep,
}

/// The kinds of prepare.
pub(super) const PREPARES: [Kind; 3] = [Kind::Claim, Kind::Hedge, Kind::Yield];

/// The image of jobs that AWS refuses, and of the pool and all others.
const REFUSED_IMAGE: &str = "ruby:3.4";
const IMAGE: &str = "ruby:3.3";

/// The provider of tasks that start slowly. Those of the pool have the cluster's own.
const SLOW: &str = "FARGATE_SPOT";

/// AWS's words where an account has no vCPU left (as in the tests of the stages).
const QUOTA: &str = "You've reached the limit on the number of vCPUs you can run concurrently";

impl Kind {
    /// A job whose prepare is of this kind.
    pub(super) fn job(self, manager: &ManagerHost, id: u64) -> Job<'_> {
        let image = match self {
            Self::Yield => REFUSED_IMAGE,
            _ => IMAGE,
        };
        let asked = json!({ "variables": null, "image": { "name": image } });
        Job::new(manager, id, &asked)
    }

    /// The job's own variables.
    pub(super) fn variables(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Hedge => &[("CUSTOM_ENV_FARGATE_CAPACITY_PROVIDER", SLOW)],
            _ => &[("CUSTOM_ENV_FARGATE_HEDGE", "false")],
        }
    }
}

/// The faults that make jobs have second tasks, and that have a task yield to the next job that AWS refuses. Calls take
/// their time.
pub(super) fn faults(seed: u64) -> Value {
    let slow = json!({ "slow_start": { "at": "address", "seconds": { "uniform": [0.5, 2.0] } } });
    let call = json!({ "slow_reply": { "seconds": 0.2 } });
    json!({ "seed": seed, "faults": [
        { "when": { "capacity_provider": SLOW }, "effect": slow },
        { "when": { "family": refused_family(), "first": 1 }, "effect": { "no_capacity": { "reason": QUOTA } } },
        { "when": { "operation": "RunTask", "probability": 0.3 }, "effect": call },
        { "when": { "operation": "StopTask", "probability": 0.3 }, "effect": call },
    ] })
}

/// The family of the definition for jobs that AWS refuses: it follows from their image.
fn refused_family() -> &'static str {
    static FAMILY: OnceLock<String> = OnceLock::new();
    FAMILY.get_or_init(|| {
        let manager = host(&json!({}), "", "");
        let job = Kind::Yield.job(&manager, 1);
        for stage in ["prepare", "cleanup"] {
            let status = job.call(&["custom", stage]).output().unwrap().status;
            assert!(status.success(), "{stage}: {status}");
        }
        let arn = &manager.aws.stopped()[0]["taskDefinitionArn"];
        let (_, name) = arn.as_str().unwrap().rsplit_once('/').unwrap();
        let (family, _) = name.split_once(':').unwrap();
        family.to_owned()
    })
}
