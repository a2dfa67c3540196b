//! RunTask: checks, places and starts tasks.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clusters::{Failure, StrategyItem};
use super::overrides::{Effective, Overrides};
use super::placement::{self, Launch, NetworkConfiguration, Placement};
use super::shapes::KeyValue;
use super::task_definitions::TaskDefinition;
use super::{account, check_enum, idempotency, overrides};
use crate::account::Region;
use crate::engine;
use crate::error::{ApiError, Service};
use crate::faults::{Injector, TaskFacts};
use crate::ids;
use crate::network::InterfaceRequest;
use crate::tags::{self, Tag, TagInput};
use crate::task::plan::{self, Plan};
use crate::task::{
    self, Attachment, AttachmentStatus, Container, ContainerStatus, Record, StorageSize, Task,
    TaskStatus, Timestamp,
};
use crate::throttle::Bucket;
use crate::world::{State, TaskKey, World};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunTask {
    task_definition: Option<String>,
    cluster: Option<String>,
    count: Option<i64>,
    launch_type: Option<String>,
    capacity_provider_strategy: Option<Vec<StrategyItem>>,
    platform_version: Option<String>,
    network_configuration: Option<NetworkConfiguration>,
    overrides: Option<Overrides>,
    started_by: Option<String>,
    group: Option<String>,
    client_token: Option<String>,
    tags: Option<Vec<TagInput>>,
    propagate_tags: Option<String>,
    #[serde(rename = "enableECSManagedTags")]
    enable_ecs_managed_tags: Option<bool>,
    enable_execute_command: Option<bool>,
    placement_constraints: Option<Vec<Value>>,
    placement_strategy: Option<Vec<Value>>,
    volume_configurations: Option<Vec<Value>>,
}

/// `tasks` and `failures`.
#[derive(Debug, Default, Serialize)]
pub(super) struct RunTaskReply {
    tasks: Vec<Value>,
    failures: Vec<Failure>,
}

