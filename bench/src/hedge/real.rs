//! Real starts against the stand-in at AWS's pace: first without second tasks, which fills the ledger, then with them.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testing::{Job, ManagerHost, SshServer};

use super::{Figures, ONE_IN, SEED, SLOWER, in_order};
use crate::fargate;

/// The scale of AWS's own time (27.9 s) for a start of 25 s, of which 8 s go until it has an address.
const LATENCY: f64 = 0.897;

/// Time between two starts.
const SPACING: Duration = Duration::from_secs(1);

/// The subnets of the account.
const SUBNETS: [&str; 2] = [ecs_local::SUBNET_A, ecs_local::SUBNET_B];

pub(super) fn measure(starts: usize) -> Vec<Figures> {
    let slow = json!({ "seed": SEED, "faults": [{ "when": { "probability": ONE_IN },
        "effect": { "slow_start": { "at": "address", "seconds": SLOWER } } }] });
    let manager = ManagerHost::with_latency(fargate(), SshServer::Agent, &slow, LATENCY);
    let mut settings = Vec::new();
    for (round, setting) in ["off", "auto"].into_iter().enumerate() {
        configure(&manager, setting);
        // The same draws for both.
        manager.aws.faults(&slow);
        let before = report(&manager);
        let times = prepare_all(&manager, starts, 10_000 * (round as u64 + 1));
        let after = report(&manager);
        let part = |pointer: &str| {
            let value = |report: &Value| report.pointer(pointer).and_then(Value::as_f64).unwrap();
            value(&after) - value(&before)
        };
        let behind = part("/cost/total/hedged_hours");
        // A quarter of a vCPU each.
        let all = part("/cost/total/vcpu_hours") * 4.0;
        settings.push(Figures {
            title: format!("{starts} real, jobs without a script"),
            setting: setting.to_owned(),
            starts: in_order(times),
            hedges: part("/starts/hedges/count") as u64,
            won: part("/starts/hedges/won") as u64,
            more: behind / (all - behind),
        });
    }
    manager.left_nothing();
    settings
}

fn configure(manager: &ManagerHost, setting: &str) {
    manager.configure(&format!("HedgeAfter = {setting:?}"), "");
    let file = manager.path("fargate.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let (one, both) = (
        format!("Subnet = {:?}", SUBNETS[0]),
        format!("Subnets = {SUBNETS:?}"),
    );
    std::fs::write(&file, config.replace(&one, &both)).unwrap();
}

/// How long each of so many prepares took, which begin one after the other.
fn prepare_all(manager: &ManagerHost, starts: usize, first: u64) -> Vec<Duration> {
    let one = |id: u64| {
        let job = Job::new(manager, id, &json!({ "variables": null }));
        let begun = Instant::now();
        let call = |stage: &str| {
            let status = job.call(&["custom", stage]).stdout(Stdio::null()).status();
            assert!(status.unwrap().success(), "{stage} of job {id}");
        };
        call("prepare");
        let took = begun.elapsed();
        call("cleanup");
        took
    };
    std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..starts as u64)
            .map(|number| {
                std::thread::sleep(SPACING);
                scope.spawn(move || one(first + number))
            })
            .collect();
        jobs.into_iter().map(|job| job.join().unwrap()).collect()
    })
}

fn report(manager: &ManagerHost) -> Value {
    let output = manager.call(&["report", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    match report["starts"]["hedges"].is_object() {
        true => report,
        false => panic!("{report}"),
    }
}
