//! Advice about a task that ended, for the operator or for the job's author.

use fargate_wire::{BOOTSTRAP_CONTAINER, COORDINATOR_CONTAINER, HELPER_CONTAINER};

use super::cause::Cause;
use super::ending::{End, Ending};
use crate::task::remedy;

impl End<'_> {
    /// Advice on what ended the task, where there is any.
    pub(super) fn advice(&self, ending: Ending<'_>) -> Option<String> {
        let is_composed = self.build.is_some();
        let is_bootstrap = ending
            .about
            .is_some_and(|one| one.name == BOOTSTRAP_CONTAINER);
        match ending.cause {
            Cause::Memory => Some(remedy::more_memory(is_composed).to_owned()),
            Cause::Dependency | Cause::Bootstrap => Some(Self::advice_on_agent()),
            Cause::EntryPoint | Cause::Start if is_composed && is_bootstrap => {
                Some(Self::advice_on_agent())
            }
            // The container is known only where it ended by itself.
            Cause::Exited if is_composed && ending.about.is_some() => {
                advice_on_naming(Cause::EntryPoint, &self.naming(ending), is_composed)
            }
            cause => advice_on_naming(cause, &self.naming(ending), is_composed).or_else(|| {
                of_place(cause)
                    .or_else(|| of_services(cause))
                    .map(str::to_owned)
            }),
        }
    }

    /// Advice on the container that brings the agent, which is the driver's own.
    fn advice_on_agent() -> String {
        "The container bootstrap brings the agent, and failed: [JobImage] AgentImage must be the agent's image \
         (fargate agent push), for the processors of [JobImage] CPUArchitecture. Its output is in [JobImage] LogGroup."
            .to_owned()
    }

    /// Where the image of the container is named.
    fn naming(&self, ending: Ending<'_>) -> String {
        let Some(build) = self.build else {
            return "the task definition".to_owned();
        };
        let setting = match ending.about.map(|container| container.name.as_str()) {
            Some(BOOTSTRAP_CONTAINER) => "[JobImage] AgentImage",
            Some(HELPER_CONTAINER) => "[JobImage] HelperImage",
            Some(COORDINATOR_CONTAINER) if !build.is_jobs => "[JobImage] DefaultImage",
            Some(_) => "image: and services: in the .gitlab-ci.yml",
            None => {
                "image: and services: in the .gitlab-ci.yml, or [JobImage] AgentImage and HelperImage"
            }
        };
        setting.to_owned()
    }
}

/// Advice on something that the job or the operator names: an image at `naming`, or a log group.
fn advice_on_naming(cause: Cause, naming: &str, is_composed: bool) -> Option<String> {
    Some(match cause {
        Cause::RateLimit => {
            "The registry limits pulls. Copy the image to a registry of your own, such as ECR.".to_owned()
        }
        Cause::RegistryUnknown => format!(
            "The task finds no such host: check the name of the registry in {naming}, and that the VPC resolves names \
             (enableDnsSupport)."
        ),
        Cause::AccessRefused if is_composed => format!(
            "Check {naming}: the task's execution role must be allowed to pull the image ([JobImage] ExecutionRole), or the \
             registry's credentials must be right (RegistryCredentials)."
        ),
        Cause::AccessRefused => {
            "Check that the task's execution role may pull the image, or that the registry's credentials are right.".to_owned()
        }
        Cause::NoSpace if is_composed => {
            "The image does not fit: raise FARGATE_EPHEMERAL_STORAGE where the runner allows it, or [JobImage] \
             EphemeralStorage."
                .to_owned()
        }
        Cause::NoSpace => {
            "The image does not fit: give the task definition more ephemeral storage.".to_owned()
        }
        Cause::OtherPlatform if is_composed => format!(
            "Check {naming}: the image is not made for the task's processors. Name one that is, or choose others \
             (FARGATE_CPU_ARCHITECTURE where the runner allows it, or [JobImage] CPUArchitecture)."
        ),
        Cause::OtherPlatform => {
            "The image is not made for the task's processors: name one that is, or change cpuArchitecture of the task \
             definition."
                .to_owned()
        }
        Cause::NoImage | Cause::Pull if is_composed => format!(
            "Check {naming}: the image's name and tag, and that the task can reach its registry."
        ),
        Cause::NoImage | Cause::Pull => {
            "Check the image's name and tag in the task definition, and that the task can reach its registry.".to_owned()
        }
        Cause::EntryPoint | Cause::Start if !is_composed => {
            "Check the entry point, command and user of the container in the task definition.".to_owned()
        }
        Cause::EntryPoint | Cause::Start => format!(
            "Check {naming}: the image's entry point and user, and that the entry point runs the command that it is given \
             (entrypoint: [\"\"] takes it away)."
        ),
        Cause::NoLogGroup => {
            let setting = if is_composed { "[JobImage] LogGroup" } else { naming };
            format!("Make the log group that {setting} names, in the task's region.")
        }
        _ => return None,
    })
}

