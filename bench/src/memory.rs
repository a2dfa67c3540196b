//! The memory that each of many processes of a manager adds.
//!
//! It is counted as PSS, where a page that several processes map counts once in all: the program's code is in memory
//! once, however many processes run it. The peak RSS of a single process counts it for each.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use testing::Job;

use crate::cost::pss_kib;
use crate::openssh::OpenSsh;
use crate::simultaneous::{End, jobs, stage};
use crate::stand_in::StandIn;
use crate::table::{megabytes, row};

/// Jobs at once.
const JOBS: usize = 200;

/// Waits far longer than the measurement takes, which ends it.
const SCRIPT: &str = "echo begun; exec sleep 3600\n";

/// Time for processes to come to rest after their script has begun.
const REST: Duration = Duration::from_secs(1);

/// The memory of all processes of a stage.
struct Memory {
    prepare_kib: u64,
    run_kib: u64,
    ssh_kib: u64,
}

pub(crate) fn measure() {
    let (one, all) = (Memory::with_jobs(1), Memory::with_jobs(JOBS));
    let added = |memory: fn(&Memory) -> u64| {
        let more = memory(&all).saturating_sub(memory(&one));
        megabytes(more as f64 / (JOBS - 1) as f64)
    };
    row(
        &format!("memory that each of {JOBS} concurrent runs adds (PSS), our agent"),
        &added(|memory| memory.run_kib),
        &added(|memory| memory.ssh_kib),
        "0.8 MB",
    );
    row(
        &format!("memory that each of {JOBS} concurrent prepares adds (PSS)"),
        &added(|memory| memory.prepare_kib),
        "-",
        "1.2 MB",
    );
}

impl Memory {
    fn with_jobs(number: usize) -> Self {
        let (_stand_in, manager) = StandIn::start(true);
        let jobs = jobs(&manager, number);
        let succeed = |ends: &[End]| assert!(ends.iter().all(|end| end.success), "a job failed");
        // All prepares run at the same time: tasks take far longer than it takes to start the processes.
        let (ends, prepare) = stage(&jobs, |job| job.call(&["custom", "prepare"]));
        succeed(&ends);
        let runs = jobs.iter().map(|job| job.script("build_script", SCRIPT));
        let run_kib = memory_of_waiting(runs);
        let clients = OpenSsh::for_all(&manager);
        assert_eq!(clients.len(), number);
        let script = manager.write_script(SCRIPT.as_bytes());
        let ssh_kib = memory_of_waiting(clients.iter().map(|client| {
            let mut command = client.command();
            command.stdin(File::open(&script).unwrap());
            command
        }));
        let (ends, _) = stage(&jobs, |job: &Job<'_>| job.call(&["custom", "cleanup"]));
        succeed(&ends);
        Self {
            prepare_kib: prepare.peak_pss_kib,
            run_kib,
            ssh_kib,
        }
    }
}

/// The memory of all these commands while their scripts wait. Each starts when the script before it has begun.
fn memory_of_waiting(commands: impl Iterator<Item = Command>) -> u64 {
    let mut waiting: Vec<Child> = commands.map(start_script).collect();
    std::thread::sleep(REST);
    let kib = waiting.iter().map(|child| pss_kib(child.id())).sum();
    for child in &mut waiting {
        assert_eq!(child.try_wait().unwrap(), None, "a script ended early");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    kib
}

fn start_script(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "begun\n", "a script did not begin");
    child
}
