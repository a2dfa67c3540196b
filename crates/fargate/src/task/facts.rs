//! The facts about a task that outlive it: its times, its size and its place. The ledger keeps them.

use serde::{Deserialize, Serialize};

/// The code of a task that a call of StopTask ended (AWS: Task, stopCode).
const STOPPED_BY_CALL: &str = "UserInitiated";

/// When a task reached the points of its life, in milliseconds since 1970, as far as AWS shows them (AWS: Task).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskTimes {
    /// AWS took the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) created: Option<u64>,
    /// It got its address. AWS does not say when, so this is the middle between the last look without it and the first
    /// with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) addressed: Option<u64>,
    /// The agent on its machine reported to ECS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) connected: Option<u64>,
    /// The first pull began. AWS bills from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pull_started: Option<u64>,
    /// The last pull ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pull_stopped: Option<u64>,
    /// It was `RUNNING`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) started: Option<u64>,
    /// Its stop began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stopping: Option<u64>,
    /// It was `STOPPED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stopped: Option<u64>,
}

/// The facts of one task. Later looks show more of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TaskFacts {
    /// Its times.
    #[serde(default)]
    pub(crate) times: TaskTimes,
    /// Family of its definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) family: Option<String>,
    /// Revision of its definition; lines of older drivers have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<u32>,
    /// Image of the job's container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) image: Option<String>,
    /// CPU units, 1024 to the vCPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<u32>,
    /// Memory in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<u32>,
    /// Ephemeral storage in GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) storage: Option<u32>,
    /// `x86_64` or `arm64` (AWS: attribute ecs.cpu-architecture).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) architecture: Option<String>,
    /// Capacity provider; none with a launch type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<String>,
    /// Availability zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<String>,
    /// AWS's code for its stop (AWS: Task, stopCode).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stop_code: Option<String>,
}

impl TaskTimes {
    /// These times, and earlier ones where these lack some: one of AWS's servers may answer with an older state.
    pub(crate) fn or(self, earlier: Self) -> Self {
        Self {
            created: self.created.or(earlier.created),
            addressed: self.addressed.or(earlier.addressed),
            connected: self.connected.or(earlier.connected),
            pull_started: self.pull_started.or(earlier.pull_started),
            pull_stopped: self.pull_stopped.or(earlier.pull_stopped),
            started: self.started.or(earlier.started),
            stopping: self.stopping.or(earlier.stopping),
            stopped: self.stopped.or(earlier.stopped),
        }
    }
}

impl TaskFacts {
    /// Whether something else than a call of StopTask ended it: AWS, or a container of its own.
    pub(crate) fn was_lost(&self) -> bool {
        let code = self.stop_code.as_deref();
        code.is_some_and(|code| code != STOPPED_BY_CALL)
    }

    /// These facts, and those of an earlier look where these lack some.
    pub(crate) fn or(self, earlier: Self) -> Self {
        Self {
            times: self.times.or(earlier.times),
            family: self.family.or(earlier.family),
            revision: self.revision.or(earlier.revision),
            image: self.image.or(earlier.image),
            cpu: self.cpu.or(earlier.cpu),
            memory: self.memory.or(earlier.memory),
            storage: self.storage.or(earlier.storage),
            architecture: self.architecture.or(earlier.architecture),
            provider: self.provider.or(earlier.provider),
            zone: self.zone.or(earlier.zone),
            // The first stop is the one that ended it.
            stop_code: earlier.stop_code.or(self.stop_code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_look_adds_and_takes_nothing_away() {
        let times = |created, started| TaskTimes {
            created,
            started,
            ..TaskTimes::default()
        };
        let facts = |times, zone: Option<&str>| TaskFacts {
            times,
            zone: zone.map(str::to_owned),
            ..TaskFacts::default()
        };
        let first = facts(times(Some(1), None), Some("a"));
        let stale = facts(times(None, Some(2)), None);
        assert_eq!(stale.or(first), facts(times(Some(1), Some(2)), Some("a")));
    }
}
