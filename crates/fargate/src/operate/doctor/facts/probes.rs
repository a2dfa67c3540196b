//! Permissions that jobs need, tried by calls that cannot do anything.

use futures_util::future::join_all;

use super::ask::{Answer, Ask};
use super::names::Names;
use crate::aws::Probe;
use crate::config::{Config, Mode};

/// An action that was tried.
#[derive(Debug)]
pub(in super::super) struct Probed {
    /// As IAM names it.
    pub(in super::super) action: &'static str,
    /// Whether the manager may call it.
    pub(in super::super) answer: Answer<()>,
}

/// The calls for what jobs need. `iam:PassRole` and `ecs:TagResource` have none.
pub(super) fn of(config: &Config, names: &Names) -> Vec<Probe> {
    let fargate = &config.fargate;
    let cluster = fargate.cluster.as_str();
    let family = match &config.mode {
        Mode::TaskDefinition(name) => name.family(),
        Mode::JobImage(_) => "fargate-0",
    };
    let mut probes = vec![
        Probe::run_task(cluster, family),
        Probe::describe_tasks(cluster),
        Probe::stop_task(cluster),
        Probe::list_tasks(cluster),
    ];
    if fargate.connect_to_public_ip {
        probes.push(Probe::describe_network_interfaces());
    }
    if let Mode::JobImage(_) = config.mode {
        probes.push(Probe::describe_task_definition());
        probes.push(Probe::register_task_definition());
        let groups = names.log_groups.iter();
        probes.extend(groups.map(|group| Probe::get_log_events(group)));
    }
    probes
}

impl Ask<'_> {
    /// Tries each, at once.
    pub(super) async fn probes(&self, probes: Option<Vec<Probe>>) -> Vec<Probed> {
        let probes = probes.into_iter().flatten();
        let calls = probes.map(async |probe| {
            let action = probe.action;
            let answer = self.bounded(action, self.aws.probe(probe)).await;
            Probed { action, answer }
        });
        join_all(calls).await
    }
}
