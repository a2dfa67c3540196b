//! Cleanup, and sweeps in its place, with a configuration or a record that is not what it should be.

use std::time::SystemTime;

use serde_json::json;
use testing::{ManagerHost, SshServer};

use crate::fargate;
use crate::sweep::rewrite;

#[test]
fn a_configuration_that_became_wrong_elsewhere_leaves_no_task() {
    let whole =
        |manager: &ManagerHost| std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    type Change = fn(String) -> String;
    let changes: [Change; 6] = [
        |text| text.replace("Username = ", "Port = \"x\"\nUsername = "),
        |text| text.replace("[Fargate]\n", "[Fargate]\nStartTimeout = \"never\"\n"),
        |text| format!("{text}[JobImage]\nEnabled = true\n"),
        |text| format!("LogLevel = \"loud\"\nLogFile = \"/nowhere/at/all\"\n{text}"),
        // Cleanup does not need the keys whose values the record holds.
        |text| {
            let lines = text.lines().filter(|line| !line.contains("Cluster = "));
            lines.map(|line| format!("{line}\n")).collect()
        },
        // It is no TOML any more.
        |text| format!("{text}\nSubnets = [\n"),
    ];
    for change in changes {
        let manager = ManagerHost::new(fargate(), SshServer::Agent);
        manager.prepare();
        let text = change(whole(&manager));
        manager.write_config(&text);
        let outcome = manager.custom("cleanup");
        assert_eq!(outcome.code, Some(0), "{text}\n{}", outcome.err());
        manager.left_nothing();
    }
}

#[test]
fn a_cleanup_that_cannot_do_more_marks_the_record() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.prepare();
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    // Neither the record nor the file says where the task is.
    rewrite(&manager, |record| record["region"] = json!(""));
    manager.write_config(&config.replace("Region = ", "Region = 1 # "));
    manager
        .custom("cleanup")
        .exits(22)
        .complains(&["it is unknown where the job's task is"]);
    manager.write_config(&config);
    let done = manager.start(&["reap"]).finish().exits(0);
    assert!(done.out().contains("its end had begun"), "{}", done.out());
    manager.left_nothing();
}

#[test]
fn a_damaged_configuration_without_a_record_is_told() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config(&format!("{config}\nSubnets = [\n"));
    manager
        .custom("cleanup")
        .exits(22)
        .complains(&["invalid TOML"]);
}

#[test]
fn a_job_that_its_living_runner_has_done_with_is_over_in_minutes() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    // The runner's folder of the attempt.
    let folder = manager.path("custom-executor1");
    std::fs::create_dir(&folder).unwrap();
    let response = folder.join("response.json");
    std::fs::copy(manager.path("response.json"), &response).unwrap();
    let mut prepare = manager.call(&["custom", "prepare"]);
    prepare.env("JOB_RESPONSE_FILE", &response);
    assert!(prepare.output().unwrap().status.success());
    let reap = || manager.start(&["reap"]).finish().exits(0).out();
    let lives = "kept job 4711 of acme/shop: its GitLab Runner lives";
    assert!(reap().contains(lives));

    // A stage runs on though its folder is gone.
    let script = manager.write_script(b"echo begun; sleep 600");
    let mut running = manager.start(&["custom", "run", script.to_str().unwrap(), "build_script"]);
    running.read_until("begun");
    std::fs::remove_dir_all(&folder).unwrap();
    let missing_since = |manager: &ManagerHost| {
        let record = std::fs::read(manager.records().pop().unwrap()).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        record["missing_since"].as_u64()
    };
    assert!(reap().contains(lives));
    assert_eq!(missing_since(&manager), None);
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.finish();

    // Once is not enough, nor is twice within three minutes.
    assert!(reap().contains(lives));
    assert!(reap().contains(lives));
    let first = missing_since(&manager).unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    assert!(now.unwrap().as_secs() - first < 60);
    rewrite(&manager, |record| {
        record["missing_since"] = json!(first - 180)
    });
    let done = reap();
    assert!(
        done.contains("ended job 4711 of acme/shop, task ")
            && done.contains("its GitLab Runner has removed the job's folder"),
        "{done}"
    );
    manager.left_nothing();
    assert!(!manager.metadata().join("t1_abc-4711.stages").exists());
}
