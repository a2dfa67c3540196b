//! What jobs need of the manager's role, for IAM's simulation.

use super::names::Names;
use crate::aws::{Definition, Identity, Wish};
use crate::config::{Config, Mode};

/// A role and the actions that it has to be allowed.
#[derive(Debug)]
pub(super) struct Wishes {
    /// Name of the role.
    pub(super) role: String,
    /// Its ARN, if it has no path.
    pub(super) arn: String,
    pub(super) wishes: Vec<Wish>,
}

/// The wishes; nothing where the caller is no role. Users have none to simulate on a manager's behalf.
pub(super) fn of(
    config: &Config,
    definition: Option<&Definition>,
    names: &Names,
    caller: &Identity,
) -> Option<Wishes> {
    let role = caller.role_name()?;
    let of = (caller.partition(), caller.account.as_str());
    Some(Wishes {
        role: role.to_owned(),
        arn: caller.role(role),
        wishes: wishes(config, definition, names, of),
    })
}

fn wishes(
    config: &Config,
    definition: Option<&Definition>,
    names: &Names,
    (partition, account): (&str, &str),
) -> Vec<Wish> {
    let fargate = &config.fargate;
    let region = fargate.region.as_str();
    let ecs = |resource: &str| format!("arn:{partition}:ecs:{region}:{account}:{resource}");
    let name = fargate.cluster.rsplit('/').next().unwrap_or_default();
    let cluster = ecs(&format!("cluster/{name}"));
    let task = ecs(&format!("task/{name}/{:032}", 0));
    let wish = |actions: &[&'static str], resources: Vec<String>, more: &[(&'static str, &str)]| {
        let everywhere = [
            ("ecs:cluster", cluster.as_str()),
            ("aws:RequestedRegion", region),
        ];
        let context = everywhere.iter().chain(more);
        Wish {
            actions: actions.to_vec(),
            resources,
            context: context
                .map(|(key, value)| (*key, (*value).to_owned()))
                .collect(),
        }
    };
    let all = || vec!["*".to_owned()];
    let run = ecs_definition(config, definition, ecs);
    let mut wishes = vec![
        wish(&["ecs:RunTask"], vec![run], &[]),
        wish(
            &["ecs:DescribeTasks", "ecs:StopTask"],
            vec![task.clone()],
            &[],
        ),
        wish(&["ecs:ListTasks"], all(), &[]),
        wish(
            &["ecs:TagResource"],
            vec![task],
            &[("ecs:CreateAction", "RunTask")],
        ),
    ];
    let roles: Vec<_> = names.roles.iter().map(|(_, arn)| arn.clone()).collect();
    if !roles.is_empty() {
        let to = [("iam:PassedToService", "ecs-tasks.amazonaws.com")];
        wishes.push(wish(&["iam:PassRole"], roles, &to));
    }
    if fargate.connect_to_public_ip {
        let region = [("ec2:Region", region)];
        wishes.push(wish(&["ec2:DescribeNetworkInterfaces"], all(), &region));
    }
    if let Mode::JobImage(image) = &config.mode {
        let compose = ["ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"];
        wishes.push(wish(&compose, all(), &[]));
        wishes.extend(image.log_group.iter().map(|group| {
            let stream = format!(
                "arn:{partition}:logs:{region}:{account}:log-group:{group}:log-stream:job/service-0/{:032}",
                0
            );
            wish(&["logs:GetLogEvents"], vec![stream], &[])
        }));
    }
    wishes
}

/// The task definition that RunTask is judged on.
fn ecs_definition(
    config: &Config,
    definition: Option<&Definition>,
    ecs: impl Fn(&str) -> String,
) -> String {
    match (&config.mode, definition) {
        (Mode::TaskDefinition(_), Some(definition)) => definition.arn.clone(),
        (Mode::TaskDefinition(name), None) => {
            let name = name.to_string();
            let family = name.rsplit('/').next().unwrap_or_default();
            ecs(&format!(
                "task-definition/{}:1",
                family.split(':').next().unwrap_or_default()
            ))
        }
        (Mode::JobImage(_), _) => ecs("task-definition/fargate-0:1"),
    }
}
