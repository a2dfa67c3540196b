//! Waiting for what must happen.

use std::time::{Duration, Instant};

/// One second.
pub const SECOND: Duration = Duration::from_secs(1);

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until `condition` holds, and fails after a minute.
#[track_caller]
pub fn wait_until(description: &str, condition: impl FnMut() -> bool) {
    wait_for(PATIENCE, PAUSE, description, condition);
}

/// Waits until `look` returns a value, and fails after a minute.
#[track_caller]
pub fn eventually<T>(description: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut found = None;
    wait_until(description, || {
        found = look();
        found.is_some()
    });
    found.unwrap()
}

/// Waits until `condition` holds, with this pause between two looks, and fails after `bound`.
#[track_caller]
pub fn wait_for(
    bound: Duration,
    pause: Duration,
    description: &str,
    mut condition: impl FnMut() -> bool,
) {
    let deadline = Instant::now() + bound;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {description}");
        std::thread::sleep(pause);
    }
}
