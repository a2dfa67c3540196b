//! A wrong configuration: a message that says what to do, the right exit code, no task and no record left.

use testing::{ManagerHost, SshServer};

use crate::fargate;

#[test]
fn no_configuration_file() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    std::fs::remove_file(manager.path("fargate.toml")).unwrap();
    for stage in ["config", "prepare", "cleanup"] {
        manager.custom(stage).exits(22).complains(&[
            "could not read the configuration",
            "fargate.toml",
            "--config",
        ]);
    }
}

#[test]
fn a_configuration_that_is_no_toml() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.write_config("[Fargate]\nCluster = \"a\nRegion = 1\n");
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["fargate.toml: line 2, column 13: invalid TOML"]);
}

#[test]
fn wrong_values_are_all_named() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.configure("StartTimeout = \"soon\"", "KeepAliveInterval = 3");
    let parts = [
        "Fargate.StartTimeout is \"soon\"",
        "SSH.KeepAliveInterval must be a string",
        "docs/configuration.md",
    ];
    manager.custom("prepare").exits(22).complains(&parts);
    manager.custom("run").exits(22);
}

#[test]
fn a_region_that_is_none_and_arns_of_another_are_refused_by_config() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    let config = std::fs::read_to_string(manager.path("fargate.toml")).unwrap();
    manager.write_config(&config.replace("\"eu-west-1\"", "\"eu-west-1a\""));
    let zone = "Fargate.Region is \"eu-west-1a\", but must be an AWS region, like \"eu-west-1\"";
    manager.custom("config").exits(22).complains(&[zone]);

    let arn = |kind: &str| format!("arn:aws:ecs:us-east-2:000000000000:{kind}/test");
    let elsewhere = config
        .replace("\"test-cluster\"", &format!("{:?}", arn("cluster")))
        .replace("\"test-task\"", &format!("{:?}", arn("task-definition")));
    manager.write_config(&elsewhere);
    manager.custom("config").exits(22).complains(&[
        "Fargate.Cluster is in us-east-2, and Fargate.Region is eu-west-1",
        "Fargate.TaskDefinition is in us-east-2, and Fargate.Region is eu-west-1",
    ]);
    let image = "AgentImage = \"a\"\nHelperImage = \"h\"\nExecutionRole = \"arn:aws:iam::000000000000:role/x\"\n\
                 [JobImage.RegistryCredentials]\n\
                 \"r.example\" = \"arn:aws:secretsmanager:us-east-2:000000000000:secret:r-AbCdEf\"\n";
    manager.configure_job_image(image, "");
    manager.custom("config").exits(22).complains(&[
        "JobImage.RegistryCredentials.r.example is in us-east-2, and Fargate.Region is eu-west-1",
    ]);
    assert!(manager.aws.running().is_empty());
}

#[test]
fn a_wrong_moment_for_a_second_task_is_refused() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    for wrong in ["0s", "on", "Auto", "40 days"] {
        manager.configure(&format!("HedgeAfter = {wrong:?}"), "");
        let told = format!(
            "Fargate.HedgeAfter is {wrong:?}, but must be \"off\", \"auto\", or a duration like \"30s\""
        );
        manager.custom("config").exits(22).complains(&[&told]);
    }
}

#[test]
fn unknown_keys_are_warned_of_once_a_job() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    manager.configure("Subnett = \"subnet-1\"", "");
    manager.prepare().complains(&[
        "WARNING: ",
        "fargate.toml, line ",
        "Fargate.Subnett is an unknown key and has no effect; did you mean Subnet?",
    ]);
    assert_eq!(manager.run("true").exits(0).err(), "");
}

#[test]
fn a_metadata_folder_with_rights_of_others_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    std::fs::create_dir(manager.metadata()).unwrap();
    for mode in [0o770, 0o755, 0o710, 0o701] {
        let open = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(manager.metadata(), open).unwrap();
        let folder = manager.metadata();
        let advice = format!("mode {mode:04o}); run chmod 700 {}", folder.display());
        manager.prepare().complains(&["WARNING: ", &advice]);
        manager.custom("cleanup").exits(0);
    }

    let closed = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(manager.metadata(), closed).unwrap();
    assert_eq!(manager.prepare().err(), "");
}

#[test]
fn a_metadata_folder_that_cannot_be_written() {
    let manager = ManagerHost::new(fargate(), SshServer::Agent);
    std::fs::write(manager.metadata(), b"a file").unwrap();
    manager
        .custom("prepare")
        .exits(22)
        .complains(&["metadata", "[TaskMetadata] Directory"]);
    assert!(manager.aws.running().is_empty());
    assert_eq!(manager.aws.calls("RunTask"), 0);
}