/// Advice on the place for a task, and on the network.
fn of_place(cause: Cause) -> Option<&'static str> {
    Some(match cause {
        Cause::SpotTaken => {
            "AWS took the Spot capacity back. Run the job again, or on FARGATE if it must not be interrupted."
        }
        Cause::HostRetired => "AWS retired the host. Run the job again.",
        Cause::Infrastructure | Cause::Trouble => "This is AWS's own trouble. Run the job again.",
        Cause::NoCapacity => {
            "Give more subnets in other zones ([Fargate] Subnets) or a FallbackCapacityProviderStrategy."
        }
        Cause::Quota => remedy::RAISE_QUOTA,
        Cause::SizeAboveQuota => remedy::QUOTA_BELOW_SIZE,
        Cause::NoInterface => {
            "Check that the subnet has free addresses, or give more subnets ([Fargate] Subnets). Run the job again."
        }
        Cause::InterfaceRefused => {
            "Check [Fargate] Subnets and SecurityGroups, and that no service control policy keeps ECS's own role \
             AWSServiceRoleForECS from making network interfaces."
        }
        Cause::OwnMachines => remedy::NAME_FARGATE,
        Cause::NotForFargate => remedy::MAKE_FOR_FARGATE,
        Cause::RegistryUnreached => {
            "The task cannot reach the registry: it needs a public IP (EnablePublicIP), a NAT gateway or VPC endpoints."
        }
        Cause::ServicesUnreached => {
            "The task cannot reach AWS's own services: it needs a public IP (EnablePublicIP), a NAT gateway or VPC endpoints."
        }
        Cause::LogsUnreached => {
            "The task cannot reach CloudWatch Logs: it needs a public IP (EnablePublicIP), a NAT gateway or a VPC endpoint \
             for logs, whose security group lets it in."
        }
        _ => return None,
    })
}

/// Advice on AWS's services around a task, and on a container that ended.
fn of_services(cause: Cause) -> Option<&'static str> {
    Some(match cause {
        Cause::RoleNotAssumed => remedy::TRUST_TASKS,
        Cause::LogsRefused => {
            "Allow logs:CreateLogStream and logs:PutLogEvents for the log group in the execution role."
        }
        Cause::NoSecret => {
            "Check that the secret exists in the task's region and has a value ([JobImage] RegistryCredentials, or secrets \
             of the task definition)."
        }
        Cause::Initialization => {
            "Check the execution role's permissions for the secrets, registry and logs that the task definition names."
        }
        Cause::FileSystem => {
            "Check the EFS volumes of the task definition: mount targets in the subnets, and a security group that lets the \
             task in on port 2049."
        }
        Cause::Exited => {
            "The container ended by itself: see its log in CloudWatch, or run its image by hand."
        }
        _ => return None,
    })
}
