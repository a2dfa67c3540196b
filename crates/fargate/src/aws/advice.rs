//! Advice for the operator about a call that AWS refused.

use super::cause::{Cause, denying_policy};
use super::error::AwsError;
use super::kind::Kind;
use crate::error::Error;
use crate::task::remedy;

/// Advice for a cluster without a default strategy.
pub(crate) const NAME_A_STRATEGY: &str = "Give the cluster a default capacity provider strategy (with FARGATE), or set \
                                          CapacityProviderStrategy = [{ Name = \"FARGATE\" }] in [Fargate].";

/// Advice for permissions, after the name of the action.
const IN_POLICY: &str = "in the IAM policy of the manager";

impl AwsError {
    /// Advice for the operator, if any helps.
    pub(crate) fn advice(&self) -> Option<String> {
        let general = match self.kind {
            Kind::Denied => return Some(self.advice_on_denial()),
            Kind::Throttled | Kind::Ec2Throttled => {
                Some("AWS limits calls per account and region; run the job again later.")
            }
            Kind::Unclear
            | Kind::Unreached
            | Kind::Unresolved
            | Kind::Untrusted
            | Kind::Environment
            | Kind::LateCredentials => Some(self.network_advice()),
            Kind::Credentials => Some(
                "Give the manager credentials: an IAM role of its instance, AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY in the environment of GitLab Runner.",
            ),
            Kind::Conflict => Some("Run the job again."),
            Kind::Foreign | Kind::Wrong => None,
        };
        let known = self.cause().and_then(Cause::advice);
        known.or(general).map(str::to_owned)
    }

    /// Advice on a missing permission, or on a policy that takes it away: adding to the manager's own policy helps
    /// only where none of them allows the action.
    fn advice_on_denial(&self) -> String {
        let action = self.denied_action();
        match denying_policy(&self.message) {
            Some((policy, true)) => format!(
                "An explicit deny in a policy of this kind forbids {action}: {policy}. No permission overrides it; ask \
                 those who maintain that policy."
            ),
            Some((policy, false)) if policy != "identity-based policy" => format!(
                "The manager's {policy} must allow {action}, too; ask those who maintain it."
            ),
            _ if action == "iam:PassRole" => {
                format!("Allow iam:PassRole for the task definition's roles {IN_POLICY}.")
            }
            _ => format!("Allow {action} {IN_POLICY}."),
        }
    }

    /// The action that AWS's message names; it may be another than the one called.
    fn denied_action(&self) -> &str {
        self.message
            .split_once("not authorized to perform: ")
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .unwrap_or(&self.action)
    }
}

