//! Why AWS refused a call, by the code and the sentences of its answer.
//!
//! A sentence is matched as a whole, as far as it is known to be stable: single words such as "task definition" stand
//! in texts with different remedies. `texts.toml` holds the literal texts.

use crate::text::Wording;

/// The cause of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The clock of the manager, or of its container, is wrong.
    Clock,
    /// The credentials were right once.
    Expired,
    /// The access key is known, and the secret does not belong to it.
    WrongSecret,
    /// The machine does not answer for its metadata, mostly because a container is one hop too far from it.
    MetadataOutOfReach,
    /// The machine has no role.
    MachineWithoutRole,
    /// The manager may not take the role that its profile names.
    RoleOfProfile,
    /// Something between the manager and AWS answered.
    Intermediary,
    /// AWS has no capacity at the moment.
    NoCapacity,
    /// The account runs as much as it may.
    Quota,
    /// The account may never run a task of this size.
    SizeAboveQuota,
    NoCluster,
    /// The cluster was deleted.
    InactiveCluster,
    NoDefaultStrategy,
    /// The cluster does not have a provider of the strategy.
    ForeignProvider,
    /// The cluster's default strategy leads to machines of the account, and none of them fits.
    OwnMachines,
    Subnet,
    SecurityGroup,
    /// Subnets and security groups are of different VPCs.
    TwoVpcs,
    OverridesTooLong,
    NoCoordinator,
    NoDefinition,
    /// The task definition is not made for Fargate.
    NotForFargate,
    NoExecutionRole,
    NoPlatform,
    /// The platform version lacks something that the task definition has.
    OldPlatform,
    /// ECS's own role in the account is missing.
    ServiceLinkedRole,
    /// ECS may not take a role of the task definition.
    RoleNotAssumed,
    /// A role of the task definition does not exist.
    NoRole,
    /// ECS Exec needs a role for the task.
    ExecWithoutRole,
    ImageName,
    /// Fargate has no task of this size.
    NoSuchSize,
    /// AWS has blocked the account.
    Blocked,
    /// The service is not opened for the account, or the Region not enabled.
    NotSubscribed,
    /// The Region lacks a feature.
    NotInRegion,
}

/// AWS's sentences, with `…` for names and numbers.
const SENTENCES: [(&str, Cause); 38] = [
    ("Signature expired: …", Cause::Clock),
    ("Signature not yet current: …", Cause::Clock),
    (
        "The request signature we calculated does not match the signature you provided",
        Cause::WrongSecret,
    ),
    ("Capacity is unavailable at this time", Cause::NoCapacity),
    (
        "Tasks provisioning capacity limit exceeded",
        Cause::NoCapacity,
    ),
    (
        "reached the limit on the number of … you can run concurrently",
        Cause::Quota,
    ),
    (
        "The requested … configuration is above your limit",
        Cause::SizeAboveQuota,
    ),
    (
        "The referenced cluster was inactive",
        Cause::InactiveCluster,
    ),
    ("The specified cluster is inactive", Cause::InactiveCluster),
    (
        "No Container Instances were found in your cluster",
        Cause::NoDefaultStrategy,
    ),
    (
        "The platform version must be null when specifying an EC2 launch type",
        Cause::NoDefaultStrategy,
    ),
    (
        "Assign public IP is not supported for this launch type",
        Cause::NoDefaultStrategy,
    ),
    (
        "capacity provider … is not associated with the cluster",
        Cause::ForeignProvider,
    ),
    (
        "Security group … does not appear to belong to the same VPC",
        Cause::TwoVpcs,
    ),
    (
        "Container Overrides length must be at most",
        Cause::OverridesTooLong,
    ),
    (
        "Override for container named … is not a container in the TaskDefinition",
        Cause::NoCoordinator,
    ),
    ("TaskDefinition not found", Cause::NoDefinition),
    ("TaskDefinition is inactive", Cause::NoDefinition),
    ("Unable to describe task definition", Cause::NoDefinition),
    (
        "Task definition does not support launch_type",
        Cause::NotForFargate,
    ),
    (
        "not compatible with the selected compute strategy",
        Cause::NotForFargate,
    ),
    (
        "Network Configuration must be provided when networkMode 'awsvpc'",
        Cause::NotForFargate,
    ),
    (
        "Network Configuration is not valid for the given networkMode",
        Cause::NotForFargate,
    ),
    ("Fargate only supports network mode", Cause::NotForFargate),
    (
        "requires task definition to have execution role ARN to support",
        Cause::NoExecutionRole,
    ),
    (
        "must also specify a value for 'executionRoleArn'",
        Cause::NoExecutionRole,
    ),
    ("The specified platform does not exist", Cause::NoPlatform),
    (
        "Unable to assume the service linked role",
        Cause::ServiceLinkedRole,
    ),
    ("ECS was unable to assume the", Cause::RoleNotAssumed),
    ("Role is not valid", Cause::NoRole),
    (
        "a valid taskRoleArn is not being used",
        Cause::ExecWithoutRole,
    ),
    ("Container.image … invalid characters", Cause::ImageName),
    ("Container.image … should not be", Cause::ImageName),
    (
        "No Fargate configuration exists for given values",
        Cause::NoSuchSize,
    ),
    ("Invalid 'cpu' setting for task", Cause::NoSuchSize),
    ("Invalid 'memory' setting for task", Cause::NoSuchSize),
    ("account is currently blocked", Cause::Blocked),
    ("needs a subscription for the service", Cause::NotSubscribed),
];

