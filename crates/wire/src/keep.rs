//! How a driver keeps a task whose scripts have ended: a request for an SSH subsystem whose name carries the time.
//!
//! An agent that knows no such request refuses the subsystem, as it refuses every other name that it does not know. One
//! that does ends its task at that time by itself, and no longer when no driver comes. It prints the time, which is
//! never later than [`LONGEST_KEEP`] after its first such request, and ends with status 0.

use std::time::Duration;

/// How long a task may be kept.
pub const LONGEST_KEEP: Duration = Duration::from_secs(4 * 3600);

const PREFIX: &str = "keep-until-";
const SUFFIX: &str = "@fargate-agent";

/// The subsystem that keeps a task until this time, in seconds since 1970.
#[must_use]
pub fn keep_subsystem(until: u64) -> String {
    format!("{PREFIX}{until}{SUFFIX}")
}

/// The time in the name of such a subsystem; `None` for any other name.
#[must_use]
pub fn kept_until(subsystem: &str) -> Option<u64> {
    let time = subsystem.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    time.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_arrives_and_other_names_are_none() {
        for until in [0, 1_800_000_000, u64::MAX] {
            assert_eq!(kept_until(&keep_subsystem(until)), Some(until));
        }
        for other in [
            "",
            "keep-until-",
            "keep-until-@fargate-agent",
            "keep-until-1",
            "keep-until--1@fargate-agent",
            "keep-until-99999999999999999999@fargate-agent",
            "script@fargate-agent",
        ] {
            assert_eq!(kept_until(other), None, "{other}");
        }
    }
}
