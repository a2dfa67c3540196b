//! The memory of a task, which all its containers share.
//!
//! The engine limits each container by itself. Where all together use more than the task has, the kernel of Fargate's
//! machine ends processes; here the container that uses most ends.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::ContainerMemory;
use crate::guarded::Guarded;

/// The interval at which containers are looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// The memory of a task.
#[derive(Clone, Debug)]
pub(super) struct TaskMemory {
    /// The bytes that the task has.
    limit: u64,
    /// The bytes that each container uses, by its position.
    used: Guarded<BTreeMap<usize, u64>>,
}

impl TaskMemory {
    pub(super) fn new(mib: i64) -> Self {
        Self {
            limit: u64::try_from(mib).unwrap_or_default() * 1024 * 1024,
            used: Guarded::default(),
        }
    }

    /// Completes when the container has to end.
    pub(super) async fn exceeded_by(&self, container: usize, memory: Option<ContainerMemory>) {
        let Some(memory) = memory else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(INTERVAL).await;
            if let Some(bytes) = memory.used()
                && self.is_exceeded_by(container, bytes)
            {
                return;
            }
        }
    }

    /// Notes the memory that a container uses. Whether all together use too much, and it the most.
    fn is_exceeded_by(&self, container: usize, bytes: u64) -> bool {
        let mut used = self.used.lock();
        used.insert(container, bytes);
        let all: u64 = used.values().sum();
        all > self.limit && used.values().all(|other| *other <= bytes)
    }

    /// Forgets a container that has ended.
    pub(super) fn ended(&self, container: usize) {
        self.used.lock().remove(&container);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_container_ends_when_all_together_use_too_much() {
        const MIB: u64 = 1024 * 1024;
        let memory = TaskMemory::new(512);
        assert!(!memory.is_exceeded_by(0, 300 * MIB));
        assert!(!memory.is_exceeded_by(1, 212 * MIB));
        assert!(
            !memory.is_exceeded_by(1, 213 * MIB),
            "it is not the largest"
        );
        assert!(memory.is_exceeded_by(0, 300 * MIB));
        memory.ended(0);
        assert!(!memory.is_exceeded_by(1, 400 * MIB));
    }
}
