//! The drivers that attach to a script, one after the other. Only the last one counts.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// Numbers the drivers of one script in the order in which they attach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct DriverNumber(u64);

/// The drivers of one script.
#[derive(Default)]
pub(crate) struct Drivers(watch::Sender<Attached>);

#[derive(Debug, Clone, Copy, Default)]
struct Attached {
    current: Option<DriverNumber>,
    latest: DriverNumber,
}

impl Drivers {
    /// Attaches a driver in place of any other.
    pub(crate) fn attach(&self) -> DriverNumber {
        let mut number = DriverNumber::default();
        self.0.send_modify(|attached| {
            attached.latest.0 += 1;
            number = attached.latest;
            attached.current = Some(number);
        });
        number
    }

    /// Detaches the driver with this number; returns whether it was the current one.
    pub(crate) fn detach(&self, number: DriverNumber) -> bool {
        self.0.send_if_modified(|attached| {
            let is_current = attached.current == Some(number);
            if is_current {
                attached.current = None;
            }
            is_current
        })
    }

    /// Whether the driver with this number is the one that counts.
    pub(crate) fn is_current(&self, number: DriverNumber) -> bool {
        self.0.borrow().current == Some(number)
    }

    /// Resolves when another driver has replaced the one with this number.
    pub(crate) async fn superseded(&self, number: DriverNumber) {
        let mut attached = self.0.subscribe();
        // Never fails: the sender is ours.
        attached
            .wait_for(|attached| attached.latest > number)
            .await
            .ok();
    }

    /// Resolves when no driver has been attached for as long as `patience`.
    pub(crate) async fn absent_for(&self, patience: Duration) {
        let mut attached = self.0.subscribe();
        loop {
            attached
                .wait_for(|attached| attached.current.is_none())
                .await
                .ok();
            let back = attached.wait_for(|attached| attached.current.is_some());
            if timeout(patience, back).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_driver_counts() {
        let drivers = Drivers::default();
        let first = drivers.attach();
        let second = drivers.attach();
        assert!(!drivers.is_current(first) && drivers.is_current(second));
        assert!(!drivers.detach(first) && drivers.is_current(second));
        assert!(drivers.detach(second) && !drivers.is_current(second));
    }
}
