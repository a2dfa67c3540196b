//! Many jobs at once on one manager: how long they wait, what they cost the manager, and how often they ask AWS.
//!
//! The stand-in for AWS runs as a process of its own, with AWS's published rate limits unless an option lifts them, and
//! tasks that are reachable 20 seconds after RunTask. Only the driver's processes are counted.

mod plot;

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::simultaneous::{End, Load, jobs, stage};
use crate::stand_in::StandIn;

/// Numbers of jobs when the arguments name none.
const SIZES: [usize; 5] = [1, 10, 50, 100, 200];

/// The script of every job.
const SCRIPT: &str = "echo begun; sleep 8; echo over\n";

/// The results for one number of jobs.
struct Row {
    jobs: usize,
    /// Until the first, half, and all of them took scripts.
    ready: [Duration; 3],
    failed: usize,
    prepare: Load,
    run: Load,
    describe_tasks: u64,
    run_task: u64,
    throttled: u64,
}

/// Options that change what is measured.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Setting {
    /// Without AWS's rate limits.
    pub(crate) unlimited: bool,
    /// Tasks have public addresses, which the driver asks EC2 for.
    pub(crate) public: bool,
}

pub(crate) fn measure(plot: &Path, sizes: Vec<usize>, setting: Setting) {
    let sizes = if sizes.is_empty() {
        SIZES.to_vec()
    } else {
        sizes
    };
    println!(
        "{:>5} {:>22} {:>7} {:>22} {:>22} {:>15} {:>9} {:>10}",
        "jobs",
        "ready: first/half/all",
        "failed",
        "prepare: PSS, CPU/job",
        "run: PSS, CPU/job",
        "DescribeTasks/job",
        "RunTask",
        "throttled"
    );
    let rows: Vec<Row> = sizes.into_iter().map(|jobs| crowd(jobs, setting)).collect();
    plot::draw(plot, &rows).expect("the plot can be written");
}

fn crowd(number: usize, setting: Setting) -> Row {
    let (_stand_in, manager) = StandIn::start(setting.unlimited);
    if setting.public {
        manager.configure("EnablePublicIP = true", "");
    }
    let jobs = jobs(&manager, number);
    let before = manager.aws.stats();
    let (prepared, prepare) = stage(&jobs, |job| job.call(&["custom", "prepare"]));
    let after = manager.aws.stats();
    let calls = |stats: &Value, operation: &str| stats["calls"][operation].as_u64().unwrap();
    let made = |operation| calls(&after, operation) - calls(&before, operation);
    let (ran, run) = stage(&jobs, |job| job.script("build_script", SCRIPT));
    let (cleaned, _) = stage(&jobs, |job| job.call(&["custom", "cleanup"]));
    let failed = (0..number)
        .filter(|job| {
            [&prepared, &ran, &cleaned]
                .iter()
                .any(|ends| !ends[*job].success)
        })
        .count();
    let row = Row {
        jobs: number,
        ready: ready(&prepared),
        failed,
        prepare,
        run,
        describe_tasks: made("DescribeTasks"),
        run_task: made("RunTask"),
        throttled: after["throttled"].as_u64().unwrap(),
    };
    print(&row);
    row
}

/// When the first, half, and all of the prepares had succeeded.
fn ready(prepared: &[End]) -> [Duration; 3] {
    let mut times: Vec<_> = prepared
        .iter()
        .filter(|end| end.success)
        .map(|end| end.after)
        .collect();
    times.sort();
    [0, times.len() / 2, times.len().saturating_sub(1)]
        .map(|index| times.get(index).copied().unwrap_or_default())
}

fn print(row: &Row) {
    let per_job = |load: &Load| load.cpu.as_secs_f64() / row.jobs as f64;
    let pss = |load: &Load| load.peak_pss_kib as f64 / 1024.0;
    let [first, half, all] = row.ready.map(|time| time.as_secs_f64());
    println!(
        "{:>5} {:>22} {:>7} {:>22} {:>22} {:>15.2} {:>9} {:>10}",
        row.jobs,
        format!("{first:.1}/{half:.1}/{all:.1} s"),
        row.failed,
        format!(
            "{:.0} MB, {:.3} s",
            pss(&row.prepare),
            per_job(&row.prepare)
        ),
        format!("{:.0} MB, {:.3} s", pss(&row.run), per_job(&row.run)),
        row.describe_tasks as f64 / row.jobs as f64,
        row.run_task,
        row.throttled,
    );
}
