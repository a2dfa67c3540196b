//! Advice for the operator about a task that ended.

use super::image_fault::UNREACHED;
use crate::task::description::Task;

impl Task {
    /// Advice on a cause, where there is any.
    pub(super) fn advice(&self, cause: &str) -> Option<&'static str> {
        let cause = cause.to_lowercase();
        let has = |fragments: &[&str]| fragments.iter().any(|fragment| cause.contains(fragment));
        match self.stop_code.as_deref() {
            Some("SpotInterruption") => {
                return Some(
                    "AWS took the Spot capacity back. Run the job again, or on FARGATE if it must not be interrupted.",
                );
            }
            Some("TerminationNotice") => return Some("AWS retired the host. Run the job again."),
            _ => {}
        }
        Some(if has(&["outofmemory"]) {
            "Give the task more memory in its task definition."
        } else if has(&["cannotpullcontainererror"]) && has(&["toomanyrequests", "rate limit"]) {
            "The registry limits pulls. Copy the image to a registry of your own, such as ECR."
        } else if has(&["cannotpullcontainererror"]) && has(&UNREACHED) {
            "The task cannot reach the registry: it needs a public IP (EnablePublicIP), a NAT gateway or VPC endpoints."
        } else if has(&["cannotpullcontainererror"])
            && has(&["permission", "denied", "unauthorized", "forbidden"])
        {
            "Check that the task's execution role may pull the image, or that the registry's credentials are right."
        } else if has(&["cannotpullcontainererror"]) && has(&["no space left"]) {
            "The image does not fit: give the task definition more ephemeral storage."
        } else if has(&["cannotpullcontainererror"]) {
            "Check the image's name and tag in the task definition, and that the task can reach its registry."
        } else if has(&["resourceinitializationerror"]) && has(&["log group", "logging driver"]) {
            "Check that the log group of the task definition exists and that the execution role may write to it."
        } else if has(&["resourceinitializationerror"]) && has(&UNREACHED) {
            "The task cannot reach AWS's own services: it needs a public IP (EnablePublicIP), a NAT gateway or VPC endpoints."
        } else if has(&["resourceinitializationerror"]) {
            "Check the execution role's permissions for the secrets, registry and logs that the task definition names."
        } else if has(&["cannotstartcontainererror", "containerruntimeerror"]) {
            "Check the entry point, command and user of the container in the task definition."
        } else if has(&["network interface"]) {
            "Check that the subnet has free addresses, or give more subnets ([Fargate] Subnets). Run the job again."
        } else if has(&["capacity is unavailable"]) {
            "Give more subnets in other zones ([Fargate] Subnets) or a FallbackCapacityProviderStrategy."
        } else if self.stop_code.as_deref() == Some("EssentialContainerExited")
            && !self.containers.is_empty()
        {
            "The container ended by itself: see its log in CloudWatch, or run its image by hand."
        } else {
            return None;
        })
    }
}
