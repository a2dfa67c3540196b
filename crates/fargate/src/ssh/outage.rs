//! The time in which nothing of a script moves, over all of its connections.
//!
//! A path may let logins through and drop large packets: then connection follows connection, and none carries anything.
//! So an outage ends when output or an acknowledgement has moved, and not with a connection.

use std::time::Duration;

use tokio::time::Instant;

/// How long after the agent's answer a connection is probed. By then all that the agent has to send is on its way, and
/// the answer to the probe comes behind it.
pub(super) const PROBE_AFTER: Duration = Duration::from_secs(1);

/// The outage of a script, if there is one, and its bound.
#[derive(Debug)]
pub(super) struct Outage {
    patience: Duration,
    since: Option<Instant>,
}

impl Outage {
    /// No outage so far. One may last for `patience`.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            since: None,
        }
    }

    /// Notes that a connection was lost. Returns whether an outage begins with that.
    pub(super) fn begin(&mut self) -> bool {
        let begins = self.since.is_none();
        self.since.get_or_insert_with(Instant::now);
        begins
    }

    /// Notes that something has moved. Returns how long the outage was that ends with that.
    pub(super) fn end(&mut self) -> Option<Duration> {
        self.since.take().map(|since| since.elapsed())
    }

    /// When an outage is given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.since.map(|since| since + self.patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_lasts_over_connections_until_something_moves() {
        let mut outage = Outage::new(Duration::ZERO);
        assert!(outage.deadline().is_none() && outage.end().is_none());
        assert!(outage.begin());
        let deadline = outage.deadline();
        // Another connection that carried nothing.
        assert!(!outage.begin());
        assert_eq!(outage.deadline(), deadline);
        assert!(deadline.is_some_and(|deadline| deadline <= Instant::now()));
        assert!(outage.end().is_some() && outage.deadline().is_none());
        assert!(outage.begin());
    }
}
