//! Properties of files that are nearly right.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{
    Config, Cpu, Memory, Mode, Storage, TaskDefinitionName, capacity_provider, platform_version,
    role,
};
use crate::error::Blame;
use testing::mutation;

/// The example of the reference, which has every key.
fn sample() -> String {
    let page = include_str!("../../../../docs/configuration.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// The sample with other values for some of its keys, or with missing or repeated lines.
fn near_miss() -> impl Strategy<Value = String> {
    let values = [
        "\"\"",
        "\" \"",
        "0",
        "-1",
        "9223372036854775807",
        "9223372036854775808",
        "1e400",
        "nan",
        "true",
        "[]",
        "[[]]",
        "{}",
        "1979-05-27",
        "\"x\"",
        "\"\\u0000\"",
        "\"\"\"a\nb\"\"\"",
        "[\"\"]",
        "[1]",
        "[\"x\", \"x\"]",
        "[{}]",
        "[{ Name = \"\" }]",
        "{ a = 1 }",
        "\"99999999999999999 years\"",
        "\"584542046090 years\"",
        "\"0s\"",
        "\"1ns\"",
        "\"arn:\"",
        "\"arn:aws:ecs:::\"",
        "\"!*\"",
        "[\"!a\", \"a[\"]",
        "[\"{a,{b,{c\"]",
        "\"999999999999 vCPU\"",
        "\"1e9 GB\"",
        "\"0.0000001 vCPU\"",
        "\"4294967296\"",
        "\"\u{1b}[2J\"",
        "inf",
        "0x7fffffffffffffff",
        "70000",
    ];
    let edit = (any::<Index>(), 0..4_u8, select(values.to_vec()));
    proptest::collection::vec(edit, 1..6).prop_map(|edits| {
        let mut lines: Vec<String> = sample().lines().map(str::to_owned).collect();
        for (at, what, value) in edits {
            let at = at.index(lines.len());
            match (what, lines[at].split_once('=')) {
                (0, _) => drop(lines.remove(at)),
                (1, _) => lines.insert(at, lines[at].clone()),
                (_, Some((key, _))) => lines[at] = format!("{key}= {value}"),
                (_, None) => {}
            }
        }
        lines.join("\n")
    })
}

/// Checks the configuration or the error that comes out of a file.
fn check(text: &str) -> Result<(), TestCaseError> {
    let lines = text.lines().count().max(1);
    let is_place = |rest: &str| {
        let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
        number
            .parse()
            .is_ok_and(|line: usize| (1..=lines + 1).contains(&line))
    };
    match Config::parse(text, Path::new("/etc/gitlab-runner")) {
        Ok(config) => {
            let fargate = &config.fargate;
            prop_assert!((1..=16).contains(&fargate.subnets.len()));
            prop_assert!((1..=5).contains(&fargate.security_groups.len()));
            prop_assert!(fargate.subnets.iter().all(|id| id.starts_with("subnet-")));
            for item in fargate.strategy.iter().chain(&fargate.fallback_strategy) {
                prop_assert!(
                    (0..=1000).contains(&item.weight) && (0..=100_000).contains(&item.base)
                );
            }
            prop_assert!(config.metadata_directory.is_absolute());
            let ssh = &config.ssh;
            let mut times = vec![
                fargate.start_timeout,
                ssh.connect_timeout,
                ssh.keepalive_interval,
                ssh.reconnect_timeout,
            ];
            if let Mode::JobImage(settings) = &config.mode {
                times.push(settings.idle_timeout);
                prop_assert!(
                    settings
                        .registry_credentials
                        .values()
                        .all(|arn| arn.starts_with("arn:"))
                );
            }
            for time in times {
                // Each is added to the time, or taken a few times, somewhere.
                prop_assert!(
                    !time.is_zero() && std::time::Instant::now().checked_add(time * 100).is_some()
                );
            }
            for warning in &config.warnings {
                prop_assert!(
                    warning.strip_prefix("line ").is_some_and(is_place),
                    "{}",
                    warning
                );
            }
        }
        Err(error) => {
            prop_assert_eq!(error.blame(), Blame::System);
            prop_assert!(error.advice().is_some());
            for problem in error.to_string().lines().map(str::trim_start) {
                let rest = problem.strip_prefix("line ");
                // The parser's own words may have several lines, after the first.
                let is_toml = error.to_string().contains("invalid TOML");
                prop_assert!(
                    is_toml || rest.is_some_and(is_place),
                    "{:?} in {}",
                    problem,
                    error
                );
            }
            prop_assert!(error.to_string().starts_with("line "));
        }
    }
    Ok(())
}

#[test]
fn the_sample_itself_is_right() {
    let config = Config::parse(&sample(), Path::new("/etc")).unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
}

proptest! {
    #[test]
    fn wrong_values_are_reported_with_their_lines(text in near_miss()) {
        check(&text)?;
        // JobImage mode reads most of the other keys.
        check(&text.replace("Enabled = false", "Enabled = true"))?;
    }

    #[test]
    fn no_file_is_too_odd(bytes in mutation::bytes(sample())) {
        check(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn sizes_print_what_they_parse(text in "[0-9]{1,7}(\\.[0-9]{1,4})? ?(vCPU|GB|GiB|MB|MiB|)") {
        if let Ok(cpu) = text.parse::<Cpu>() {
            prop_assert_eq!(cpu.to_string().parse::<Cpu>(), Ok(cpu));
        }
        if let Ok(memory) = text.parse::<Memory>() {
            prop_assert_eq!(memory.to_string().parse::<Memory>(), Ok(memory));
        }
        if let Ok(storage) = text.parse::<Storage>() {
            prop_assert_eq!(storage.to_string().parse::<Storage>(), Ok(storage));
        }
    }

    #[test]
    fn names_that_jobs_choose_hold_nothing_but_names(
        text in prop_oneof![
            mutation::bytes("arn:aws:ecs:eu-west-1:111122223333:task-definition/ci-ruby:7"),
            mutation::bytes("arn:aws:iam::111122223333:role/ci-test"),
            mutation::bytes("ci-ruby:7"), mutation::bytes("1.4.0"), mutation::bytes("FARGATE_SPOT"),
        ],
    ) {
        let text = String::from_utf8_lossy(&text);
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/_+=,.@-".contains(&byte));
        let accepted = [
            text.parse::<TaskDefinitionName>().map(|name| name.to_string()),
            role(&text), platform_version(&text), capacity_provider(&text),
        ];
        for name in accepted.into_iter().flatten() {
            prop_assert!(name == text && is_plain(&name), "{:?} was accepted", name);
        }
    }
}
