//! The parameters of a search for a connection. The callers of the one road to a task differ by these only.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::config::Ssh;
use crate::task::look_again;

/// Time between attempts while a task starts: its port may open any moment.
const STARTING_PAUSE: Duration = Duration::from_millis(100);

/// Bound of reaching the port while a task starts. Its packets are dropped rather than refused then, and a new attempt
/// gets through sooner than the system's repetition of an old one.
const STARTING_REACH: Duration = Duration::from_secs(1);

/// Pauses between attempts to reach a task that took scripts before, and the bound of reaching its port.
const STAGE_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
const STAGE_REACH: Duration = Duration::from_secs(3);

/// How long a connection is sought before AWS is asked whether the task still runs, and how often after that.
/// Connections are lost more often than tasks.
const ASK_AFTER: Duration = Duration::from_secs(1);
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// How long AWS is not asked for the job's own container: it usually is there.
const ASK_AFTER_START: Duration = Duration::from_secs(2);

/// How long AWS may not know a task that it has promised or shown before: one of its servers may not know the task yet
/// (AWS: eventual consistency). A task that ended stays known for an hour.
const MISSING_GRACE: Duration = Duration::from_secs(60);

/// How long the server of a running task may refuse the key: some images start it before they install the key.
const KEY_GRACE: Duration = Duration::from_secs(10);

/// How long the agent of the job's container may refuse the key or show another host key: the address may have had
/// another task a moment ago.
const STRANGER_GRACE: Duration = Duration::from_secs(5);

/// How long the job's container may run without the agent in it, or half of StartTimeout: entry points may do something
/// first.
const DEAF_GRACE: Duration = Duration::from_secs(120);

/// How long the job's container has at least, of a StartTimeout that the checkout may have used up.
const LEAST_START: Duration = Duration::from_secs(60);

/// How long after the first signal a lost connection is sought.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// How often AWS is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AskPace {
    /// As often as a starting task changes: quickly until its address is known.
    Starting,
    /// At this interval.
    Steady(Duration),
}

impl AskPace {
    /// The pause before the next look, after so long, where the address is known or not.
    pub(crate) fn pause(self, elapsed: Duration, has_address: bool) -> Duration {
        match self {
            Self::Starting => look_again(elapsed, has_address),
            Self::Steady(pause) => pause,
        }
    }
}

/// The effect of a signal to this process on the search.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OnShutdown {
    /// It ends at once.
    Leave,
    /// It goes on for this long, or until the second signal: ending the script takes a connection.
    GoOn(Duration),
}

/// The parameters of one search for a connection.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// When the search is over.
    pub(crate) deadline: Instant,
    /// Pause before the first attempt.
    pub(crate) first_pause: Duration,
    /// Time between the starts of attempts that are under way at once.
    pub(crate) spacing: Duration,
    /// Pauses after attempts that failed.
    pub(crate) backoff: Backoff,
    /// Attempts under way at once.
    pub(crate) attempts: usize,
    /// Bound of reaching the port in one attempt.
    pub(crate) reach_timeout: Duration,
    /// How long a running task's server may refuse the key or show another host key before that is believed.
    pub(crate) wrong_server_grace: Duration,
    /// How long a running container may refuse connections; `None` sets no bound.
    pub(crate) no_server_grace: Option<Duration>,
    /// How long AWS is not asked at first, and how often after that.
    pub(crate) ask_after: Duration,
    /// How often after that.
    pub(crate) ask_pace: AskPace,
    /// How long AWS may not know the task.
    pub(crate) missing_grace: Duration,
    /// The effect of a signal.
    pub(crate) on_shutdown: OnShutdown,
}

impl Policy {
    /// For prepare: the task was asked for a moment ago, and its address is not known.
    pub(crate) fn start(ssh: &Ssh, deadline: Instant) -> Self {
        Self {
            deadline,
            first_pause: Duration::ZERO,
            spacing: STARTING_PAUSE,
            backoff: Backoff::new(STARTING_PAUSE, STARTING_PAUSE),
            attempts: 4,
            reach_timeout: STARTING_REACH.min(ssh.connect_timeout),
            wrong_server_grace: KEY_GRACE,
            no_server_grace: None,
            // At once: until the address is known there is nothing else to do.
            ask_after: Duration::ZERO,
            ask_pace: AskPace::Starting,
            missing_grace: MISSING_GRACE,
            on_shutdown: OnShutdown::Leave,
        }
    }

    /// For a stage that begins: the task took scripts a moment ago.
    pub(crate) fn stage(ssh: &Ssh) -> Self {
        Self {
            deadline: Instant::now() + ssh.reconnect_timeout,
            first_pause: Duration::ZERO,
            spacing: Duration::ZERO,
            backoff: Backoff::new(STAGE_PAUSES.0, STAGE_PAUSES.1),
            attempts: 1,
            reach_timeout: STAGE_REACH.min(ssh.connect_timeout),
            wrong_server_grace: Duration::ZERO,
            no_server_grace: None,
            ask_after: ASK_AFTER,
            ask_pace: AskPace::Steady(ASK_AGAIN),
            missing_grace: MISSING_GRACE,
            on_shutdown: OnShutdown::Leave,
        }
    }

    /// For a script that lost its connection, which is given up at `deadline`.
    pub(crate) fn reconnect(ssh: &Ssh, first_pause: Duration, deadline: Instant) -> Self {
        Self {
            deadline,
            first_pause,
            on_shutdown: OnShutdown::GoOn(STOP_PATIENCE),
            ..Self::stage(ssh)
        }
    }

    /// For the first script that needs the job's own container, whose image may still be on its way. prepare asked for
    /// the task `age` ago, and the task has `start_timeout` to start.
    pub(crate) fn job_container(ssh: &Ssh, start_timeout: Duration, age: Duration) -> Self {
        let patience = start_timeout
            .saturating_sub(age)
            .max(LEAST_START.min(start_timeout));
        Self {
            deadline: Instant::now() + patience,
            backoff: Backoff::new(STARTING_PAUSE, STARTING_PAUSE),
            reach_timeout: STARTING_REACH.min(ssh.connect_timeout),
            wrong_server_grace: STRANGER_GRACE,
            no_server_grace: Some(DEAF_GRACE.min(start_timeout / 2)),
            ask_after: ASK_AFTER_START,
            ask_pace: AskPace::Starting,
            ..Self::stage(ssh)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prepare_looks_at_its_task_at_once_and_then_at_the_pace_of_a_start() {
        let second = Duration::from_secs(1);
        let ssh = Ssh {
            username: "root".into(),
            port: 22,
            connect_timeout: second,
            keepalive_interval: second,
            reconnect_timeout: second,
            is_interactive: true,
        };
        let policy = Policy::start(&ssh, Instant::now());
        assert_eq!(policy.ask_after, Duration::ZERO);
        let again = policy.ask_pace.pause(Duration::ZERO, false);
        assert_eq!(again, Duration::from_millis(200));
    }
}
