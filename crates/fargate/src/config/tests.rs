use super::*;

/// The file of GitLab's guide, word for word, but for the elided ids.
const GUIDE: &str = r#"
LogLevel = "info"
LogFormat = "text"

[Fargate]
  Cluster = "test-cluster"
  Region = "us-east-2"
  Subnet = "subnet-xxxxxx"
  SecurityGroup = "sg-xxxxxxxxxxxxx"
  TaskDefinition = "test-task:1"
  EnablePublicIP = true

[TaskMetadata]
  Directory = "/opt/gitlab-runner/metadata"

[SSH]
  Username = "root"
  Port = 22
"#;

fn parse(text: &str) -> Result<Config> {
    Config::parse(text, Path::new("/etc/gitlab-runner"))
}

fn errors(text: &str) -> String {
    parse(text).expect_err("this file is wrong").to_string()
}

#[test]
fn the_guides_file_loads_as_it_stands() {
    let config = parse(GUIDE).unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
    assert_eq!(config.fargate.cluster, "test-cluster");
    assert_eq!(config.fargate.subnets, ["subnet-xxxxxx"]);
    assert_eq!(config.fargate.task_definition.as_str(), "test-task:1");
    assert!(config.fargate.assign_public_ip && config.fargate.connect_to_public_ip);
    assert_eq!(
        config.metadata_directory,
        Path::new("/opt/gitlab-runner/metadata")
    );
    assert_eq!(
        (config.ssh.username.as_str(), config.ssh.port),
        ("root", 22)
    );
    assert_eq!(config.fargate.start_timeout, Duration::from_secs(900));
    assert!(config.job_variables.task_definitions.is_none());
}

#[test]
fn keys_are_read_without_regard_to_case() {
    let lower = GUIDE
        .replace("Cluster", "cluster")
        .replace("SecurityGroup", "securityGroup")
        .replace("[SSH]", "[ssh]")
        .replace("[Fargate]", "[FARGATE]");
    let config = parse(&lower).unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
    assert_eq!(config.fargate.security_groups, ["sg-xxxxxxxxxxxxx"]);
}

#[test]
fn the_same_key_twice_in_different_case_is_an_error() {
    let twice = GUIDE.replace("  Region =", "  region = \"eu-west-1\"\n  Region =");
    assert!(
        errors(&twice).contains("Fargate.Region is given twice"),
        "{}",
        errors(&twice)
    );
}

#[test]
fn unknown_keys_are_warned_of_with_line_and_nearest_key() {
    let config = parse(&GUIDE.replace("  Port = 22", "  Prot = 2222\n  Shoe = 1")).unwrap();
    assert_eq!(
        config.warnings,
        [
            "line 18: SSH.Prot is not known and has no effect; did you mean Port?",
            "line 19: SSH.Shoe is not known and has no effect",
        ]
    );
    assert_eq!(config.ssh.port, 22);
}

