//! The text of `fargate.toml`.

use std::fmt::Write;
use std::path::Path;

use super::answers::{Answers, Jobs};

/// The configuration that the answers make. Missing answers are missing keys.
pub(in crate::operate) fn text(answers: &Answers, metadata: &Path) -> String {
    let mut lines = Lines::default();
    lines.line("# Made by fargate. docs/configuration.md has every key.");
    lines.line("[Fargate]");
    lines.text("Cluster", answers.cluster.as_deref());
    lines.text("Region", answers.region.as_deref());
    lines.list("Subnets", &answers.subnets);
    lines.list("SecurityGroups", &answers.security_groups);
    let public_ip = answers.public_ip.unwrap_or_default();
    lines.line(&format!("  EnablePublicIP = {public_ip}"));
    if public_ip {
        // Its default would be true.
        lines.line(&format!("  UsePublicIP = {}", answers.use_public_ip));
    }
    if let Some(Jobs::TaskDefinition(name)) = &answers.jobs {
        lines.text("TaskDefinition", Some(name));
    }
    lines.line("\n[TaskMetadata]");
    lines.text("Directory", Some(&metadata.to_string_lossy()));
    lines.text("Manager", answers.manager.as_deref());
    match answers.jobs {
        Some(Jobs::OwnImage) => job_image(answers, &mut lines),
        _ => lines.line("\n[SSH]\n  Username = \"root\"\n  Port = 22"),
    }
    lines.0
}

fn job_image(answers: &Answers, lines: &mut Lines) {
    let images = &answers.images;
    lines.line("\n[JobImage]\n  Enabled = true");
    lines.text("AgentImage", images.agent.as_deref());
    lines.text("HelperImage", images.helper.as_deref());
    let architecture = of_tasks(std::env::consts::ARCH);
    lines.text("CPUArchitecture", Some(architecture));
    lines.text("DefaultImage", images.default.as_deref());
    lines.text("ExecutionRole", images.execution_role.as_deref());
    lines.text("TaskRole", images.task_role.as_deref());
    lines.text("LogGroup", images.log_group.as_deref());
    if let (Some(host), Some(secret)) = (&images.registry, &images.registry_secret) {
        lines.line("\n[JobImage.RegistryCredentials]");
        lines.line(&format!("  {} = {}", quoted(host), quoted(secret)));
    }
}

/// The processors of tasks whose manager has a machine of this architecture, as Rust names it.
///
/// The manager pushes the agent beside itself, which runs on no others.
fn of_tasks(architecture: &str) -> &'static str {
    match architecture {
        "aarch64" => "ARM64",
        _ => "X86_64",
    }
}

/// Lines of TOML.
#[derive(Debug, Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.line(&format!("  {key} = {}", quoted(value)));
        }
    }

    fn list(&mut self, key: &str, values: &[String]) {
        let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
        self.line(&format!("  {key} = [{}]", values.join(", ")));
    }
}

/// A basic string of TOML.
pub(in crate::operate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            control if control.is_control() => {
                // A write to a string does not fail.
                let _written = write!(quoted, "\\u{:04X}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Mode};

    fn answers(jobs: Jobs) -> Answers {
        let text = |value: &str| Some(value.to_owned());
        let mut answers = Answers {
            region: text("eu-west-1"),
            cluster: text("ci"),
            subnets: vec!["subnet-1".into(), "subnet-2".into()],
            security_groups: vec!["sg-1".into()],
            public_ip: Some(true),
            jobs: Some(jobs),
            manager: text("ci-1"),
            ..Answers::default()
        };
        let images = &mut answers.images;
        images.agent = text("111122223333.dkr.ecr.eu-west-1.amazonaws.com/fargate-agent:1");
        images.helper = text("registry.example.com/helper:1");
        images.execution_role = text("arn:aws:iam::111122223333:role/ci-execution");
        images.registry = text("registry.example.com");
        images.registry_secret =
            text("arn:aws:secretsmanager:eu-west-1:111122223333:secret:login-AbCdEf");
        answers
    }

    #[test]
    fn the_text_is_a_configuration_without_a_remark() {
        for jobs in [Jobs::TaskDefinition("jobs:3".into()), Jobs::OwnImage] {
            let text = text(&answers(jobs.clone()), Path::new("/var/lib/fargate \"a\""));
            let config = Config::parse(&text, Path::new("/etc"))
                .unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_eq!(config.warnings, Vec::<String>::new(), "{text}");
            assert_eq!(config.fargate.subnets, ["subnet-1", "subnet-2"]);
            assert!(config.fargate.assign_public_ip && !config.fargate.connect_to_public_ip);
            assert_eq!(
                config.metadata_directory,
                Path::new("/var/lib/fargate \"a\"")
            );
            assert_eq!(config.manager.as_deref(), Some("ci-1"));
            match config.mode {
                Mode::JobImage(image) => {
                    assert_eq!(image.registry_credentials.len(), 1);
                    let own = of_tasks(std::env::consts::ARCH);
                    assert_eq!(image.architecture.to_string(), own);
                }
                Mode::TaskDefinition(name) => assert_eq!(name.to_string(), "jobs:3"),
            }
        }
    }

    #[test]
    fn tasks_have_the_processors_of_the_managers_agent() {
        for (machine, tasks) in [("x86_64", "X86_64"), ("aarch64", "ARM64")] {
            assert_eq!(of_tasks(machine), tasks);
        }
    }

    #[test]
    fn strings_are_quoted_as_toml_has_it() {
        for text in ["plain", "a \"b\" \\ c", "line\nfeed\u{7f}\u{1}", "ü"] {
            let document = format!("key = {}", quoted(text));
            let read: toml::de::DeTable<'_> =
                toml::de::DeTable::parse(&document).unwrap().into_inner();
            assert_eq!(read["key"].get_ref().as_str(), Some(text), "{document}");
        }
    }
}