/// What all tasks of a call have in common.
struct Order {
    cluster: String,
    cluster_arn: String,
    definition: TaskDefinition,
    effective: Effective,
    launch: Launch,
    placement: Placement,
    platform_version: String,
    started_by: Option<String>,
    group: String,
    tags: Vec<Tag>,
    exec: bool,
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

/// Everything that can be refused before a task is placed.
fn check(region: &Region, input: RunTask, overrides_length: usize) -> Result<Order, ApiError> {
    let refuse = |message: &str| Err(ApiError::invalid_parameter(message));
    let Some(name) = input
        .task_definition
        .as_deref()
        .filter(|name| !name.is_empty())
    else {
        return refuse("TaskDefinition can not be blank.");
    };
    let cluster = region.cluster(input.cluster.as_deref())?;
    let definition = region
        .task_definition(name)
        .ok_or_else(|| ApiError::client("TaskDefinition not found."))?;
    if !definition.is_active() {
        return Err(ApiError::client("TaskDefinition is inactive"));
    }
    let strategy = input.capacity_provider_strategy.unwrap_or_default();
    let launch = placement::launch(input.launch_type.as_deref(), &strategy, cluster)?;
    if !definition.compatibilities.contains(&"FARGATE") {
        return refuse("Task definition does not support launch_type FARGATE.");
    }
    let platform_version = match input.platform_version.as_deref() {
        None | Some("" | "LATEST" | "1.4.0") => "1.4.0".to_owned(),
        Some("1.3.0") => "1.3.0".to_owned(),
        Some(_) => {
            return Err(ApiError::new(
                400,
                "PlatformUnknownException",
                "The specified platform does not exist.",
            ));
        }
    };
    for (member, given) in [
        ("placementConstraints", &input.placement_constraints),
        ("placementStrategy", &input.placement_strategy),
        ("volumeConfigurations", &input.volume_configurations),
    ] {
        if given.as_ref().is_some_and(|list| !list.is_empty()) {
            return Err(ApiError::invalid_parameter(format!(
                "{member} is not supported here for launch type FARGATE."
            )));
        }
    }
    let allowed = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-/_".contains(c))
    };
    if input
        .started_by
        .as_deref()
        .is_some_and(|by| by.len() > 128 || !allowed(by))
    {
        return refuse(
            "startedBy may hold up to 128 letters, numbers, hyphens (-), forward slashes (/) and underscores (_).",
        );
    }
    if input
        .group
        .as_deref()
        .is_some_and(|group| group.is_empty() || group.chars().count() > 255)
    {
        return refuse("group may hold 1 to 255 characters.");
    }
    check_enum(
        "propagateTags",
        input.propagate_tags.as_deref(),
        &["TASK_DEFINITION", "SERVICE", "NONE"],
    )?;
    if input.propagate_tags.as_deref() == Some("SERVICE") {
        return refuse("Invalid value for propagateTags: SERVICE is only valid for services.");
    }
    let placement = placement::placement(input.network_configuration, &region.network)?;
    let effective = overrides::apply(input.overrides, overrides_length, &definition.content)?;
    let exec = input.enable_execute_command.unwrap_or(false);
    if exec && effective.task_role.is_none() {
        return refuse("A valid taskRoleArn is required to enable execute command.");
    }
    // Tags of the request win over those of the definition.
    let mut tags = Vec::new();
    if input.propagate_tags.as_deref() == Some("TASK_DEFINITION") {
        tags.clone_from(&definition.tags);
    }
    tags::merge(&mut tags, tags::check(input.tags)?)?;
    if input.enable_ecs_managed_tags == Some(true) {
        tags.push(Tag {
            key: "aws:ecs:clusterName".into(),
            value: cluster.name.clone(),
        });
    }
    Ok(Order {
        cluster: cluster.name.clone(),
        cluster_arn: cluster.arn.clone(),
        group: input
            .group
            .unwrap_or_else(|| format!("family:{}", definition.family)),
        definition: definition.clone(),
        effective,
        launch,
        placement,
        platform_version,
        started_by: input.started_by,
        tags,
        exec,
    })
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
    let shared = plan::Shared {
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

/// The record of a task that has just been created.
fn record(
    region: &Region,
    order: &Order,
    id: &str,
    attachment_id: &str,
    provider: Option<&str>,
    subnet: &crate::network::SubnetState,
) -> Record {
    let task_arn = ids::arn(&region.name, &format!("task/{}/{id}", order.cluster));
    let content = &order.definition.content;
    let architecture = content
        .runtime_platform
        .as_ref()
        .and_then(|platform| platform.cpu_architecture.as_deref());
    let container = |definition: &super::shapes::ContainerDefinition| Container {
        container_arn: ids::arn(
            &region.name,
            &format!("container/{}/{id}/{}", order.cluster, ids::uuid()),
        ),
        task_arn: task_arn.clone(),
        name: definition.name.clone().unwrap_or_default(),
        image: definition.image.clone().unwrap_or_default(),
        image_digest: None,
        runtime_id: None,
        last_status: ContainerStatus::Pending,
        exit_code: None,
        reason: None,
        network_bindings: None,
        network_interfaces: Vec::new(),
        health_status: None,
        managed_agents: order.exec.then(task::pending_agent),
        cpu: definition.cpu.unwrap_or(0).to_string(),
        memory: definition.memory.map(|mib| mib.to_string()),
        memory_reservation: definition.memory_reservation.map(|mib| mib.to_string()),
    };
    let storage = StorageSize {
        size_in_gib: order.effective.storage_gib,
    };
    Record {
        attachments: vec![Attachment {
            id: attachment_id.to_owned(),
            kind: "ElasticNetworkInterface",
            status: AttachmentStatus::Precreated,
            details: vec![KeyValue::new("subnetId", &subnet.spec.id)],
        }],
        attributes: vec![KeyValue::new(
            "ecs.cpu-architecture",
            if architecture == Some("ARM64") {
                "arm64"
            } else {
                "x86_64"
            },
        )],
        availability_zone: subnet.availability_zone.clone(),
        capacity_provider_name: provider.map(str::to_owned),
        cluster_arn: order.cluster_arn.clone(),
        connectivity: None,
        connectivity_at: None,
        containers: content
            .container_definitions
            .iter()
            .map(container)
            .collect(),
        cpu: order.effective.cpu.clone(),
        created_at: Timestamp::now(),
        desired_status: TaskStatus::Running,
        enable_execute_command: order.exec,
        execution_stopped_at: None,
        group: order.group.clone(),
        health_status: None,
        last_status: TaskStatus::Provisioning,
        launch_type: (order.launch == Launch::Fargate).then_some("FARGATE"),
        memory: order.effective.memory.clone(),
        overrides: order.effective.overrides.clone(),
        platform_version: order.platform_version.clone(),
        platform_family: "Linux",
        pull_started_at: None,
        pull_stopped_at: None,
        started_at: None,
        started_by: order.started_by.clone(),
        stop_code: None,
        stopped_at: None,
        stopped_reason: None,
        stopping_at: None,
        task_arn,
        task_definition_arn: order.definition.task_definition_arn.clone(),
        version: 1,
        ephemeral_storage: storage,
        fargate_ephemeral_storage: storage,
    }
}
