//! Many jobs at once on one manager: how long they wait, what they cost the manager, and how often they ask AWS.
//!
//! The stand-in for AWS runs as a process of its own, with AWS's published rate limits unless they are not wanted, and tasks
//! that are reachable 20 seconds after they were asked for. Only the driver's processes are counted.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use plotters::prelude::*;
use serde_json::{Value, json};
use testing::{Account, Job, ManagerHost};

use crate::fargate;

/// Numbers of jobs when the arguments name none.
const SIZES: [usize; 5] = [1, 10, 50, 100, 200];

/// How long a task takes that is asked for alone, in seconds, and the scale of AWS's own time (27.9 s) for that.
const TASK: f64 = 20.0;
const LATENCY: &str = "0.717";

/// What every job runs.
const SCRIPT: &str = "echo begun; sleep 8; echo over\n";

/// Time between two looks at the memory of the driver's processes.
const SAMPLE: Duration = Duration::from_millis(500);

/// What so many jobs took.
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

/// What a stage of all the jobs together took of the manager.
#[derive(Default, Clone, Copy)]
struct Load {
    cpu: Duration,
    peak_pss_kib: u64,
}

/// What is measured beside the usual.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Setting {
    /// Without AWS's rate limits.
    pub(crate) unlimited: bool,
    /// Tasks are reached by public addresses, which EC2 is asked for.
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
    draw(plot, &rows).expect("the plot can be written");
}

/// A stand-in in a process of its own.
struct Serving {
    process: Child,
    _stdout: BufReader<ChildStdout>,
}

impl Serving {
    fn start(unlimited: bool) -> (Self, Account) {
        let mut process = Command::new(crate::fargate())
            .args(["local", "serve", "--listen", "127.0.0.1:0"])
            .args(["--latency", LATENCY])
            .args((!unlimited).then_some("--throttle"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let (_, rest) = line
            .split_once("http://")
            .expect("it says where it answers");
        let address = rest.split_whitespace().next().unwrap().parse().unwrap();
        let serving = Self {
            process,
            _stdout: stdout,
        };
        (serving, Account::at(address))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let id = i32::try_from(self.process.id()).unwrap();
        let id = nix::unistd::Pid::from_raw(id);
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
        self.process.wait().unwrap();
    }
}

fn crowd(jobs: usize, setting: Setting) -> Row {
    let (serving, aws) = Serving::start(setting.unlimited);
    let manager = ManagerHost::in_account(fargate(), aws, tempfile::tempdir().unwrap());
    if setting.public {
        manager.configure("EnablePublicIP = true", "");
    }
    let asked = json!({ "variables": null });
    let all: Vec<_> = (0..jobs as u64)
        .map(|number| Job::new(&manager, 1000 + number, &asked))
        .collect();
    let before = manager.aws.stats();
    let (ends, prepare) = stage(&all, |job| job.call(&["custom", "prepare"]));
    let after = manager.aws.stats();
    let calls = |stats: &Value, operation: &str| stats["calls"][operation].as_u64().unwrap();
    let made = |operation| calls(&after, operation) - calls(&before, operation);
    let mut ready: Vec<_> = ends
        .iter()
        .filter(|end| end.good)
        .map(|end| end.after)
        .collect();
    ready.sort();
    let (ran, run) = stage(&all, |job| job.script("build_script", SCRIPT));
    let (cleaned, _) = stage(&all, |job| job.call(&["custom", "cleanup"]));
    let failed =
        (0..jobs).filter(|job| [&ends, &ran, &cleaned].iter().any(|ends| !ends[*job].good));
    let at = |index: usize| ready.get(index).copied().unwrap_or_default();
    let row = Row {
        jobs,
        ready: [
            at(0),
            at(ready.len() / 2),
            at(ready.len().saturating_sub(1)),
        ],
        failed: failed.count(),
        prepare,
        run,
        describe_tasks: made("DescribeTasks"),
        run_task: made("RunTask"),
        throttled: after["throttled"].as_u64().unwrap(),
    };
    drop(serving);
    print(&row);
    row
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

/// How a job's stage ended.
struct End {
    after: Duration,
    good: bool,
}

/// Makes the same call for all jobs at once.
fn stage(jobs: &[Job<'_>], call: impl Fn(&Job<'_>) -> Command) -> (Vec<End>, Load) {
    let cpu_before = crate::children_cpu();
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
                    good: status.success(),
                });
            }
        }
        if Instant::now() >= sample_at {
            let living = running.iter().filter(|(_, end)| end.is_none());
            let pss = living.map(|(child, _)| pss_kib(child.id())).sum();
            load.peak_pss_kib = load.peak_pss_kib.max(pss);
            sample_at = Instant::now() + SAMPLE;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    load.cpu = crate::children_cpu() - cpu_before;
    let ends = running.into_iter().map(|(_, end)| end.unwrap()).collect();
    (ends, load)
}

/// A process's memory, with its share of what it shares with others.
fn pss_kib(process: u32) -> u64 {
    let rollup =
        std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

/// Time until all are ready, memory, and calls, over the number of jobs.
fn draw(plot: &Path, rows: &[Row]) -> Result<(), Box<dyn std::error::Error>> {
    let most = rows.iter().map(|row| row.jobs).max().unwrap_or(1);
    let series = |value: &dyn Fn(&Row) -> f64| -> Vec<(f64, f64)> {
        rows.iter()
            .map(|row| (row.jobs as f64, value(row)))
            .collect()
    };
    let panels = [
        (
            "seconds until all jobs take scripts",
            series(&|row| row.ready[2].as_secs_f64()),
            2.0 * TASK,
        ),
        (
            "MB of memory, all prepare processes",
            series(&|row| row.prepare.peak_pss_kib as f64 / 1024.0),
            1.0,
        ),
        (
            "MB of memory, all run processes",
            series(&|row| row.run.peak_pss_kib as f64 / 1024.0),
            1.0,
        ),
        (
            "DescribeTasks calls, of all jobs together",
            series(&|row| row.describe_tasks as f64),
            most as f64,
        ),
    ];
    let area = SVGBackend::new(plot, (900, 600)).into_drawing_area();
    area.fill(&WHITE)?;
    for (panel, (title, points, least)) in area.split_evenly((2, 2)).iter().zip(panels) {
        let top = points
            .iter()
            .map(|(_, value)| value * 1.15)
            .fold(least, f64::max);
        let mut chart = ChartBuilder::on(panel)
            .caption(title, ("sans-serif", 16))
            .margin(12)
            .x_label_area_size(30)
            .y_label_area_size(50)
            .build_cartesian_2d(0.0..most as f64 * 1.05, 0.0..top)?;
        chart
            .configure_mesh()
            .x_desc("jobs at once")
            .x_label_formatter(&|jobs| format!("{jobs:.0}"))
            .y_label_formatter(&|value| format!("{value:.0}"))
            .light_line_style(WHITE)
            .draw()?;
        chart.draw_series(LineSeries::new(points.iter().copied(), &BLUE))?;
        chart.draw_series(
            points
                .iter()
                .map(|point| Circle::new(*point, 3, BLUE.filled())),
        )?;
    }
    area.present()?;
    Ok(())
}
