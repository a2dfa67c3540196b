//! `[Warm]` of files that are right, and the messages about files that are wrong.

use std::path::Path;
use std::time::Duration;

use super::Warm;
use crate::config::{Config, PoolKind};
use crate::error::Result;

/// The rest of a file in which jobs run in a task definition, and of one in which they bring their images.
const BY_DEFINITION: &str = r#"
[Fargate]
  Cluster = "ci"
  Region = "eu-west-1"
  Subnet = "subnet-a"
  SecurityGroup = "sg-a"
  TaskDefinition = "ci-usual"
[TaskMetadata]
  Directory = "metadata"
[SSH]
  Username = "root"
"#;
const BY_IMAGE: &str = r#"
[Fargate]
  Cluster = "ci"
  Region = "eu-west-1"
  Subnet = "subnet-a"
  SecurityGroup = "sg-a"
[TaskMetadata]
  Directory = "metadata"
[JobImage]
  Enabled = true
  AgentImage = "agent:1"
  HelperImage = "helper:1"
"#;

fn parse(rest: &str, warm: &str) -> Result<Config> {
    Config::parse(&format!("{warm}{rest}"), Path::new("/etc"))
}

/// The section of a file without remarks.
fn right(rest: &str, warm: &str) -> Warm {
    let config = parse(rest, warm).unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
    config.warm
}

#[test]
fn nothing_waits_unless_the_file_says_so() {
    let warm = right(BY_IMAGE, "");
    assert_eq!(
        (warm.max_tasks, warm.max_age),
        (10, Duration::from_secs(7200))
    );
    assert_eq!((warm.follow.max_tasks, warm.pools.len()), (0, 0));
    assert_eq!(warm.follow.max_idle, Duration::from_secs(900));
    assert!(warm.follow.images.is_none());
}

#[test]
fn a_pool_says_what_jobs_say() {
    let warm = right(
        BY_IMAGE,
        r#"
[Warm]
  MaxTasks = 20
  MaxAge = "1h"
  Follow = { MaxTasks = 8, MaxIdle = "5m", Images = ["ruby:*", "registry.example.com/**"] }
  [[Warm.Pool]]
    Image = "ruby:3.3"
    Entrypoint = [""]
    User = 1000
    CPU = "2 vCPU"
    Memory = "4 GB"
    CPUArchitecture = "ARM64"
    TaskRole = "arn:aws:iam::111122223333:role/ci"
    CapacityProvider = "FARGATE_SPOT"
    Variables = { RAILS_ENV = "test" }
    Tasks = 3
    Schedule = ["Mon-Fri 07:30-12:00; Mon-Fri 13:00-19:00 Europe/Berlin", "Sat 10:00-12:00 UTC"]
    Services = ["redis:7", { Name = "postgres:16", Alias = "db", Command = ["-c", "fsync=off"], User = "postgres", Variables = { POSTGRES_PASSWORD = "test" } }]
  [[Warm.Pool]]
    Image = "golang:1.25"
    Tasks = 0
"#,
    );
    assert_eq!(
        (warm.max_tasks, warm.max_age),
        (20, Duration::from_secs(3600))
    );
    assert_eq!(warm.follow.max_idle, Duration::from_secs(300));
    assert!(warm.follow.images.unwrap().allow("ruby:3.3"));
    let [ruby, golang] = warm.pools.as_slice() else {
        panic!("{:?}", warm.pools)
    };
    assert_eq!((ruby.name().as_str(), ruby.tasks), ("ruby:3.3", 3));
    assert_eq!(ruby.cpu.unwrap().0, 2048);
    assert_eq!(ruby.memory.unwrap().0, 4096);
    assert_eq!(ruby.capacity_provider.as_deref(), Some("FARGATE_SPOT"));
    assert!(ruby.task_role.is_some());
    // 2026-11-30, a Monday, at 12:30 and 13:30 of Berlin.
    assert!(!ruby.schedule.is_open(1_796_038_200) && ruby.schedule.is_open(1_796_041_800));
    let PoolKind::Image(image) = &ruby.kind else {
        panic!("{ruby:?}")
    };
    assert_eq!(image.image.user.as_deref(), Some("1000"));
    assert_eq!(image.image.entrypoint, Some(vec![String::new()]));
    assert_eq!(image.variables["RAILS_ENV"], "test");
    let [redis, postgres] = image.services.as_slice() else {
        panic!("{image:?}")
    };
    assert_eq!((redis.name.as_str(), &redis.alias), ("redis:7", &None));
    assert_eq!(postgres.alias.as_deref(), Some("db"));
    assert_eq!(postgres.command.as_ref().unwrap().len(), 2);
    assert_eq!(postgres.user.as_deref(), Some("postgres"));
    assert_eq!(postgres.variables["POSTGRES_PASSWORD"], "test");
    assert!(golang.schedule.is_always() && golang.tasks == 0);
}

#[test]
fn a_pool_of_task_definitions_has_the_usual_one_unless_it_names_another() {
    let pools = "[[Warm.Pool]]\n  Tasks = 2\n[[Warm.Pool]]\n  TaskDefinition = \"ci-ruby:7\"\n  Tasks = 1\n";
    let warm = right(BY_DEFINITION, pools);
    let names: Vec<_> = warm.pools.iter().map(super::super::Pool::name).collect();
    assert_eq!(names, ["ci-usual", "ci-ruby:7"]);
}