impl Cause {
    /// Advice for the operator, if any helps.
    fn advice(self) -> Option<&'static str> {
        let of_network = self.advice_on_network();
        let of_definition = || self.advice_on_definition();
        of_network
            .or_else(of_definition)
            .or_else(|| self.advice_on_account())
    }

    fn advice_on_network(self) -> Option<&'static str> {
        Some(match self {
            Self::Intermediary => {
                "Something between the manager and AWS answered, such as a proxy: check its rules for AWS's endpoints, and \
                 HTTPS_PROXY and NO_PROXY in the environment of GitLab Runner."
            }
            Self::Subnet => "Check [Fargate] Subnet or Subnets and Region.",
            Self::SecurityGroup => {
                "Check [Fargate] SecurityGroup or SecurityGroups: they must be in the VPC of the subnets."
            }
            Self::TwoVpcs => {
                "[Fargate] SecurityGroup or SecurityGroups and Subnet or Subnets must be of one VPC."
            }
            _ => return None,
        })
    }

    fn advice_on_definition(self) -> Option<&'static str> {
        Some(match self {
            Self::OverridesTooLong => {
                "The variables of the job's services do not fit into ECS's limit; make them shorter."
            }
            Self::NoCoordinator => {
                "The task definition needs a container named ci-coordinator, which takes the job's scripts."
            }
            Self::NoDefinition => {
                "Check the name and revision of the task definition ([Fargate] TaskDefinition, or the job's \
                 FARGATE_TASK_DEFINITION); it must be ACTIVE in that region."
            }
            Self::NotForFargate => remedy::MAKE_FOR_FARGATE,
            Self::NoExecutionRole => {
                "Give the task definition an execution role ([JobImage] ExecutionRole): images in ECR, log groups and secrets \
                 need one."
            }
            Self::NoPlatform => {
                "Check the platform version ([Fargate] PlatformVersion, or the job's FARGATE_PLATFORM_VERSION), such as \
                 1.4.0 or LATEST."
            }
            Self::OldPlatform => {
                "The platform version lacks what the task definition asks for: leave out [Fargate] PlatformVersion (or the \
                 job's FARGATE_PLATFORM_VERSION), or set it to LATEST."
            }
            Self::RoleNotAssumed => remedy::TRUST_TASKS,
            Self::NoRole => {
                "The roles of the task definition ([JobImage] ExecutionRole and TaskRole, or the job's FARGATE_TASK_ROLE) must \
                 exist in this account."
            }
            Self::ExecWithoutRole => {
                "[Fargate] EnableExecuteCommand needs a task role: give the task definition one ([JobImage] TaskRole)."
            }
            Self::ImageName => {
                "ECS refuses the name of an image: the job's image: and services:, or [JobImage] AgentImage and HelperImage."
            }
            Self::NoSuchSize => {
                "Choose one of Fargate's sizes of CPU and memory (FARGATE_CPU and FARGATE_MEMORY, or cpu and memory of the \
                 task definition)."
            }
            _ => return None,
        })
    }

    fn advice_on_account(self) -> Option<&'static str> {
        Some(match self {
            Self::Clock => {
                "Correct the manager's clock (chrony or another NTP client): AWS refuses what was signed more than some \
                 minutes ago."
            }
            Self::Expired => {
                "The manager's credentials have expired, or its clock is wrong: renew them, or give it an IAM role of its \
                 instance, which renews them by itself."
            }
            Self::WrongSecret => {
                "AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID; check both."
            }
            Self::MetadataOutOfReach => {
                "Give the manager credentials: an IAM role of its instance, AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY in the environment of GitLab Runner. A manager in a container on EC2 needs a metadata \
                 hop limit of 2 (aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2)."
            }
            Self::MachineWithoutRole => {
                "The instance has no IAM role: attach an instance profile, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY in the environment of GitLab Runner."
            }
            Self::RoleOfProfile => {
                "The trust policy of the role in the manager's profile must name the manager, and the manager's policy must \
                 allow sts:AssumeRole for it."
            }
            Self::Quota => remedy::RAISE_QUOTA,
            Self::SizeAboveQuota => remedy::QUOTA_BELOW_SIZE,
            Self::NoCluster => {
                "Check [Fargate] Cluster and Region: the cluster must exist in that region."
            }
            Self::InactiveCluster => {
                "The cluster was deleted: make it again, or correct [Fargate] Cluster."
            }
            Self::NoDefaultStrategy => NAME_A_STRATEGY,
            Self::ForeignProvider => {
                "Associate the capacity providers that [Fargate] names with the cluster."
            }
            Self::OwnMachines => remedy::NAME_FARGATE,
            Self::ServiceLinkedRole => {
                "ECS was never used in this account: aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com \
                 makes the role that it needs. Then run the job again."
            }
            Self::Blocked => "AWS has blocked the account: ask AWS Support.",
            Self::NotSubscribed => {
                "The account is not signed up for the service, or has not enabled the region: see the account's page in \
                 AWS's console."
            }
            Self::NotInRegion => "The region lacks what the task asks for; choose another region.",
            _ => return None,
        })
    }
}

impl From<AwsError> for Error {
    fn from(refusal: AwsError) -> Self {
        let error = Error::system(refusal.to_string());
        match refusal.advice() {
            Some(advice) => error.advise(advice),
            None => error,
        }
    }
}
