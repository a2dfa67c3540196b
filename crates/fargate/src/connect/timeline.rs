//! The line of the job log that says where a start's time went.

use std::time::Duration;

use crate::task::TaskTimes;

/// A start that took less explains itself.
const WORTH_A_LINE: Duration = Duration::from_secs(2);

/// The parts of a start, and by which time of AWS's each ends: a machine whose agent reports to ECS; network, roles and
/// secrets until the pull begins; the pull of all images; containers and SSH server until it takes scripts.
const PARTS: [&str; 4] = ["machine", "network", "pull", "start"];

/// Where the time went between RunTask and a connection, as far as AWS has shown it; nothing for a short start. Ends
/// that AWS has not shown yet leave one figure for two parts.
///
/// The whole is measured here and the parts by AWS's clock, so a manager's clock may be wrong.
pub(super) fn timeline(times: &TaskTimes, took: Duration) -> Option<String> {
    if took < WORTH_A_LINE {
        return None;
    }
    let created = times.created?;
    let took = took.as_secs_f64();
    let since = |at: Option<u64>| {
        let seconds = Duration::from_millis(at?.saturating_sub(created)).as_secs_f64();
        Some(seconds.min(took))
    };
    let ends = [
        since(times.connected),
        since(times.pull_started),
        since(times.pull_stopped),
        Some(took),
    ];
    let (mut parts, mut names, mut begun) = (Vec::new(), Vec::new(), 0.0);
    for (name, end) in PARTS.into_iter().zip(ends) {
        names.push(name);
        let Some(end) = end else { continue };
        parts.push(format!(
            "{} {:.1} s",
            listed(&names),
            f64::max(end - begun, 0.0)
        ));
        names.clear();
        begun = f64::max(begun, end);
    }
    Some(format!("Timeline: {}", parts.join(", ")))
}

/// Names as a list: `pull and start`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_start_add_up() {
        let whole = TaskTimes {
            created: Some(100_000),
            connected: Some(114_200),
            pull_started: Some(117_300),
            pull_stopped: Some(131_300),
            ..TaskTimes::default()
        };
        let line = |times: &TaskTimes, took| timeline(times, Duration::from_millis(took));
        assert_eq!(
            line(&whole, 33_800).as_deref(),
            Some("Timeline: machine 14.2 s, network 3.1 s, pull 14.0 s, start 2.5 s")
        );
        // The last look was before the end of the pull, and AWS shows no agent.
        let early = TaskTimes {
            connected: None,
            pull_stopped: None,
            ..whole
        };
        assert_eq!(
            line(&early, 33_800).as_deref(),
            Some("Timeline: machine and network 17.3 s, pull and start 16.5 s")
        );
        let none = TaskTimes::default();
        let created = TaskTimes {
            created: Some(1),
            ..none
        };
        assert_eq!(
            line(&created, 3_000).as_deref(),
            Some("Timeline: machine, network, pull and start 3.0 s")
        );
        assert_eq!(line(&whole, 1_999), None);
        assert_eq!(line(&none, 30_000), None);
        // Clocks that differ make no figure negative.
        assert!(!line(&whole, 2_000).unwrap().contains('-'));
    }
}
