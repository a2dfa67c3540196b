//! Many trials of a kind at once, on a few threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `act` for each of `all`, so many at once, and returns what went wrong, with its name.
pub(crate) fn each<T: Sync>(
    all: &[T],
    at_once: usize,
    name: impl Fn(&T) -> String + Sync,
    act: impl Fn(&T) -> Result<(), String> + Sync,
) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // The others go on, and the list of failures is complete.
                    let done = catch_unwind(AssertUnwindSafe(|| act(one)))
                        .unwrap_or_else(|_| Err("it panicked, see above".to_owned()));
                    if let Err(failure) = done {
                        let failure = format!("--- {}: {failure}", name(one));
                        println!("{failure}\n");
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    failures.into_inner().unwrap()
}

/// Fails with all of `failures`, if there are any.
#[track_caller]
pub(crate) fn expect_none(failures: &[String]) {
    assert!(
        failures.is_empty(),
        "{} failed:\n\n{}\n",
        failures.len(),
        failures.join("\n\n")
    );
}
