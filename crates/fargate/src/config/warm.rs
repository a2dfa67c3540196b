//! `[Warm]`: tasks that wait for jobs.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::globs::Globs;
use super::pool::{self, Pool, PoolsOf, count};
use super::section::Section;
use super::size::Cpu;

/// How many tasks wait at most unless the file says otherwise.
const TASKS: usize = 10;

/// `[Warm]`.
#[derive(Debug, Clone)]
pub(crate) struct Warm {
    /// How many tasks wait at most, of all pools and of `follow` together.
    pub(crate) max_tasks: usize,
    /// How long a task waits at most; then another one replaces it.
    pub(crate) max_age: Duration,
    /// Tasks for what jobs asked for lately.
    pub(crate) follow: Follow,
    /// Tasks that the operator names.
    pub(crate) pools: Vec<Pool>,
}

impl Warm {
    /// Whether tasks wait for jobs at all.
    pub(crate) fn is_on(&self) -> bool {
        !self.pools.is_empty() || self.follow.max_tasks > 0
    }

    /// The CPU of each task that may wait at the same time, where schedules overlap. `None` for that of usual jobs.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = Option<Cpu>> {
        let pools = self.pools.iter();
        let pools = pools.flat_map(|pool| std::iter::repeat_n(pool.cpu, pool.tasks));
        let followed = std::iter::repeat_n(None, self.follow.max_tasks);
        pools.chain(followed).take(self.max_tasks)
    }
}

/// `[Warm] Follow`: tasks for what jobs asked for lately.
#[derive(Debug, Clone)]
pub(crate) struct Follow {
    /// How many of them wait at most; 0 for none.
    pub(crate) max_tasks: usize,
    /// How long after its last job a task is kept ready for another one.
    pub(crate) max_idle: Duration,
    /// Images whose tags may be a little old. `None`: only images by digest are followed.
    pub(crate) images: Option<Globs>,
}

/// Reads the section.
pub(super) fn read(section: Section<'_>, region: Option<&str>, pools_of: PoolsOf<'_>) -> Warm {
    let max_tasks = count(&section, "MaxTasks").unwrap_or(TASKS);
    let max_age = section.duration("MaxAge", Duration::from_secs(2 * 60 * 60));
    let follow = follow(section.table("Follow"), max_tasks);
    let pools = section.tables("Pool").unwrap_or_default();
    let pools: Vec<_> = pools
        .into_iter()
        .filter_map(|pool| pool::read(pool, region, pools_of))
        .collect();
    let always = pools.iter().filter(|pool| pool.schedule.is_always());
    let wanted: usize = always.map(|pool| pool.tasks).sum();
    if wanted > max_tasks {
        section.warn(
            "Pool",
            &format!("asks for {wanted} tasks at all times, and MaxTasks is {max_tasks}: the later pools get fewer"),
        );
    }
    section.finish();
    Warm {
        max_tasks,
        max_age,
        follow,
        pools,
    }
}

fn follow(section: Section<'_>, of_all: usize) -> Follow {
    let max_tasks = count(&section, "MaxTasks").unwrap_or(0);
    if max_tasks > of_all {
        section.warn(
            "MaxTasks",
            &format!(
                "is {max_tasks}, and Warm.MaxTasks, which counts all waiting tasks, is {of_all}"
            ),
        );
    }
    let images = section.strings("Images").filter(|list| !list.is_empty());
    let images = images.and_then(|patterns| {
        Globs::of_images(&patterns)
            .map_err(|problem| section.error("Images", &problem))
            .ok()
    });
    let follow = Follow {
        max_tasks,
        max_idle: section.duration("MaxIdle", Duration::from_secs(15 * 60)),
        images,
    };
    section.finish();
    follow
}
