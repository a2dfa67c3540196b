//! Advice for the operator about a call that AWS refused.

use super::error::{AwsError, Kind};
use crate::error::Error;

/// Advice for a cluster without a default strategy.
pub(crate) const NAME_A_STRATEGY: &str = "Give the cluster a default capacity provider strategy (with FARGATE), or set \
                                          CapacityProviderStrategy = [{ Name = \"FARGATE\" }] in [Fargate].";

impl AwsError {
    /// Advice for the operator, if any helps.
    pub(crate) fn advice(&self) -> Option<String> {
        let text = self.message.to_lowercase();
        let has = |fragment: &str| text.contains(&fragment.to_lowercase());
        let code = self.code.as_deref().unwrap_or_default();
        let advice = match self.kind {
            Kind::Throttled | Kind::Ec2Throttled => {
                "AWS limits calls per account and region; run the job again later."
            }
            Kind::Unclear
            | Kind::Unreached
            | Kind::Unresolved
            | Kind::Untrusted
            | Kind::Environment
            | Kind::LateCredentials => self.network_advice(),
            Kind::Credentials => {
                "Give the manager credentials: an IAM role of its instance, AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
                 AWS_SECRET_ACCESS_KEY in the environment of GitLab Runner."
            }
            Kind::Denied if has("iam:PassRole") => {
                "Allow iam:PassRole for the task definition's roles in the IAM policy of the manager."
            }
            Kind::Denied => {
                return Some(format!(
                    "Allow {} in the IAM policy of the manager.",
                    self.denied_action()
                ));
            }
            Kind::Conflict => "Run the job again.",
            Kind::Wrong if code == "ClusterNotFoundException" => {
                "Check [Fargate] Cluster and Region: the cluster must exist in that region."
            }
            Kind::Wrong if self.looked_for_ec2() => NAME_A_STRATEGY,
            Kind::Wrong if has("capacity provider") => {
                "Associate the capacity providers that [Fargate] names with the cluster."
            }
            Kind::Wrong if has("InvalidSubnetID") || has("subnet") => {
                "Check [Fargate] Subnet or Subnets and Region."
            }
            Kind::Wrong if has("InvalidGroup") || has("security group") => {
                "Check [Fargate] SecurityGroup or SecurityGroups: they must be in the VPC of the subnets."
            }
            Kind::Wrong if has("overrides length") => {
                "The variables of the job's services do not fit into ECS's limit; make them shorter."
            }
            Kind::Wrong if has("override for container") => {
                "The task definition needs a container named ci-coordinator, which takes the job's scripts."
            }
            Kind::Wrong if has("task definition") || has("taskdefinition") => {
                "Check the name and revision of the task definition ([Fargate] TaskDefinition, or the job's \
                 FARGATE_TASK_DEFINITION); it must be ACTIVE in that region."
            }
            Kind::Wrong if code.starts_with("Platform") || has("platform") => {
                "Check the platform version ([Fargate] PlatformVersion, or the job's FARGATE_PLATFORM_VERSION)."
            }
            Kind::Wrong => return None,
        };
        Some(advice.to_owned())
    }

    /// The action that AWS's message names; it may be another than the one called.
    fn denied_action(&self) -> &str {
        self.message
            .split_once("not authorized to perform: ")
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .unwrap_or(&self.action)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_what_to_change() {
        let denied = "User: arn:aws:sts::1:assumed-role/ci/i-0 is not authorized to perform: ecs:TagResource on resource: x";
        let refused = AwsError::refusal("AccessDeniedException", denied);
        assert!(refused.refuses_tags());
        assert_eq!(
            refused.advice().unwrap(),
            "Allow ecs:TagResource in the IAM policy of the manager."
        );
        for (code, message, part) in [
            (
                "ClusterNotFoundException",
                "Cluster not found.",
                "[Fargate] Cluster",
            ),
            (
                "InvalidParameterException",
                "No Container Instances were found in your cluster.",
                "default capacity provider strategy",
            ),
            (
                "InvalidParameterException",
                "(ErrorCode: InvalidSubnetID.NotFound)",
                "Subnet",
            ),
            (
                "InvalidParameterException",
                "(ErrorCode: InvalidGroup.NotFound)",
                "SecurityGroup",
            ),
            (
                "ClientException",
                "TaskDefinition not found.",
                "FARGATE_TASK_DEFINITION",
            ),
            (
                "InvalidParameterException",
                "Override for container named ci-coordinator is not a container in the TaskDefinition.",
                "ci-coordinator",
            ),
            (
                "ClientException",
                "User is not authorized to perform: iam:PassRole on resource: r",
                "iam:PassRole",
            ),
        ] {
            let advice = AwsError::refusal(code, message)
                .advice()
                .unwrap_or_default();
            assert!(advice.contains(part), "{message}: {advice}");
        }
    }
}
