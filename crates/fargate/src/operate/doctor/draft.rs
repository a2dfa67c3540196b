//! Doctor's judgement of the parts of a set-up that is still being written, for `fargate init`.

use std::path::{Path, PathBuf};

use tokio::time::Instant;

use super::catalog::{
    ADDRESSES, DEFAULT_GROUP, ENDPOINTS, GROUPS, INTERNET_BLOCK, OPEN_TO_ALL, OUTGOING, SSH_IN,
    SUBNETS, VPC_DNS, WAY_OUT, ZONES,
};
use super::check::{Check, Status, Subject};
use super::facts::{Account, BOUND, Facts, Inquiry, RunnerProgram};
use super::judge;
use crate::aws::{Cluster, SecurityGroup, Subnet};
use crate::cli::Category;
use crate::config::Config;

/// The subject of checks of one subnet, and of one security group.
static OF_SUBNETS: [&Subject; 7] = [
    &SUBNETS,
    &ZONES,
    &ADDRESSES,
    &INTERNET_BLOCK,
    &VPC_DNS,
    &WAY_OUT,
    &ENDPOINTS,
];
static OF_GROUPS: [&Subject; 5] = [&GROUPS, &SSH_IN, &OPEN_TO_ALL, &DEFAULT_GROUP, &OUTGOING];

/// This machine.
#[derive(Debug)]
pub(crate) struct Host {
    facts: Facts,
    program: RunnerProgram,
}

impl Host {
    /// Looks at this machine.
    pub(crate) async fn look(runner_config: Option<&Path>) -> Self {
        let facts = Facts::of_machine(None, runner_config, true);
        let program = RunnerProgram::ask(&facts.runner).await;
        Self { facts, program }
    }

    /// GitLab Runner's `config.toml`.
    pub(crate) fn runner_file(&self) -> &Path {
        &self.facts.runner.file
    }

    /// The version of the program `gitlab-runner`, like `19.4.0`, where it is on the path.
    pub(crate) fn runner_version(&self) -> Option<&str> {
        self.program.version()
    }

    /// Whether an entry of `config.toml` calls a driver with this configuration.
    pub(crate) fn calls(&self, config: &Path) -> bool {
        let mut ours = self.facts.runner.ours();
        ours.any(|entry| {
            let stages = entry.custom.stages();
            let mut named = stages.iter().filter_map(|stage| stage.configuration());
            named.any(|file| Path::new(file) == config)
        })
    }

    /// The draft of a configuration, which names all that opinions are wanted about. Asks AWS once.
    pub(crate) async fn draft(mut self, config: Config) -> Draft {
        self.facts.configuration.file = PathBuf::from("fargate.toml");
        self.facts.configuration.whole = Ok(config);
        let inquiry = Inquiry::until(Instant::now() + BOUND, &self.facts, false);
        let categories = [Category::Cluster, Category::Network];
        let account = inquiry.about(&categories).await;
        Draft {
            account,
            facts: self.facts,
        }
    }
}

/// A configuration that is still being written, and what AWS shows of it.
#[derive(Debug)]
pub(crate) struct Draft {
    facts: Facts,
    account: Account,
}

/// Doctor's opinion of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opinion {
    pub(crate) status: Status,
    /// The finding; empty where all is well.
    pub(crate) found: String,
}

impl Draft {
    /// The opinion of a cluster.
    pub(crate) fn cluster(&mut self, name: &str, cluster: &Cluster) -> Opinion {
        if let (Ok(config), Some(named)) =
            (&mut self.facts.configuration.whole, &mut self.account.named)
        {
            config.fargate.cluster = name.to_owned();
            named.cluster = Ok(Some(cluster.clone()));
        }
        worst(judge::cluster(&self.facts, &self.account))
    }

    /// The opinion of a subnet, with the public addresses that its route asks for.
    pub(crate) fn subnet(&mut self, subnet: &Subnet) -> Opinion {
        let public = self.is_public(subnet);
        if let (Ok(config), Some(named)) =
            (&mut self.facts.configuration.whole, &mut self.account.named)
        {
            config.fargate.subnets = vec![subnet.id.clone()];
            config.fargate.assign_public_ip = public;
            named.subnets = Ok(vec![subnet.clone()]);
        }
        self.network(&OF_SUBNETS)
    }

    /// The opinion of a security group.
    pub(crate) fn group(&mut self, group: &SecurityGroup) -> Opinion {
        if let (Ok(config), Some(named)) =
            (&mut self.facts.configuration.whole, &mut self.account.named)
        {
            config.fargate.security_groups = vec![group.id.clone()];
            named.groups = Ok(vec![group.clone()]);
        }
        self.network(&OF_GROUPS)
    }

    /// Whether the subnet's default route leads to an internet gateway.
    pub(crate) fn is_public(&self, subnet: &Subnet) -> bool {
        let named = self.account.named.as_ref();
        let vpc = named.and_then(|named| named.vpc.as_ref());
        vpc.is_some_and(|vpc| judge::is_public(subnet, vpc))
    }

    fn network(&self, subjects: &[&'static Subject]) -> Opinion {
        let checks = judge::network(&self.facts, &self.account).into_iter();
        let about = |check: &Check| subjects.iter().any(|one| one.id == check.subject.id);
        worst(checks.filter(about).collect())
    }
}

/// The first of the worst checks.
fn worst(checks: Vec<Check>) -> Opinion {
    let of = |status| checks.iter().find(|check| check.status == status);
    let worst = [Status::Fail, Status::Warn, Status::Skip]
        .into_iter()
        .find_map(of);
    match worst {
        Some(check) => Opinion {
            status: check.status,
            found: check.found.clone(),
        },
        None => Opinion {
            status: Status::Pass,
            found: String::new(),
        },
    }
}
