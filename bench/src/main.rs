//! Measures the driver as it is released, beside OpenSSH's `ssh` against the same server in the same run, and prints a
//! table. Timings on a shared machine are noisy: the ratio counts, not the second.

mod agent;
mod cost;
mod crowd;
mod driver;
mod failures;
mod hedge;
mod memory;
mod openssh;
mod prepare;
mod run;
mod simultaneous;
mod stand_in;
mod table;
mod warm;

use std::sync::OnceLock;

/// Runs of each measurement when the arguments give no number; the median counts.
const RUNS: usize = 9;

/// Real starts with second tasks, and without.
const HEDGED_STARTS: usize = 60;

const USAGE: &str = "usage: bench FARGATE [RUNS]\n       bench FARGATE agent AGENT\n       bench FARGATE crowd [--unlimited] [--public] PLOT.svg [JOBS ...]\n       bench FARGATE hedge [STARTS]\n       bench FARGATE warm ALONE AT_ONCE";

static FARGATE: OnceLock<String> = OnceLock::new();

/// The program that is measured.
fn fargate() -> &'static str {
    FARGATE.get().expect("main sets it first")
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (program, rest) = arguments.split_first().expect(USAGE);
    let program = std::fs::canonicalize(program).expect("the driver exists");
    FARGATE
        .set(program.to_string_lossy().into_owned())
        .expect("it is set once");
    match rest.split_first().map(|(mode, rest)| (mode.as_str(), rest)) {
        Some(("agent", [agent])) => agent::measure(agent, RUNS),
        Some(("crowd", rest)) => measure_crowd(rest),
        Some(("hedge", [])) => hedge::measure(HEDGED_STARTS),
        Some(("hedge", [starts])) => hedge::measure(starts.parse().expect(USAGE)),
        Some(("warm", [alone, at_once])) => {
            warm::measure(alone.parse().expect(USAGE), at_once.parse().expect(USAGE));
        }
        Some((runs, [])) => measure_driver(runs.parse().expect(USAGE)),
        Some(_) => panic!("{USAGE}"),
        None => measure_driver(RUNS),
    }
}

fn measure_driver(runs: usize) {
    table::head();
    prepare::measure();
    run::measure(runs);
    memory::measure();
    failures::measure();
}

fn measure_crowd(arguments: &[String]) {
    let (options, rest): (Vec<&String>, Vec<&String>) = arguments
        .iter()
        .partition(|argument| argument.starts_with("--"));
    let has = |name: &str| options.iter().any(|option| *option == name);
    let setting = crowd::Setting {
        unlimited: has("--unlimited"),
        public: has("--public"),
    };
    let (plot, sizes) = rest.split_first().expect(USAGE);
    let sizes = sizes.iter().map(|size| size.parse().expect(USAGE));
    crowd::measure(plot.as_ref(), sizes.collect(), setting);
}
