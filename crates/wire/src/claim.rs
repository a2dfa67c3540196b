//! How a driver claims a waiting task for a job: a request for an SSH subsystem whose name carries the job's limits.
//!
//! A waiting task has run nothing. An agent agrees to one claim at most, and to none once something has run in its
//! container: one task, one job. From then on it ends its task at the job's deadline, and when no driver has been
//! connected for the job's idle limit. It prints [`CLAIMED`], and ends with status 0; else it refuses the subsystem, as
//! an agent does that knows no such request.

/// The agent's answer to a claim.
pub const CLAIMED: &str = "claimed";

/// SSH subsystem that prints [`CLAIMABLE`], as long as a claim would succeed.
///
/// An agent that knows no claims refuses it, as one does that has run something.
pub const CLAIMABLE_SUBSYSTEM: &str = "claimable@fargate-agent";

/// The answer to [`CLAIMABLE_SUBSYSTEM`].
pub const CLAIMABLE: &str = "claimable";

const PREFIX: &str = "claim-until-";
const IDLE: &str = "-idle-";
const SUFFIX: &str = "@fargate-agent";

/// The limits of a job, for a task that waited for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// When the job is over in any case, in seconds since 1970.
    pub deadline: u64,
    /// Time without a driver after which the task ends, in seconds.
    pub idle: u64,
}

impl Claim {
    /// The subsystem that claims a task.
    #[must_use]
    pub fn subsystem(self) -> String {
        let Self { deadline, idle } = self;
        format!("{PREFIX}{deadline}{IDLE}{idle}{SUFFIX}")
    }

    /// The claim in the name of such a subsystem; `None` for any other name.
    #[must_use]
    pub fn parse(subsystem: &str) -> Option<Self> {
        let limits = subsystem.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
        let (deadline, idle) = limits.split_once(IDLE)?;
        Some(Self {
            deadline: deadline.parse().ok()?,
            idle: idle.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_arrive_and_other_names_are_none() {
        for (deadline, idle) in [(0, 0), (1_800_000_000, 600), (u64::MAX, u64::MAX)] {
            let claim = Claim { deadline, idle };
            assert_eq!(Claim::parse(&claim.subsystem()), Some(claim));
        }
        for other in [
            "",
            "claim-until-1@fargate-agent",
            "claim-until-1-idle-@fargate-agent",
            "claim-until--1-idle-1@fargate-agent",
            "claim-until-1-idle-1",
            "claim-until-1-idle-1-idle-1@fargate-agent",
            "claimable@fargate-agent",
            "keep-until-1@fargate-agent",
        ] {
            assert_eq!(Claim::parse(other), None, "{other}");
        }
    }
}
