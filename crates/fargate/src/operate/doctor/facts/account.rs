//! The AWS account, as far as categories of checks need it.

use super::ask::Answer;
use super::probes::Probed;
use super::vpc::Vpc;
use crate::aws::{
    Cluster, Decision, Definition, Identity, Image, ImageName, Instance, LogGroup, Role, Secret,
    SecurityGroup, Subnet,
};

/// What AWS shows.
#[derive(Debug, Default)]
pub(in super::super) struct Account {
    /// The caller; nothing where no Region is known, or where STS has not answered yet and need not.
    pub(in super::super) identity: Option<Answer<Identity>>,
    /// Whether ECS answers; nothing where nobody asked.
    pub(in super::super) ecs: Option<Answer<()>>,
    /// The machine or the task, if it is one of AWS's.
    pub(in super::super) instance: Option<Instance>,
    /// The resources that the configuration names; nothing without one, or without credentials.
    pub(in super::super) named: Option<Named>,
}

/// The resources that the configuration names, as AWS has them. Those that no category needs count as unanswered.
#[derive(Debug)]
pub(in super::super) struct Named {
    pub(in super::super) cluster: Answer<Option<Cluster>>,
    /// In TaskDefinition mode.
    pub(in super::super) definition: Option<Answer<Option<Definition>>>,
    pub(in super::super) subnets: Answer<Vec<Subnet>>,
    pub(in super::super) groups: Answer<Vec<SecurityGroup>>,
    /// The address ranges of the prefix lists that the groups name.
    pub(in super::super) prefix_lists: PrefixLists,
    /// The VPC of the first subnet.
    pub(in super::super) vpc: Option<Vpc>,
    pub(in super::super) on_demand: Vcpus,
    pub(in super::super) spot: Vcpus,
    /// Roles of tasks, by the key that names them.
    pub(in super::super) roles: Vec<(&'static str, String, Answer<Option<Role>>)>,
    /// Images in ECR.
    pub(in super::super) images: Vec<NamedImage>,
    pub(in super::super) log_groups: Vec<(String, Answer<Option<LogGroup>>)>,
    pub(in super::super) secrets: Vec<(String, Answer<Option<Secret>>)>,
    /// IAM's decisions for the manager's role; nothing where the caller has none or is unknown.
    pub(in super::super) permissions: Option<Answer<Vec<Decision>>>,
    /// Actions that were tried by calls that cannot do anything, where that was asked for.
    pub(in super::super) probes: Vec<Probed>,
    /// The role that ECS itself needs.
    pub(in super::super) service_role: Answer<Option<Role>>,
}

/// vCPUs of tasks at once.
#[derive(Debug)]
pub(in super::super) struct Vcpus {
    pub(in super::super) quota: Answer<f64>,
    /// Nothing where none was lately.
    pub(in super::super) in_use: Answer<Option<f64>>,
}

/// An image by its whole name and by its parts; one that does not exist comes with AWS's words.
pub(in super::super) type NamedImage = (String, ImageName, Answer<Result<Image, String>>);

/// Prefix lists by their IDs.
pub(in super::super) type PrefixLists = Vec<(String, Answer<Vec<String>>)>;
