//! The manager's settings: variables of its container.

use crate::error::{Blame, Error, Result};

/// What all names begin with.
const PREFIX: &str = "FARGATE_MANAGER_";

/// The settings, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// Secret.
    pub(super) token: String,
    pub(super) name: String,
    pub(super) gitlab_url: String,
    pub(super) concurrent: u32,
    pub(super) region: String,
    pub(super) cluster: String,
    pub(super) service: Option<String>,
    pub(super) subnets: Vec<String>,
    pub(super) security_groups: Vec<String>,
    pub(super) public_ip: bool,
    pub(super) agent_repository: String,
    /// Where the helper is not to come from GitLab's own registry.
    pub(super) helper_image: Option<String>,
    pub(super) execution_role: String,
    pub(super) task_role: Option<String>,
    pub(super) log_group: Option<String>,
    /// More of `fargate.toml`, whose values win.
    pub(super) toml: Option<String>,
    /// Hosts of registries, and the secrets with their logins.
    pub(super) registry_credentials: Vec<(String, String)>,
}

impl Settings {
    /// Reads them by `variable`, which knows the environment.
    ///
    /// # Errors
    ///
    /// With all that are missing or wrong, together.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut reader = Reader {
            variable,
            faults: Vec::new(),
        };
        let settings = Self {
            token: reader.needed("TOKEN"),
            name: reader.needed("NAME"),
            gitlab_url: reader
                .given("GITLAB_URL")
                .unwrap_or_else(|| "https://gitlab.com/".to_owned()),
            concurrent: reader.parsed("CONCURRENT", 20, "a number from 1 on", |text| {
                text.parse().ok().filter(|number| *number > 0)
            }),
            region: reader.needed("REGION"),
            cluster: reader.needed("CLUSTER"),
            service: reader.given("SERVICE"),
            subnets: reader.list("SUBNETS"),
            security_groups: reader.list("SECURITY_GROUPS"),
            public_ip: reader.parsed("PUBLIC_IP", false, "true or false", |text| {
                text.parse().ok()
            }),
            agent_repository: reader.needed("AGENT_REPOSITORY"),
            helper_image: reader.given("HELPER_IMAGE"),
            execution_role: reader.needed("EXECUTION_ROLE"),
            task_role: reader.given("TASK_ROLE"),
            log_group: reader.given("LOG_GROUP"),
            toml: reader.given("TOML"),
            registry_credentials: reader.parsed(
                "REGISTRY_CREDENTIALS",
                Vec::new(),
                "HOST=ARN, separated by commas",
                credentials,
            ),
        };
        match reader.faults.is_empty() {
            true => Ok(settings),
            false => Err(Error::new(Blame::Usage, reader.faults.join("\n"))
                .advise("docs/manager.md describes each variable.")),
        }
    }
}

fn credentials(text: &str) -> Option<Vec<(String, String)>> {
    text.split(',')
        .map(|pair| {
            let (host, secret) = pair.trim().split_once('=')?;
            let is_whole = !host.is_empty() && secret.starts_with("arn:");
            is_whole.then(|| (host.to_owned(), secret.to_owned()))
        })
        .collect()
}

/// Reads variables, and gathers what is wrong.
struct Reader<F> {
    variable: F,
    faults: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    /// An empty variable is none: templates cannot leave one out.
    fn given(&self, name: &str) -> Option<String> {
        let value = (self.variable)(&format!("{PREFIX}{name}"))?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn needed(&mut self, name: &str) -> String {
        self.given(name).unwrap_or_else(|| {
            self.faults.push(format!("{PREFIX}{name} is not set"));
            String::new()
        })
    }

    fn list(&mut self, name: &str) -> Vec<String> {
        let text = self.needed(name);
        let parts = text.split(',').map(str::trim);
        parts
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        default: T,
        wanted: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        let Some(text) = self.given(name) else {
            return default;
        };
        parse(&text).unwrap_or_else(|| {
            let fault = format!("{PREFIX}{name} is not {wanted}");
            self.faults.push(fault);
            default
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Settings of a whole environment, with these changes.
    pub(in super::super) fn settings(changes: &[(&str, &str)]) -> Result<Settings> {
        let whole = [
            ("TOKEN", "glrt-secret"),
            ("NAME", "ci"),
            ("REGION", "eu-west-1"),
            ("CLUSTER", "ci"),
            ("SUBNETS", "subnet-1, subnet-2"),
            ("SECURITY_GROUPS", "sg-1"),
            ("AGENT_REPOSITORY", "registry.example.com/agent"),
            ("EXECUTION_ROLE", "arn:aws:iam::111122223333:role/execution"),
        ];
        Settings::read(|name| {
            let name = name.strip_prefix(PREFIX)?;
            let mut all = changes.iter().chain(&whole);
            all.find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let settings = settings(&[("TASK_ROLE", "")]).unwrap();
        assert_eq!(settings.gitlab_url, "https://gitlab.com/");
        assert_eq!(settings.concurrent, 20);
        assert_eq!(settings.subnets, ["subnet-1", "subnet-2"]);
        assert_eq!((settings.task_role, settings.public_ip), (None, false));
    }

    #[test]
    fn all_faults_are_told_together() {
        let error = settings(&[
            ("CLUSTER", ""),
            ("CONCURRENT", "0"),
            ("PUBLIC_IP", "ENABLED"),
            ("REGISTRY_CREDENTIALS", "registry.example.com"),
        ])
        .unwrap_err();
        assert_eq!(error.blame(), Blame::Usage);
        for fault in [
            "CLUSTER is not set",
            "CONCURRENT is not a number",
            "PUBLIC_IP is not true or false",
            "REGISTRY_CREDENTIALS is not HOST=ARN",
        ] {
            assert!(error.to_string().contains(fault), "{error}");
        }
    }
}
