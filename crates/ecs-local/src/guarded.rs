//! A value that several parts of the stand-in read and change.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A shared value behind a lock. The lock is never held across an await.
#[derive(Debug, Default)]
pub(crate) struct Guarded<T>(Arc<Mutex<T>>);

impl<T> Guarded<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    /// Locks the value. A panic elsewhere leaves it usable: changes are small and complete.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Guarded<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
