//! Files that are right, and the messages about files that are wrong.

use std::path::Path;
use std::time::Duration;

use super::{Architecture, Config, Cpu, JobImage, Memory, Mode, Storage};
use crate::error::Result;

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
    let Mode::TaskDefinition(definition) = &config.mode else {
        panic!("{:?}", config.mode)
    };
    assert_eq!(definition.to_string(), "test-task:1");
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
        errors(&twice).contains("Fargate.Region is set twice"),
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
            "line 18: SSH.Prot is an unknown key and has no effect; did you mean Port?",
            "line 19: SSH.Shoe is an unknown key and has no effect",
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
      line 8: Fargate.StartTimeout is "soon", but must be a duration above zero and up to 30 days, like "90s" or "15m"
      line 9: Fargate.CapacityProviderStrategy.Name is missing; it must be a capacity provider, like "FARGATE_SPOT"
      line 9: Fargate.CapacityProviderStrategy.Weight is 2000, but must be 0 to 1000
      line 11: Fargate.Tags.aws:team is not a valid AWS tag; it must be a key that does not start with aws:, which AWS keeps for itself
      line 12: SSH.Username is missing; it must be the user that scripts run as, like "root"
      line 13: SSH.Port is 70000, but must be 1 to 65535
    "#);
}

#[test]
fn no_toml_names_line_and_column() {
    let error = errors("LogLevel = \"info\"\n[Fargate\n");
    assert!(
        error.starts_with("line 2, column 9: invalid TOML: "),
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
        errors(&both).contains("Subnets and Subnet are both set"),
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

/// The least configuration of JobImage mode, without task definition and SSH.
const JOB_IMAGE: &str = r#"
[Fargate]
  Cluster = "ci"
  Region = "eu-west-1"
  Subnet = "subnet-a"
  SecurityGroup = "sg-a"
[TaskMetadata]
  Directory = "/var/lib/fargate"
[JobImage]
  Enabled = true
  AgentImage = "r.example.com/fargate-agent:1"
  HelperImage = "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:x86_64-v19.4.0"
"#;

fn job_image(more: &str) -> JobImage {
    match parse(&format!("{JOB_IMAGE}{more}")).unwrap().mode {
        Mode::JobImage(settings) => *settings,
        mode @ Mode::TaskDefinition(_) => panic!("{mode:?}"),
    }
}

#[test]
fn jobs_that_bring_their_image_need_no_task_definition_and_no_ssh() {
    let config = parse(JOB_IMAGE).unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
    assert_eq!(config.ssh.port, fargate_wire::HELPER_PORT);
    let settings = job_image("");
    assert_eq!(
        (settings.cpu, settings.memory, settings.storage),
        (Cpu(1024), Memory(2048), Storage(20))
    );
    assert_eq!(settings.architecture, Architecture::X86_64);
    assert!(settings.allowed_images.is_none() && settings.default_image.is_none());
    let full = job_image(
        r#"
  DefaultImage = "debian:12"
  AllowedImages = ["ruby:*"]
  AllowedServices = []
  CPU = 2048
  Memory = "4 GB"
  EphemeralStorage = 50
  CPUArchitecture = "ARM64"
  ExecutionRole = "arn:aws:iam::111122223333:role/execution"
  TaskRole = "arn:aws:iam::111122223333:role/task"
  LogGroup = "/ci/jobs"
  IdleTimeout = "5m"
  [JobImage.RegistryCredentials]
    "Registry.gitlab.com" = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:gitlab-AbCdEf"
"#,
    );
    assert_eq!(
        (full.cpu, full.memory, full.storage),
        (Cpu(2048), Memory(4096), Storage(50))
    );
    assert_eq!(full.architecture, Architecture::Arm64);
    assert!(full.allowed_images.unwrap().allow("ruby:3") && full.allowed_services.is_none());
    assert!(
        full.registry_credentials
            .contains_key("registry.gitlab.com")
    );
    // JobImage mode that is off requires nothing.
    assert!(parse(&format!("{GUIDE}\n[JobImage]\nEnabled = false\nCPU = 7\n")).is_ok());
}

#[test]
fn wrong_values_of_job_image_are_all_reported() {
    let text = JOB_IMAGE.replace(
        "r.example.com/fargate-agent:1",
        "1.dkr.ecr.eu-west-1.amazonaws.com/agent:1",
    ) + r#"
  AllowedImages = ["!a"]
  CPU = 2
  Memory = "lots"
  EphemeralStorage = "10 GiB"
  CPUArchitecture = "RISC-V"
  TaskRole = "ci"
  [JobImage.RegistryCredentials]
    "r.example.com" = "password"
    "registry" = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:registry-AbCdEf"
[JobVariables]
  MaxCPU = "many"
  CPUArchitectures = ["X86_64", "VAX"]
  MaxCpus = 4
"#;
    insta::assert_snapshot!(errors(&text), @r#"
    line 9: JobImage.ExecutionRole is missing; images in ECR need the role that ECS pulls images and writes logs with
      line 14: JobImage.AllowedImages has only exclusions, which allow nothing; put "**", which allows all, before them
      line 15: JobImage.CPU is 2, but must be a CPU size like "1 vCPU", or CPU units like 1024
      line 16: JobImage.Memory is "lots", but must be a memory size like "2 GB", or MiB like 2048
      line 17: JobImage.EphemeralStorage is "10 GiB", but must be storage of 20 to 200 GiB, like "50 GiB"
      line 18: JobImage.CPUArchitecture is "RISC-V", but must be X86_64 or ARM64
      line 19: JobImage.TaskRole is "ci", but must be the ARN of an IAM role, like "arn:aws:iam::111122223333:role/ci"
      line 21: JobImage.RegistryCredentials.r.example.com is "password", but must be the ARN of a secret in Secrets Manager
      line 22: JobImage.RegistryCredentials.registry must be the host of a registry, like "registry.example.com", "registry:5000" or "docker.io"
      line 24: JobVariables.MaxCPU is "many", but must be a CPU size like "1 vCPU", or CPU units like 1024
      line 25: JobVariables.CPUArchitectures has "VAX", but each must be X86_64 or ARM64
    "#);
    let bare = errors("[JobImage]\nEnabled = true\n");
    assert!(
        bare.contains("JobImage.AgentImage is missing")
            && bare.contains("JobImage.HelperImage is missing"),
        "{bare}"
    );
    assert!(
        !bare.contains("SSH") && !bare.contains("TaskDefinition"),
        "{bare}"
    );
}

#[test]
fn limits_of_jobs_are_read() {
    let config = parse(&format!(
        "{JOB_IMAGE}\n[JobVariables]\nMaxCPU = \"4 vCPU\"\nMaxMemory = 16384\nMaxEphemeralStorage = \"100 GiB\"\n\
         TaskRoles = [\"arn:aws:iam::*:role/ci-*\"]\nCapacityProviders = [\"FARGATE\"]\nCPUArchitectures = [\"ARM64\"]\n"
    ))
    .unwrap();
    let limits = config.job_variables;
    assert_eq!(
        (limits.max_cpu, limits.max_memory),
        (Some(Cpu(4096)), Some(Memory(16384)))
    );
    assert_eq!(limits.max_storage, Some(Storage(100)));
    assert!(
        limits
            .task_roles
            .unwrap()
            .allow("arn:aws:iam::111122223333:role/ci-a")
    );
    assert_eq!(limits.architectures, Some(vec![Architecture::Arm64]));
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
fn a_managers_name_fits_into_what_aws_takes() {
    let named = |name: &str| {
        let directory = "Directory = ";
        parse(&GUIDE.replacen(directory, &format!("Manager = {name:?}\n{directory}"), 1))
    };
    assert_eq!(named("").unwrap().manager, None);
    for good in ["a", "CI_eu-1", &"x".repeat(100)] {
        assert_eq!(named(good).unwrap().manager.as_deref(), Some(good));
    }
    for bad in ["a/b", "a b", "ü", "a.b", &"x".repeat(101)] {
        let error = named(bad).unwrap_err();
        assert!(
            error.to_string().contains("but must be up to 100 letters"),
            "{error}"
        );
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
    assert_eq!(config.manager.as_deref(), Some("ci-eu-1"));
    let Mode::TaskDefinition(_) = config.mode else {
        panic!("{:?}", config.mode)
    };
    let on = example.replace("Enabled = false", "Enabled = true");
    // A pool is of what jobs are.
    let on = parse(&on.replace(
        "    TaskDefinition = \"ci-ruby:7\"",
        "    Image = \"ruby:3.3\"",
    ));
    let on = on.unwrap();
    assert_eq!(on.warnings, Vec::<String>::new());
    let Mode::JobImage(_) = on.mode else {
        panic!("{:?}", on.mode)
    };
}
