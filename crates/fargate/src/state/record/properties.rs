//! Records that something has happened to.

use std::net::IpAddr;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::gitlab::Job;
use crate::ssh::KeyPair;
use crate::state::records::{Found, Records};
use crate::task::job_container::ServiceContainer;
use testing::mutation;

fn job() -> Job {
    super::tests::record(7).job
}

/// A record with everything in it, and the secret in that.
fn sample() -> (Value, String) {
    let private_key = KeyPair::generate().unwrap().private().unwrap();
    let mut record = super::tests::record(7);
    record.intend("job-7-00000000-0");
    record.runner = RunnerProcess::runner();
    record.over_at = Some(2_000_000_000);
    let arn = "arn:aws:ecs:eu-west-1:111122223333:task/ci/00000000000000000000000000000000";
    record.started("job-7-00000000-0", &super::tests::task(arn, Some(1024)));
    record.win(
        Login {
            address: IpAddr::from([10, 0, 0, 1]),
            port: 7023,
            username: "fargate".into(),
            host_key:
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMzxVGcVbWvbLfvRBZLpsiPGbFeIxfYPy9zc5UTxLrGM"
                    .into(),
            private_key: private_key.clone(),
        },
        None,
    );
    record.build = Some(JobContainer {
        port: 7022,
        image: "ruby:3.3".into(),
        is_jobs: true,
        services: vec![ServiceContainer {
            container: "service-0".into(),
            label: "db".into(),
            ports: vec![5432],
        }],
    });
    (serde_json::to_value(record).unwrap(), private_key)
}

/// The lines of a private key that are secret: all but its frame.
fn secrets(private_key: &str) -> Vec<&str> {
    private_key
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect()
}

proptest! {
    #[test]
    fn a_damaged_record_is_told_from_a_whole_one_without_showing_the_key(
        (content, private_key) in Just(sample()).prop_flat_map(|(record, key)| (mutation::json_text(record), Just(key))),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::open(folder.path(), 13).unwrap();
        std::fs::write(folder.path().join("t1_abc-7.json"), &content).unwrap();
        match records.find(&job()).unwrap() {
            Found::Nothing => prop_assert!(false, "the file is there"),
            Found::Damaged(why) => {
                for secret in secrets(&private_key) {
                    prop_assert!(!why.contains(secret), "{}", why);
                }
                prop_assert!(why.len() < 300 && !why.contains('\n'), "{}", why);
            }
            Found::Record(record) => {
                prop_assert_eq!((record.job.id, record.job.project_id), (7, 3));
                // A record of this job is found again as it is.
                if record.job.record_name() == job().record_name() {
                    records.save(&record).unwrap();
                    let Found::Record(again) = records.find(&job()).unwrap() else { panic!("it is gone") };
                    prop_assert_eq!(&again, &record);
                }
                if let Some(login) = record.login && let Err(error) = KeyPair::parse(&login.private_key) {
                    for secret in secrets(&login.private_key).into_iter().filter(|line| line.len() > 8) {
                        prop_assert!(!error.to_string().contains(secret), "{}", error);
                    }
                }
            }
        }
    }
}
