//! Output that comes after a script's end, on OpenSSH.
//!
//! OpenSSH keeps the channel open as long as any process that the script left behind holds its output open. The
//! script's own last output may still be on its way, so output is read until the server pauses, but not for ever.

use std::time::Duration;

use tokio::time::Instant;

/// Pause of the server that ends the output.
const IDLE: Duration = Duration::from_secs(1);

/// Bound of the output, without the time in which the runner did not read.
const LIMIT: Duration = Duration::from_secs(5);

/// Upper bound of the script's own output after its end: the channel's window (2 MiB), and the buffers of OpenSSH and
/// the kernel's pipes. A runner that reads slowly gets that much, regardless of time.
const OWN: usize = 4 * 1024 * 1024;

/// The output after the end.
#[derive(Debug)]
pub(super) struct Remainder {
    ended_at: Instant,
    /// When something came, or was passed on, last.
    last: Instant,
    /// How long the runner did not read.
    blocked: Duration,
    taken: usize,
}

impl Remainder {
    /// The script ended.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            ended_at: now,
            last: now,
            blocked: Duration::ZERO,
            taken: 0,
        }
    }

    /// Something of this length came.
    pub(super) fn came(&mut self, length: usize, now: Instant) {
        self.taken += length;
        self.last = now;
    }

    /// It was passed on.
    pub(super) fn passed(&mut self, now: Instant) {
        self.blocked += now.saturating_duration_since(self.last);
        self.last = now;
    }

    /// When no more is waited for.
    pub(super) fn deadline(&self) -> Instant {
        let blocked = if self.taken < OWN {
            self.blocked
        } else {
            Duration::ZERO
        };
        (self.last + IDLE).min(self.ended_at + LIMIT + blocked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_pause_ends_it() {
        let begun = Instant::now();
        let mut remainder = Remainder::new(begun);
        assert_eq!(remainder.deadline(), begun + IDLE);
        remainder.came(10, begun + SECOND / 2);
        assert_eq!(remainder.deadline(), begun + SECOND / 2 + IDLE);
    }

    #[test]
    fn a_process_that_goes_on_printing_has_five_seconds() {
        let begun = Instant::now();
        let mut remainder = Remainder::new(begun);
        let mut now = begun;
        while remainder.deadline() > now {
            now += SECOND / 4;
            remainder.came(10, now);
            remainder.passed(now);
        }
        assert_eq!(now - begun, LIMIT);
    }

    #[test]
    fn a_runner_that_reads_slowly_gets_what_the_script_wrote_and_no_more() {
        let begun = Instant::now();
        let mut remainder = Remainder::new(begun);
        let (mut now, mut taken) = (begun, 0);
        while remainder.deadline() > now {
            remainder.came(32 * 1024, now);
            taken += 32 * 1024;
            // All of it waits for the runner.
            now += SECOND;
            remainder.passed(now);
        }
        assert_eq!(taken, OWN);
    }
}
