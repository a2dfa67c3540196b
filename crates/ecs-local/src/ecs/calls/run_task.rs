//! RunTask: checks a request, and places and starts its tasks.

use std::time::Instant;

use serde::Serialize;
use serde_json::{Value, json};

use super::new_task;
use crate::ecs::failure::Failure;
use crate::ecs::idempotency::{self, PastReply};
use crate::ecs::launcher::Launcher;
use crate::ecs::region::Region;
use crate::ecs::rules::capacity_rules::{self, Capacity};
use crate::ecs::rules::run_task_rules::{RunTask, ValidRunTask, check};
use crate::engine::SandboxSpec;
use crate::error::ApiError;
use crate::faults::{TaskFacts, TaskFaults};
use crate::guarded::Guarded;
use crate::ids;
use crate::network::{InterfaceRequest, Network, SubnetState};
use crate::service::AwsService;
use crate::tags::Tag;
use crate::tasks::{self, LocalTask, TaskContext, TaskSpec, TaskStatus};
use crate::throttle::Bucket;

/// The reply: `tasks` and `failures`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct RunTaskReply {
    tasks: Vec<Value>,
    failures: Vec<Failure>,
}

/// Runs tasks. The reply's `failures` has the reasons of those without capacity.
pub(crate) fn run(
    launcher: &Launcher,
    region: &mut Region,
    body: Value,
) -> Result<RunTaskReply, ApiError> {
    let overrides = body.get("overrides");
    let overrides_length = overrides.map_or(0, |value| value.to_string().chars().count());
    // A repeated request has to have the same members as the first one, also those that are ignored.
    let mut members = body.clone();
    if let Some(members) = members.as_object_mut() {
        members.remove("clientToken");
    }
    let input: RunTask = serde_json::from_value(body)
        .map_err(|e| ApiError::new(400, "SerializationException", e.to_string()))?;
    let token = input.client_token.clone().filter(|token| !token.is_empty());
    let cluster = region.cluster(input.cluster.as_deref())?.name.clone();
    if let Some(token) = &token {
        idempotency::check(token)?;
        if let Some(reply) = replay(region, &cluster, token, &members)? {
            return Ok(reply);
        }
    }
    let count = match input.count {
        None => 1,
        Some(count @ 1..=10) => count,
        Some(_) => {
            return Err(ApiError::invalid_parameter(
                "count should be between 1 and 10.",
            ));
        }
    };
    let network = launcher.networks.region(&region.name);
    let request = check(region, &network.lock(), input, overrides_length)?;
    take_launch_tokens(launcher, &request, &region.name, count)?;
    let (reply, ids) = launch(launcher, region, &network, &request, count)?;
    if let Some(token) = token {
        let past = PastReply::new(members, ids, reply.failures.clone());
        let tokens = region.tokens.entry(cluster).or_default();
        tokens.insert(token, past);
    }
    Ok(reply)
}

/// The earlier reply under this token.
fn replay(
    region: &mut Region,
    cluster: &str,
    token: &str,
    members: &Value,
) -> Result<Option<RunTaskReply>, ApiError> {
    let Region { tokens, tasks, .. } = region;
    let Some(tokens) = tokens.get_mut(cluster) else {
        return Ok(None);
    };
    tokens.retain(|_, past| past.is_alive(past.task_ids.iter().any(|id| tasks.contains_key(id))));
    let Some(past) = tokens.get(token) else {
        return Ok(None);
    };
    let past = past.replay(members)?;
    let tasks = past.task_ids.iter().filter_map(|id| tasks.get(id));
    let tasks = tasks.map(|task| show_again(&task.lock()));
    Ok(Some(RunTaskReply {
        tasks: tasks.collect::<Result<_, _>>()?,
        failures: past.failures.clone(),
    }))
}

/// A task in a repeated reply, which has only three members of a stopped one.
fn show_again(task: &LocalTask) -> Result<Value, ApiError> {
    let description = &task.description;
    if description.last_status == TaskStatus::Stopped {
        return Ok(json!({
            "taskArn": description.task_arn,
            "lastStatus": description.last_status,
            "desiredStatus": description.desired_status,
        }));
    }
    serde_json::to_value(task.show(true)).map_err(ApiError::internal)
}

/// Applies the rate limits for launching tasks on Fargate.
fn take_launch_tokens(
    launcher: &Launcher,
    request: &ValidRunTask,
    region: &str,
    count: i64,
) -> Result<(), ApiError> {
    let launches = if request.capacity.is_spot() {
        Bucket::SpotLaunches
    } else {
        Bucket::OnDemandLaunches
    };
    let (now, tasks) = (Instant::now(), u32::try_from(count).unwrap_or(1));
    let mut throttle = launcher.throttle.lock();
    if throttle.take(Bucket::FargateCalls, 1, region, now)
        && throttle.take(launches, tasks, region, now)
    {
        Ok(())
    } else {
        Err(ApiError::throttled(AwsService::Ecs))
    }
}

