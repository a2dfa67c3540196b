//! The files of GitLab Runner and of the driver, from the manager's settings.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::settings::Settings;
use crate::error::{Error, Result};
use crate::operate::init::{Answers, Images, Jobs, RunnerEntry, configuration, quoted};

const FOLDER: &str = "/etc/gitlab-runner";
pub(super) const CONFIG_TOML: &str = "/etc/gitlab-runner/config.toml";
pub(super) const FARGATE_TOML: &str = "/etc/gitlab-runner/fargate.toml";
/// The operator's own values (`config::source`).
const LOCAL_TOML: &str = "/etc/gitlab-runner/fargate.local.toml";

/// Records of jobs. The folder goes with the task.
const METADATA: &str = "/var/lib/fargate";

/// Where the runner tells its metrics. Nobody but this container reaches it.
pub(super) const METRICS: &str = "127.0.0.1:9252";

/// The helper's version where the runner's is not to be had.
const RUNNER_VERSION: &str = "19.4.0";

/// Writes both files. A `config.toml` that is there stays: somebody mounted it.
///
/// # Errors
///
/// When they cannot be written.
pub(super) fn write(settings: &Settings, agent: &str, runner_version: Option<&str>) -> Result<()> {
    let unwritten = |error| Error::system(format!("could not write to {FOLDER}: {error}"));
    for folder in [FOLDER, METADATA] {
        let mut builder = fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(unwritten)?;
    }
    let program = std::env::current_exe().map_err(|error| {
        Error::system(format!("could not find this program's own file: {error}"))
    })?;
    replace(FARGATE_TOML, &fargate_toml(settings, agent, runner_version)).map_err(unwritten)?;
    if let Some(text) = &settings.toml {
        replace(LOCAL_TOML, &format!("{text}\n")).map_err(unwritten)?;
    }
    if !Path::new(CONFIG_TOML).exists() || is_ours() {
        replace(CONFIG_TOML, &config_toml(settings, &program)).map_err(unwritten)?;
    }
    Ok(())
}

/// The first line of our `config.toml`. A restarted container finds the file of its last start.
const MARK: &str = "# Made by fargate manager run.\n";

fn is_ours() -> bool {
    fs::read_to_string(CONFIG_TOML).is_ok_and(|text| text.starts_with(MARK))
}

fn replace(path: &str, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600);
    options.open(path)?.write_all(text.as_bytes())
}

fn config_toml(settings: &Settings, program: &Path) -> String {
    let entry = RunnerEntry {
        name: &settings.name,
        url: &settings.gitlab_url,
        token: &settings.token,
        program,
        config: Path::new(FARGATE_TOML),
        builds_dir: "/builds",
        cache_dir: "/cache",
    };
    let concurrent = settings.concurrent;
    format!(
        "{MARK}listen_address = \"{METRICS}\"\n{}",
        entry.file(concurrent)
    )
}

fn fargate_toml(settings: &Settings, agent: &str, runner_version: Option<&str>) -> String {
    let version = runner_version
        .filter(|version| version.starts_with(|first: char| first.is_ascii_digit()))
        .unwrap_or(RUNNER_VERSION);
    // GitLab's names of architectures in the tags of the helper.
    let architecture = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    };
    let answers = Answers {
        region: Some(settings.region.clone()),
        cluster: Some(settings.cluster.clone()),
        subnets: settings.subnets.clone(),
        security_groups: settings.security_groups.clone(),
        public_ip: Some(settings.public_ip),
        use_public_ip: false,
        jobs: Some(Jobs::OwnImage),
        images: Images {
            agent: Some(agent.to_owned()),
            helper: Some(settings.helper_image.clone().unwrap_or_else(|| {
                format!(
                    "registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper:{architecture}-v{version}"
                )
            })),
            execution_role: Some(settings.execution_role.clone()),
            task_role: settings.task_role.clone(),
            log_group: settings.log_group.clone(),
            ..Images::default()
        },
        manager: Some(settings.name.clone()),
    };
    let mut text = configuration(&answers, Path::new(METADATA));
    if !settings.registry_credentials.is_empty() {
        text.push_str("\n[JobImage.RegistryCredentials]\n");
    }
    for (host, secret) in &settings.registry_credentials {
        text.push_str(&format!("  {} = {}\n", quoted(host), quoted(secret)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::settings::tests::settings;
    use super::*;
    use crate::config::{Config, Mode};

    #[test]
    fn a_copy_of_the_helper_takes_its_place() {
        let settings = settings(&[("HELPER_IMAGE", "registry.example.com/helper:1")]).unwrap();
        let text = fargate_toml(&settings, "registry.example.com/agent@sha256:1", None);
        let line = "HelperImage = \"registry.example.com/helper:1\"";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn the_files_are_what_the_settings_say() {
        let secrets = "a.example.com=arn:aws:secretsmanager:eu-west-1:111122223333:secret:a-AbCdEf, \
                       b.example.com=arn:aws:secretsmanager:eu-west-1:111122223333:secret:b-AbCdEf";
        let settings = settings(&[("REGISTRY_CREDENTIALS", secrets), ("CONCURRENT", "7")]).unwrap();
        let agent = format!("registry.example.com/agent@sha256:{}", "1".repeat(64));
        let text = fargate_toml(&settings, &agent, Some("19.3.1"));
        let config = Config::parse(&text, Path::new("/etc"))
            .unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(config.warnings, Vec::<String>::new(), "{text}");
        assert_eq!(config.manager.as_deref(), Some("ci"));
        let Mode::JobImage(image) = config.mode else {
            panic!("{text}");
        };
        assert_eq!(image.registry_credentials.len(), 2);
        assert!(text.contains("-v19.3.1\""), "{text}");
        let text = config_toml(&settings, Path::new("/usr/bin/fargate"));
        let read: toml::de::DeTable<'_> = toml::de::DeTable::parse(&text).unwrap().into_inner();
        assert_eq!(read["listen_address"].get_ref().as_str(), Some(METRICS));
        let text_of_number = read["concurrent"].get_ref().as_integer().unwrap().as_str();
        assert_eq!(text_of_number, "7");
    }
}
