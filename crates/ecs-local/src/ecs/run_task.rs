//! RunTask: checks, places and starts tasks.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use super::clusters::Failure;
use super::order::{Order, RunTask, check, record};
use super::placement::{self, Launch};
use super::{account, idempotency};
use crate::account::Region;
use crate::engine;
use crate::error::{ApiError, Service};
use crate::faults::{Injector, TaskFacts};
use crate::ids;
use crate::network::InterfaceRequest;
use crate::task::plan::{self, Plan};
use crate::task::{self, Record, Task, TaskStatus};
use crate::throttle::Bucket;
use crate::world::{State, TaskKey, World};

/// `tasks` and `failures`.
#[derive(Debug, Default, Serialize)]
pub(super) struct RunTaskReply {
    tasks: Vec<Value>,
    failures: Vec<Failure>,
}

/// Runs tasks, or says in `failures` why not.
pub(super) fn run(
    world: &Arc<World>,
    state: &mut State,
    region: &str,
    body: Value,
) -> Result<RunTaskReply, ApiError> {
    // The comparison of client tokens is over all members, so they are kept as they came.
    let length = body
        .get("overrides")
        .map_or(0, |overrides| overrides.to_string().chars().count());
    let mut request = body.clone();
    if let Some(members) = request.as_object_mut() {
        members.remove("clientToken");
    }
    let input: RunTask = serde_json::from_value(body)
        .map_err(|e| ApiError::new(400, "SerializationException", e.to_string()))?;
    let token = input.client_token.clone().filter(|token| !token.is_empty());
    let region_state = account(world, state, region);
    let cluster = region_state.cluster(input.cluster.as_deref())?.name.clone();
    if let Some(token) = &token {
        idempotency::check(token)?;
        if let Some(reply) = replay(region_state, &cluster, token, &request)? {
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
    let order = check(region_state, input, length)?;
    if world.throttle {
        let spot = matches!(&order.launch, Launch::Strategy(items) if items.iter().any(|item| item.capacity_provider == "FARGATE_SPOT"));
        let launches = if spot {
            Bucket::SpotLaunches
        } else {
            Bucket::OnDemandLaunches
        };
        let (now, tasks) = (Instant::now(), u32::try_from(count).unwrap_or(1));
        let throttle = &mut region_state.throttle;
        if !throttle.take(Bucket::FargateCalls, 1, region, now)
            || !throttle.take(launches, tasks, region, now)
        {
            return Err(ApiError::throttled(Service::Ecs));
        }
    }
    let mut reply = RunTaskReply::default();
    let mut started = Vec::new();
    for n in 0..count {
        let State {
            regions, faults, ..
        } = &mut *state;
        let Some(region_state) = regions.get_mut(region) else {
            continue;
        };
        match start(world, region_state, faults, &order, n) {
            Ok((plan, key, task)) => {
                reply
                    .tasks
                    .push(serde_json::to_value(task.show(true)).map_err(ApiError::internal)?);
                started.push((key.id.clone(), task.record.task_arn.clone()));
                let stopping = task.stopping();
                region_state.tasks.insert(key.id.clone(), task);
                state.drive(task::drive(world.clone(), key, plan, stopping));
            }
            Err(reason) => reply.failures.push(Failure { arn: None, reason }),
        }
    }
    if let (Some(token), Some(region_state)) = (token, state.regions.get_mut(region)) {
        let answered = idempotency::Answered::new(request, started, reply.failures.clone());
        region_state
            .tokens
            .entry(cluster)
            .or_default()
            .insert(token, answered);
    }
    Ok(reply)
}

/// The answer given before under this token.
fn replay(
    region: &mut Region,
    cluster: &str,
    token: &str,
    request: &Value,
) -> Result<Option<RunTaskReply>, ApiError> {
    let Region { tokens, tasks, .. } = region;
    let Some(tokens) = tokens.get_mut(cluster) else {
        return Ok(None);
    };
    tokens.retain(|_, answered| {
        answered.is_alive(answered.task_ids.iter().any(|id| tasks.contains_key(id)))
    });
    let Some(answered) = tokens.get(token) else {
        return Ok(None);
    };
    let answered = answered.replay(request)?;
    let show = |task: &Task| {
        if task.record.last_status == TaskStatus::Stopped {
            // Of a stopped task the replay has only these.
            let Record {
                task_arn,
                last_status,
                desired_status,
                ..
            } = &task.record;
            Ok(
                serde_json::json!({"taskArn": task_arn, "lastStatus": last_status, "desiredStatus": desired_status}),
            )
        } else {
            serde_json::to_value(task.show(true)).map_err(ApiError::internal)
        }
    };
    let tasks = answered
        .task_ids
        .iter()
        .filter_map(|id| tasks.get(id))
        .map(show)
        .collect::<Result<_, _>>()?;
    Ok(Some(RunTaskReply {
        tasks,
        failures: answered.failures.clone(),
    }))
}

/// Places the n-th task of a call and makes its record, or says why there is no room.
fn start(
    world: &World,
    region: &Region,
    injector: &mut Injector,
    order: &Order,
    n: i64,
) -> Result<(Plan, TaskKey, Task), String> {
    let provider = match &order.launch {
        Launch::Fargate => None,
        Launch::Strategy(items) => placement::provider(items, n, fastrand::f64()),
    };
    let mut facts = TaskFacts {
        family: &order.definition.family,
        capacity_provider: provider,
        subnet: None,
    };
    if let Some(reason) = injector.no_capacity(facts) {
        return Err(reason);
    }
    // One with room, if there is one: AWS shares tasks out among zones, too.
    let mut subnets: Vec<&str> = order.placement.subnets.iter().map(String::as_str).collect();
    subnets.sort_by_key(|id| {
        std::cmp::Reverse(region.network.subnet(id).map_or(0, |subnet| subnet.free()))
    });
    let mut refusal = String::new();
    let mut chosen = None;
    for id in subnets {
        facts.subnet = Some(id);
        match injector.no_capacity(facts) {
            Some(reason) => refusal = reason,
            None => {
                chosen = Some(id);
                break;
            }
        }
    }
    let Some(subnet) = chosen.and_then(|id| region.network.subnet(id)) else {
        return Err(refusal);
    };
    facts.subnet = chosen;
    let faults = injector.task(facts);
    let id = ids::task();
    let attachment_id = ids::uuid();
    let record = record(region, order, &id, &attachment_id, provider, subnet);
    let metadata = world.metadata();
    let shared = plan::Shared {
        metadata: &metadata,
        region: &region.name,
        task_id: &id,
        task_role: order.effective.task_role.is_some(),
        memory: order.effective.memory.parse().unwrap_or_default(),
        overrides: &order.effective.overrides,
        faults: &faults,
        backend: &world.backend,
    };
    let content = &order.definition.content;
    let plan = Plan {
        region: region.name.clone(),
        interface: InterfaceRequest {
            attachment_arn: ids::arn(&region.name, &format!("attachment/{attachment_id}")),
            subnet_id: subnet.spec.id.clone(),
            groups: order.placement.groups.clone(),
            public: order.placement.public,
            tags: order
                .tags
                .iter()
                .filter(|tag| tag.key.starts_with("aws:"))
                .cloned()
                .collect(),
            public_after_reads: faults.public_ip_reads,
            address: None,
        },
        attachment_id,
        shared: engine::Shared {
            task_id: id.clone(),
            volumes: content
                .volumes
                .iter()
                .filter_map(|volume| volume.name.clone())
                .collect(),
            processes: content.pid_mode.as_deref() == Some("task"),
        },
        containers: plan::containers(&content.container_definitions, shared),
    };
    let key = TaskKey {
        region: region.name.clone(),
        id,
    };
    Ok((plan, key, Task::new(record, order.tags.clone(), faults)))
}
