//! One stage of many jobs at once.

use std::fs::File;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::json;
use testing::{Job, ManagerHost};

use crate::cost::{children_cpu, pss_kib};

/// Time between two looks at the memory of the driver's processes.
const SAMPLE: Duration = Duration::from_millis(500);

/// Time between two looks for processes that ended.
const POLL: Duration = Duration::from_millis(20);

/// The cost of a stage of all jobs together.
#[derive(Default, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) cpu: Duration,
    pub(crate) peak_pss_kib: u64,
}

/// The end of one job's stage.
pub(crate) struct End {
    pub(crate) after: Duration,
    pub(crate) success: bool,
}

/// So many jobs of a manager.
pub(crate) fn jobs(manager: &ManagerHost, number: usize) -> Vec<Job<'_>> {
    let response = json!({ "variables": null });
    (0..number as u64)
        .map(|number| Job::new(manager, 1000 + number, &response))
        .collect()
}

/// Makes the same call for all jobs at once.
pub(crate) fn stage(jobs: &[Job<'_>], call: impl Fn(&Job<'_>) -> Command) -> (Vec<End>, Load) {
    let cpu_before = children_cpu();
    let begun = Instant::now();
    let start = |job: &Job<'_>| {
        call(job)
            .stdout(File::create(job.path("out")).unwrap())
            .stderr(File::create(job.path("err")).unwrap())
            .spawn()
            .unwrap()
    };
    let mut running: Vec<(Child, Option<End>)> =
        jobs.iter().map(|job| (start(job), None)).collect();
    let mut load = Load::default();
    let mut sample_at = begun;
    while running.iter().any(|(_, end)| end.is_none()) {
        for (child, end) in running.iter_mut().filter(|(_, end)| end.is_none()) {
            if let Some(status) = child.try_wait().unwrap() {
                *end = Some(End {
                    after: begun.elapsed(),
                    success: status.success(),
                });
            }
        }
        if Instant::now() >= sample_at {
            let living = running.iter().filter(|(_, end)| end.is_none());
            let pss = living.map(|(child, _)| pss_kib(child.id())).sum();
            load.peak_pss_kib = load.peak_pss_kib.max(pss);
            sample_at = Instant::now() + SAMPLE;
        }
        std::thread::sleep(POLL);
    }
    load.cpu = children_cpu() - cpu_before;
    let ends = running.into_iter().map(|(_, end)| end.unwrap()).collect();
    (ends, load)
}