#[test]
fn every_problem_of_the_section_is_reported_with_the_others() {
    let text = r#"
[Warm]
  MaxTasks = 1001
  MaxAge = "0s"
  Follow = { MaxTasks = -1, MaxIdle = "soon", Images = ["a["] }
  [[Warm.Pool]]
    Image = "Ruby"
    Services = ["a b", 7, { Alias = "db" }]
    User = true
    Variables = { A = 1 }
    Schedule = "Mon-Fri 07:30-19:00"
    CPU = "lots"
  [[Warm.Pool]]
    TaskDefinition = "ci"
    Tasks = 1
    Schedule = ["Mon 7-9 UTC"]
    CapacityProvider = "a b"
"#;
    let error = parse(BY_IMAGE, text).unwrap_err();
    insta::assert_snapshot!(error.to_string(), @r#"
    line 3: Warm.MaxTasks is 1001, but must be 0 to 1000
      line 4: Warm.MaxAge is "0s", but must be a duration above zero and up to 30 days, like "90s" or "15m"
      line 5: Warm.Follow.MaxTasks is -1, but must be 0 to 1000
      line 5: Warm.Follow.MaxIdle is "soon", but must be a duration above zero and up to 30 days, like "90s" or "15m"
      line 5: Warm.Follow.Images has a bad pattern: error parsing glob 'a[': unclosed character class; missing ']'
      line 6: Warm.Pool.Tasks is missing; it must be how many tasks wait
      line 7: Warm.Pool.Image is "Ruby", but must be an image, like "debian:12" or "registry.example.com/team/image:1": the parts of its path are lower-case letters and digits, with . _ __ or - between them
      line 8: Warm.Pool.Services has "a b", but each must be an image, like "debian:12" or "registry.example.com/team/image:1": the parts of its path are lower-case letters and digits, with . _ __ or - between them
      line 8: Warm.Pool.Services must be a list of strings or tables, and is a number
      line 8: Warm.Pool.Services.Name is missing; it must be the service's image
      line 9: Warm.Pool.User must be a string, and is true or false
      line 10: Warm.Pool.Variables.A must be a string, and is a number
      line 11: Warm.Pool.Schedule is "Mon-Fri 07:30-19:00", but must be hours like "Mon-Fri 07:30-19:00 Europe/Berlin": "Mon-Fri 07:30-19:00" has no time zone; add one, such as "UTC"
      line 12: Warm.Pool.CPU is "lots", but must be a CPU size like "1 vCPU", or CPU units like 1024
      line 13: Warm.Pool.Image is missing; it must be the image of its jobs
      line 14: Warm.Pool.TaskDefinition is not for JobImage mode, in which jobs name an Image
      line 16: Warm.Pool.Schedule is "Mon 7-9 UTC", but must be hours like "Mon-Fri 07:30-19:00 Europe/Berlin": "7-9" is not a stretch of hours; write "07:30-19:00"
      line 17: Warm.Pool.CapacityProvider is "a b", but must be the name of a capacity provider, like "FARGATE_SPOT"
    "#);
}

#[test]
fn pools_of_the_other_mode_are_not_taken_for_this_one() {
    let pool = "[[Warm.Pool]]\n  Image = \"ruby:3.3\"\n  Tasks = 1\n";
    let error = parse(BY_DEFINITION, pool).unwrap_err().to_string();
    assert_eq!(
        error,
        "line 2: Warm.Pool.Image needs [JobImage] Enabled = true; jobs run in a TaskDefinition here"
    );
}

#[test]
fn what_has_no_effect_is_warned_of() {
    let warnings = |rest: &str, warm: &str| parse(rest, warm).unwrap().warnings;
    let pools = "[Warm]\n  MaxTask = 3\n[[Warm.Pool]]\n  Tasks = 8\n  Shedule = \"x\"\n  User = \"root\"\n[[Warm.Pool]]\n  Tasks = 3\n";
    insta::assert_snapshot!(warnings(BY_DEFINITION, pools).join("\n"), @r"
    line 2: Warm.MaxTask is an unknown key and has no effect; did you mean MaxTasks?
    line 3: Warm.Pool asks for 11 tasks at all times, and MaxTasks is 10: the later pools get fewer
    line 5: Warm.Pool.Shedule is an unknown key and has no effect; did you mean Schedule?
    line 6: Warm.Pool.User has no effect: jobs run in the operator's task definition
    ");
    let follow = "[Warm]\n  MaxTasks = 3\n  Follow = { MaxTasks = 4, MaxIdl = \"1m\" }\n";
    insta::assert_snapshot!(warnings(BY_IMAGE, follow).join("\n"), @r"
    line 3: Warm.Follow.MaxTasks is 4, and Warm.MaxTasks, which counts all waiting tasks, is 3
    line 3: Warm.Follow.MaxIdl is an unknown key and has no effect; did you mean MaxIdle?
    ");
}

#[test]
fn a_schedule_without_hours_is_not_always() {
    for none in ["\"\"", "[]"] {
        let pool = format!("[[Warm.Pool]]\n  Tasks = 1\n  Schedule = {none}\n");
        let error = parse(BY_DEFINITION, &pool).unwrap_err().to_string();
        let expected =
            "line 3: Warm.Pool.Schedule has no hours; remove it for a pool that waits at all times";
        assert_eq!(error, expected, "{none}");
    }
}