#[test]
fn every_problem_is_reported_at_once_in_the_order_of_the_file() {
    let text = r#"
LogLevel = "loud"
[Fargate]
  Cluster = ""
  Region = 7
  Subnet = "net-1"
  EnablePublicIP = "yes"
  StartTimeout = "soon"
  CapacityProviderStrategy = [{ Weight = 2000 }]
  [Fargate.Tags]
    "aws:team" = "x"
[SSH]
  Port = 70000
"#;
    insta::assert_snapshot!(errors(text), @r#"
    line 1: TaskMetadata.Directory is missing; it must be the folder for job records
      line 2: LogLevel is "loud", but must be debug, info, warn or error
      line 3: Fargate.SecurityGroup is missing; it must be an id that starts with sg-
      line 3: Fargate.TaskDefinition is missing; it must be the task definition that jobs run
      line 4: Fargate.Cluster is empty; it must be the ECS cluster's name or ARN
      line 5: Fargate.Region must be a string, and is a number
      line 6: Fargate.Subnet is "net-1", but must be an id that starts with subnet-
      line 7: Fargate.EnablePublicIP must be true or false, and is a string
      line 8: Fargate.StartTimeout is "soon", but must be a duration above zero, like "90s" or "15m"
      line 9: Fargate.CapacityProviderStrategy.Name is missing; it must be a capacity provider, like "FARGATE_SPOT"
      line 9: Fargate.CapacityProviderStrategy.Weight is 2000, but must be 0 to 1000
      line 11: Fargate.Tags.aws:team is no tag that AWS takes, which is a key that does not start with aws:, which AWS keeps for itself
      line 12: SSH.Username is missing; it must be whom scripts run as, like "root"
      line 13: SSH.Port is 70000, but must be 1 to 65535
    "#);
}

#[test]
fn no_toml_names_line_and_column() {
    let error = errors("LogLevel = \"info\"\n[Fargate\n");
    assert!(
        error.starts_with("line 2, column 9: this is no TOML: "),
        "{error}"
    );
}

#[test]
fn subnets_and_groups_may_be_lists() {
    let lists = GUIDE
        .replace(
            "Subnet = \"subnet-xxxxxx\"",
            "Subnets = [\"subnet-a\", \"subnet-b\"]",
        )
        .replace(
            "SecurityGroup = \"sg-xxxxxxxxxxxxx\"",
            "SecurityGroups = [\"sg-a\", \"sg-b\"]",
        );
    assert_eq!(
        parse(&lists).unwrap().fargate.subnets,
        ["subnet-a", "subnet-b"]
    );
    let both = GUIDE.replace("  Region", "  Subnets = [\"subnet-a\"]\n  Region");
    assert!(
        errors(&both).contains("Subnets and Subnet are both given"),
        "{}",
        errors(&both)
    );
    let none = GUIDE.replace("Subnet = \"subnet-xxxxxx\"", "Subnets = []");
    assert!(
        errors(&none).contains("Subnets is empty"),
        "{}",
        errors(&none)
    );
}

#[test]
fn the_public_address_needs_one() {
    let private = parse(&GUIDE.replace(
        "EnablePublicIP = true",
        "EnablePublicIP = true\n  UsePublicIP = false",
    ))
    .unwrap();
    assert!(private.fargate.assign_public_ip && !private.fargate.connect_to_public_ip);
    let impossible = parse(&GUIDE.replace(
        "EnablePublicIP = true",
        "EnablePublicIP = false\n  UsePublicIP = true",
    ))
    .unwrap();
    assert!(!impossible.fargate.connect_to_public_ip);
    assert_eq!(impossible.warnings.len(), 1);
}

#[test]
fn relative_paths_start_at_the_file() {
    let config = parse(&format!(
        "LogFile = \"fargate.log\"\n{}",
        GUIDE.replace("/opt/gitlab-runner/metadata", "metadata")
    ))
    .unwrap();
    assert_eq!(
        config.metadata_directory,
        Path::new("/etc/gitlab-runner/metadata")
    );
    assert_eq!(
        config.log.file.as_deref(),
        Some(Path::new("/etc/gitlab-runner/fargate.log"))
    );
}

#[test]
fn the_mode_that_is_not_there_yet_is_refused() {
    let error = errors(&format!("{GUIDE}\n[JobImage]\nEnabled = true\n"));
    assert!(
        error.contains("JobImage.Enabled is true, but this version"),
        "{error}"
    );
    assert!(
        parse(&format!(
            "{GUIDE}\n[JobImage]\nEnabled = false\nCPU = 1024\n"
        ))
        .is_ok()
    );
}

proptest::proptest! {
    #[test]
    fn any_text_is_taken_or_refused_without_panic(text in "\\PC*") {
        let _config = parse(&text);
    }

    #[test]
    fn any_change_to_a_file_is_taken_or_refused_without_panic(at in 0..GUIDE.len(), insert in "[\\[\\]\"=a-z0-9\n.{}]{0,4}") {
        let mut text = GUIDE.to_owned();
        text.insert_str(at, &insert);
        let _config = parse(&text);
    }
}

#[test]
fn the_example_of_the_documentation_is_right() {
    let documentation = include_str!("../../../../docs/configuration.md");
    let example = documentation
        .split("```")
        .nth(1)
        .unwrap()
        .strip_prefix("toml")
        .unwrap();
    let config = parse(example).unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
    assert_eq!(config.fargate.fallback_strategy.len(), 1);
}
