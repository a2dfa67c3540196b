//! Remedies that help after a refused call and after a task's end.

/// The task definition is made for something else.
pub(crate) const MAKE_FOR_FARGATE: &str = "Make the task definition for Fargate: requiresCompatibilities with FARGATE, networkMode awsvpc, and cpu and \
     memory of the task.";

/// The cluster's default strategy names machines of the account.
pub(crate) const NAME_FARGATE: &str = "The cluster's default strategy leads to machines of your own: set CapacityProviderStrategy = [{ Name = \
     \"FARGATE\" }] in [Fargate].";

/// The account runs as many vCPUs as it may.
pub(crate) const RAISE_QUOTA: &str =
    "Ask AWS for a higher Fargate vCPU quota (Service Quotas), or run fewer jobs at once.";

/// The account may run fewer vCPUs than the task has.
pub(crate) const QUOTA_BELOW_SIZE: &str = "The account's Fargate vCPU quota is too small for a task of this size: ask AWS for a higher one (Service \
     Quotas), or choose a smaller size.";

/// A role's trust policy does not name ECS.
pub(crate) const TRUST_TASKS: &str = "The trust policy of that role must let ecs-tasks.amazonaws.com take it. A role that was made a moment ago \
     works after some seconds.";

/// More memory for a task, composed for the job's image or not.
pub(crate) fn more_memory(is_composed: bool) -> &'static str {
    if is_composed {
        "Give the job more memory: FARGATE_MEMORY where the runner allows it, or [JobImage] Memory."
    } else {
        "Give the task more memory in its task definition, or the job FARGATE_MEMORY where the runner allows it."
    }
}
