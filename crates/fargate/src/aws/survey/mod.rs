//! What an account has, as far as `fargate doctor` reads it. No job needs any of this.

mod cluster;
mod definition;
mod identity;
mod images;
mod instance;
mod network;
mod own_task;
mod prefix_list;
mod quotas;
mod resources;
mod roles;

use super::error::AwsError;

pub(crate) use self::cluster::{Cluster, DefaultProvider};
pub(crate) use self::definition::{Definition, LogDestination};
pub(crate) use self::identity::Identity;
pub(crate) use self::images::{Image, ImageName};
pub(crate) use self::instance::{Instance, instance};
pub(super) use self::network::{DescribeSecurityGroupsResponse, DescribeSubnetsResponse, filter};
pub(crate) use self::network::{Route, RouteTable, Rule, SecurityGroup, Subnet, VpcEndpoint};
pub(crate) use self::own_task::{OwnInterface, OwnTask};
pub(crate) use self::quotas::{ON_DEMAND, SPOT};
pub(crate) use self::resources::{LogGroup, Secret};
pub(crate) use self::roles::{Decision, Role, Wish};

impl AwsError {
    /// The action that was called, as IAM names it.
    pub(crate) fn action(&self) -> &str {
        &self.action
    }

    /// Whether AWS answered at all.
    pub(crate) fn is_answer(&self) -> bool {
        self.code.is_some()
    }

    fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}
