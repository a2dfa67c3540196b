//! How many second tasks a manager may start: a token bucket in the folder, which its processes share.
//!
//! A region that is slow or full makes every start lag. Second tasks for all of them would double the load, so there is
//! one for ten starts, and none while AWS refuses.

mod bucket;

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use self::bucket::Bucket;
use super::clock::now_millis;
use super::file_names::HEDGES;
use super::locks::Lock;

/// Bound of the wait for the bucket's file, whose holder only reads and writes it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// The bucket in the folder of the records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hedges<'a> {
    directory: &'a Path,
    /// Whether the configuration asks for second tasks at all: without it there is no file.
    is_on: bool,
}

impl<'a> Hedges<'a> {
    /// The bucket in this folder.
    pub(crate) fn new(directory: &'a Path, is_on: bool) -> Self {
        Self { directory, is_on }
    }

    /// Counts a start.
    pub(crate) async fn started(&self) {
        self.change(|bucket| (bucket.started(), true)).await;
    }

    /// Notes that AWS refused a start for its rate or for want of room.
    pub(crate) async fn refused(&self) {
        let now = now_millis();
        self.change(|bucket| (bucket.refused(now), true)).await;
    }

    /// Takes a token, if there is one.
    pub(crate) async fn take(&self) -> bool {
        let now = now_millis();
        let taken = self.change(|bucket| match bucket.take(now) {
            Some(less) => (less, true),
            None => (bucket, false),
        });
        taken.await
    }

    /// Changes the bucket and passes on the answer; false where it cannot be had.
    async fn change(&self, change: impl FnOnce(Bucket) -> (Bucket, bool)) -> bool {
        if !self.is_on {
            return false;
        }
        let deadline = Instant::now() + LOCK_TIMEOUT;
        let taking = Lock::take(self.directory, HEDGES, "asks for a second task", deadline);
        let mut lock = match taking.await {
            Ok(lock) => lock,
            Err(error) => {
                tracing::debug!("no second task: {error}");
                return false;
            }
        };
        if !lock.keeps_notes() {
            tracing::debug!("no second task: nothing would count it");
            return false;
        }
        let bucket = lock
            .read_any()
            .map_or(Bucket::FULL, |word| Bucket::parse(&word));
        let (bucket, answer) = change(bucket);
        lock.write(&bucket.word());
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::locks;

    #[tokio::test]
    async fn processes_share_the_bucket_and_without_the_setting_there_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let (off, on) = (
            Hedges::new(folder.path(), false),
            Hedges::new(folder.path(), true),
        );
        off.started().await;
        off.refused().await;
        assert!(!off.take().await);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        for _ in 0..3 {
            assert!(Hedges::new(folder.path(), true).take().await);
        }
        assert!(!on.take().await);
        for _ in 0..10 {
            on.started().await;
        }
        on.refused().await;
        assert!(!on.take().await);
    }

    #[tokio::test]
    async fn there_is_none_where_nothing_counts_it() {
        let folder = tempfile::tempdir().unwrap();
        // As when the file is another user's.
        std::fs::create_dir(locks::path(folder.path(), HEDGES)).unwrap();
        assert!(!Hedges::new(folder.path(), true).take().await);
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_fills_no_bucket() {
        let folder = tempfile::tempdir().unwrap();
        let hedges = Hedges::new(folder.path(), true);
        for _ in 0..3 {
            assert!(hedges.take().await);
        }
        let file = std::fs::File::options()
            .write(true)
            .open(locks::path(folder.path(), HEDGES))
            .unwrap();
        file.set_modified(std::time::SystemTime::now() + Duration::from_secs(48 * 3600))
            .unwrap();
        assert!(!hedges.take().await);
    }
}