/// Starts the tasks of a call. Returns the reply, and ID and ARN of each task.
fn launch(
    launcher: &Launcher,
    region: &mut Region,
    network: &Guarded<Network>,
    request: &ValidRunTask,
    count: i64,
) -> Result<(RunTaskReply, Vec<(String, String)>), ApiError> {
    let mut reply = RunTaskReply::default();
    let mut started = Vec::new();
    for n in 0..count {
        let placed = place(launcher, &region.name, &network.lock(), request, n);
        let (spec, task) = match placed {
            Ok(placed) => placed,
            Err(reason) => {
                reply.failures.push(Failure { arn: None, reason });
                continue;
            }
        };
        let shown = serde_json::to_value(task.show(true)).map_err(ApiError::internal)?;
        reply.tasks.push(shown);
        let id = spec.task_id.clone();
        started.push((id.clone(), task.description.task_arn.clone()));
        let task = Guarded::new(task);
        region.tasks.insert(id, task.clone());
        let runtime = launcher.runtime.clone();
        launcher
            .runtime
            .spawn(tasks::run(runtime, network.clone(), task, spec));
    }
    Ok((reply, started))
}

/// Places the n-th task of a call. The error is the reason of its failure.
fn place(
    launcher: &Launcher,
    region: &str,
    network: &Network,
    request: &ValidRunTask,
    n: i64,
) -> Result<(TaskSpec, LocalTask), String> {
    let provider = match &request.capacity {
        Capacity::Fargate => None,
        Capacity::Strategy(items) => capacity_rules::provider(items, n, fastrand::f64()),
    };
    let mut facts = TaskFacts {
        family: &request.definition.family,
        capacity_provider: provider,
        subnet: None,
    };
    let subnet = choose_subnet(launcher, network, &request.network.subnets, facts)?;
    facts.subnet = Some(&subnet.spec.id);
    let faults = launcher.faults.lock().task(facts);
    let id = ids::task();
    let attachment_id = ids::uuid();
    let description = new_task::describe(region, request, &id, &attachment_id, provider, subnet);
    let spec = specify(
        launcher,
        region,
        request,
        &faults,
        (id, attachment_id, subnet),
    );
    Ok((
        spec,
        LocalTask::new(description, request.tags.clone(), faults),
    ))
}

/// Chooses the subnet with the most free addresses among those with capacity: AWS spreads tasks over zones, too.
fn choose_subnet<'a>(
    launcher: &Launcher,
    network: &'a Network,
    subnets: &'a [String],
    mut facts: TaskFacts<'a>,
) -> Result<&'a SubnetState, String> {
    let mut faults = launcher.faults.lock();
    if let Some(reason) = faults.no_capacity(facts) {
        return Err(reason);
    }
    let subnets = subnets.iter().filter_map(|id| network.subnet(id));
    let mut subnets: Vec<_> = subnets.collect();
    subnets.sort_by_key(|subnet| std::cmp::Reverse(subnet.free()));
    let mut last_reason = String::new();
    for subnet in subnets {
        facts.subnet = Some(&subnet.spec.id);
        match faults.no_capacity(facts) {
            Some(reason) => last_reason = reason,
            None => return Ok(subnet),
        }
    }
    Err(last_reason)
}

fn specify(
    launcher: &Launcher,
    region: &str,
    request: &ValidRunTask,
    faults: &TaskFaults,
    (id, attachment_id, subnet): (String, String, &SubnetState),
) -> TaskSpec {
    let content = &request.definition.content;
    let settings = &request.settings;
    let context = TaskContext {
        metadata: &launcher.runtime.metadata_address(),
        region,
        task_id: &id,
        task_role: settings.task_role.is_some(),
        memory: settings.memory.parse().unwrap_or_default(),
        overrides: &settings.overrides,
        faults,
        backend: &launcher.runtime.backend,
    };
    let is_system_tag = |tag: &&Tag| tag.key.starts_with("aws:");
    let volumes = content.volumes.iter();
    TaskSpec {
        region: region.to_owned(),
        interface: InterfaceRequest {
            attachment_arn: ids::arn(region, &format!("attachment/{attachment_id}")),
            subnet_id: subnet.spec.id.clone(),
            groups: request.network.groups.clone(),
            public: request.network.public,
            tags: request.tags.iter().filter(is_system_tag).cloned().collect(),
            public_after_reads: faults.public_ip_reads,
            address: None,
        },
        attachment_id,
        memory_mib: context.memory,
        sandbox: SandboxSpec {
            task_id: id.clone(),
            volumes: volumes.filter_map(|volume| volume.name.clone()).collect(),
            processes: content.pid_mode.as_deref() == Some("task"),
        },
        containers: tasks::containers(&content.container_definitions, context),
        task_id: id,
    }
}
