//! The order of the two streams on their way to the runner.
//!
//! GitLab Runner reads each stream from a pipe of its own and puts both into one log, as they come. Where it finds both
//! at once, either may be first. So before a stream is written to, the runner has some time to take in what was written
//! to the other one.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use fargate_wire::script::Stream;
use rustix::io::ioctl_fionread;
use tokio::time::{Instant, sleep};

/// Pause between looks at the other pipe: the least that a timer can.
const PAUSE: Duration = Duration::from_millis(1);

/// Time for the runner to take in the other stream. It needs microseconds, unless the machine is busy.
const LONGEST: Duration = Duration::from_millis(50);

/// Time for all changes between the streams together, beside a tenth of the script's. A runner that does not read at
/// all must not hold up a script for the sake of order.
const ALLOWANCE: Duration = Duration::from_millis(250);

/// Decides who writes when.
#[derive(Debug)]
struct Turns {
    begun: Instant,
    /// The stream that was written to last.
    last: Option<Stream>,
    /// Since when the other stream waits.
    waiting: Option<Instant>,
    /// Time that was spent on waiting before.
    spent: Duration,
}

impl Turns {
    fn new(now: Instant) -> Self {
        Self {
            begun: now,
            last: None,
            waiting: None,
            spent: Duration::ZERO,
        }
    }

    /// Until when `stream` has to wait for the runner to take in the other one, if it has to.
    fn wait_until(&mut self, stream: Stream, now: Instant) -> Option<Instant> {
        self.last.filter(|last| *last != stream)?;
        let since = *self.waiting.get_or_insert(now);
        let allowance = ALLOWANCE + (since - self.begun) / 10;
        Some(since + allowance.saturating_sub(self.spent).min(LONGEST))
    }

    /// It is the turn of `stream`.
    fn take(&mut self, stream: Stream, now: Instant) {
        if let Some(since) = self.waiting.take() {
            self.spent += now - since;
        }
        self.last = Some(stream);
    }
}

/// One stream's part in the order.
#[derive(Debug)]
pub(super) struct Turn {
    own: Stream,
    /// The pipe of the other stream.
    other: OwnedFd,
    turns: Rc<RefCell<Turns>>,
}

impl Turn {
    /// The parts of standard output and standard error, with these pipes.
    pub(super) fn of_both(stdout: OwnedFd, stderr: OwnedFd) -> [Self; 2] {
        let turns = Rc::new(RefCell::new(Turns::new(Instant::now())));
        [(Stream::Stdout, stderr), (Stream::Stderr, stdout)].map(|(own, other)| Self {
            own,
            other,
            turns: turns.clone(),
        })
    }

    /// Waits until it is this stream's turn.
    pub(super) async fn wait(&self) {
        while !self.has_come() {
            sleep(PAUSE).await;
        }
    }

    /// Takes the turn, if nothing stands against it any more.
    fn has_come(&self) -> bool {
        let (now, mut turns) = (Instant::now(), self.turns.borrow_mut());
        let until = turns.wait_until(self.own, now);
        let has_come = until.is_none_or(|until| now >= until || !self.is_other_unread());
        if has_come {
            turns.take(self.own, now);
        }
        has_come
    }

    fn is_other_unread(&self) -> bool {
        ioctl_fionread(&self.other).is_ok_and(|length| length > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];

    #[test]
    fn a_stream_waits_for_the_other_one_only_and_not_for_long() {
        let now = Instant::now();
        let mut turns = Turns::new(now);
        assert_eq!(turns.wait_until(Stream::Stdout, now), None);
        turns.take(Stream::Stdout, now);
        assert_eq!(turns.wait_until(Stream::Stdout, now), None);
        assert_eq!(turns.wait_until(Stream::Stderr, now), Some(now + LONGEST));
        // Asked again, it does not begin anew.
        let later = now + LONGEST / 2;
        assert_eq!(turns.wait_until(Stream::Stderr, later), Some(now + LONGEST));
        turns.take(Stream::Stderr, later);
        assert_eq!(turns.wait_until(Stream::Stderr, later), None);
        assert_eq!(turns.spent, LONGEST / 2);
    }

    #[test]
    fn a_runner_that_does_not_read_costs_a_script_little() {
        let begun = Instant::now();
        let (mut turns, mut now) = (Turns::new(begun), begun);
        for change in 0..10_000 {
            // The script itself takes a millisecond per line.
            now += PAUSE;
            let stream = STREAMS[change % 2];
            now = turns.wait_until(stream, now).unwrap_or(now);
            turns.take(stream, now);
        }
        let delay = now - begun - 10_000 * PAUSE;
        assert!(delay <= ALLOWANCE + (now - begun) / 10, "{delay:?}");
    }

    #[tokio::test]
    async fn the_turn_comes_when_the_other_pipe_has_been_read() {
        use std::io::{Read, Write};
        let (mut reader, mut out) = std::io::pipe().unwrap();
        let (_err_reader, err) = std::io::pipe().unwrap();
        let writer = out.try_clone().unwrap();
        let [stdout, stderr] = Turn::of_both(writer.into(), err.into());
        stdout.wait().await;
        out.write_all(b"line").unwrap();
        assert!(stderr.is_other_unread());
        reader.read_exact(&mut [0; 4]).unwrap();
        assert!(!stderr.is_other_unread());
        stderr.wait().await;
        assert_eq!(stderr.turns.borrow().last, Some(Stream::Stderr));
    }
}