/// Sentences of the SDK about where it looked for credentials (aws-config: imds/credentials.rs), and of STS.
const ABOUT_CREDENTIALS: [(&str, Cause); 4] = [
    ("received 404 from IMDS", Cause::MachineWithoutRole),
    ("could not communicate with IMDS", Cause::MetadataOutOfReach),
    (
        "failed to load IMDS session token",
        Cause::MetadataOutOfReach,
    ),
    (
        "is not authorized to perform: sts:AssumeRole",
        Cause::RoleOfProfile,
    ),
];

impl Cause {
    /// The cause of an answer of AWS's with this code and message.
    pub(super) fn of_answer(code: &str, message: &str) -> Option<Self> {
        let inner = || of_code(inner_code(message)?);
        find(&SENTENCES, message)
            .or_else(inner)
            .or_else(|| of_code(code))
    }

    /// The cause of missing credentials, in the words of the SDK.
    pub(super) fn of_credentials(message: &str) -> Option<Self> {
        find(&ABOUT_CREDENTIALS, message)
    }

    /// The cause of a reason in a RunTask reply's `failures`.
    pub(super) fn of_failure(reason: &str) -> Option<Self> {
        find(&SENTENCES, reason).or_else(|| of_placement(reason))
    }
}

/// Whether a reason is a limit that this manager's own tasks may have reached: the account's quota, or the free
/// addresses of a subnet.
pub(crate) fn is_own_limit(reason: &str) -> bool {
    Cause::of_failure(reason) == Some(Cause::Quota)
        || reason.contains("InsufficientFreeAddressesInSubnet")
}

fn find(sentences: &[(&str, Cause)], message: &str) -> Option<Cause> {
    let wording = Wording::of(message);
    let found = sentences
        .iter()
        .find(|(sentence, _)| wording.says(sentence));
    found.map(|(_, cause)| *cause)
}

/// The cause that a code alone tells.
fn of_code(code: &str) -> Option<Cause> {
    Some(match code {
        "ClusterNotFoundException" => Cause::NoCluster,
        "PlatformUnknownException" => Cause::NoPlatform,
        "PlatformTaskDefinitionIncompatibilityException" => Cause::OldPlatform,
        "BlockedException" => Cause::Blocked,
        "UnsupportedFeatureException" => Cause::NotInRegion,
        "OptInRequired" | "SubscriptionRequiredException" => Cause::NotSubscribed,
        "RequestTimeTooSkewed" => Cause::Clock,
        "ExpiredTokenException" | "ExpiredToken" | "RequestExpired" => Cause::Expired,
        _ if code.starts_with("InvalidSubnet") => Cause::Subnet,
        _ if code.starts_with("InvalidGroup") || code.starts_with("InvalidSecurityGroup") => {
            Cause::SecurityGroup
        }
        _ => return None,
    })
}

/// EC2's code in ECS's message about a look-up that it made there: "(ErrorCode: InvalidSubnetID.NotFound)".
fn inner_code(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("(ErrorCode: ")?;
    rest.split_once(')').map(|(code, _)| code)
}

/// The cause in a reason of a RunTask reply's `failures`, if waiting does not cure it. These single words are about
/// machines of the account (AWS: API failure reasons).
fn of_placement(reason: &str) -> Option<Cause> {
    let word = reason.split([' ', ':']).next()?;
    matches!(word, "ATTRIBUTE" | "MISSING" | "INACTIVE").then_some(Cause::OwnMachines)
}

/// The kind of policy that denies a call, and whether it does so explicitly. IAM's sentence ends with "with an
/// explicit deny in a service control policy" or "because no permissions boundary allows the ecs:RunTask action".
pub(super) fn denying_policy(message: &str) -> Option<(&str, bool)> {
    if let Some((_, rest)) = message.split_once("with an explicit deny in a") {
        let rest = rest.trim_start_matches('n').trim_start();
        let kind = rest.split([':', '.', ',', '(']).next()?;
        let kind = kind.split(" arn").next()?.trim();
        return Some((kind, true));
    }
    let (_, rest) = message.split_once("because no ")?;
    let (kind, _) = rest.split_once(" allows the ")?;
    Some((kind, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_names_the_policy() {
        for (message, policy) in [
            (
                "x with an explicit deny in a service control policy",
                Some(("service control policy", true)),
            ),
            (
                "x with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/p",
                Some(("identity-based policy", true)),
            ),
            (
                "x because no VPC endpoint policy allows the ecs:RunTask action",
                Some(("VPC endpoint policy", false)),
            ),
            ("x on resource: y", None),
        ] {
            assert_eq!(denying_policy(message), policy, "{message}");
        }
    }
}
