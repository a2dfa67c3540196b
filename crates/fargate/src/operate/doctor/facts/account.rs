//! The AWS account: two rounds of calls, each made at once.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::ask::{Answer, Ask};
use super::host::Facts;
use super::names::Names;
use super::probes::{self, Probed};
use super::vpc::Vpc;
use super::wishes::{self, Wishes};
use crate::aws::{
    Aws, Cluster, Decision, Definition, Identity, Image, ImageName, Instance, LogGroup, ON_DEMAND,
    Role, SPOT, Secret, SecurityGroup, Subnet, instance, region_of_environment,
};
use crate::config::{Config, Mode};

/// What AWS shows.
#[derive(Debug)]
pub(in super::super) struct Account {
    /// The caller; nothing where no Region is known.
    pub(in super::super) identity: Option<Answer<Identity>>,
    /// The machine or the task, if it is one of AWS's.
    pub(in super::super) instance: Option<Instance>,
    /// What the configuration names; nothing without one.
    pub(in super::super) named: Option<Named>,
}

/// What the configuration names, as AWS has it.
#[derive(Debug)]
pub(in super::super) struct Named {
    pub(in super::super) cluster: Answer<Option<Cluster>>,
    /// In TaskDefinition mode.
    pub(in super::super) definition: Option<Answer<Option<Definition>>>,
    pub(in super::super) subnets: Answer<Vec<Subnet>>,
    pub(in super::super) groups: Answer<Vec<SecurityGroup>>,
    /// The address ranges of the prefix lists that the groups name.
    pub(in super::super) prefix_lists: PrefixLists,
    /// The VPC of the first subnet.
    pub(in super::super) vpc: Option<Vpc>,
    pub(in super::super) on_demand: Vcpus,
    pub(in super::super) spot: Vcpus,
    /// Roles of tasks, by the key that names them.
    pub(in super::super) roles: Vec<(&'static str, String, Answer<Option<Role>>)>,
    /// Images in ECR.
    pub(in super::super) images: Vec<NamedImage>,
    pub(in super::super) log_groups: Vec<(String, Answer<Option<LogGroup>>)>,
    pub(in super::super) secrets: Vec<(String, Answer<Option<Secret>>)>,
    /// What IAM would decide for the manager's role; nothing where the caller has none.
    pub(in super::super) permissions: Option<Answer<Vec<Decision>>>,
    /// Actions that were tried by calls that cannot do anything, where that was asked for.
    pub(in super::super) probes: Vec<Probed>,
    /// The role that ECS itself needs.
    pub(in super::super) service_role: Answer<Option<Role>>,
}

/// vCPUs of tasks at once.
#[derive(Debug)]
pub(in super::super) struct Vcpus {
    pub(in super::super) quota: Answer<f64>,
    /// Nothing where none was lately.
    pub(in super::super) in_use: Answer<Option<f64>>,
}

/// An image by its whole name and by its parts; one that does not exist comes with AWS's words.
pub(in super::super) type NamedImage = (String, ImageName, Answer<Result<Image, String>>);

/// Prefix lists by their IDs.
pub(in super::super) type PrefixLists = Vec<(String, Answer<Vec<String>>)>;

/// The role that ECS makes at its first use in an account.
const SERVICE_ROLE: &str = "AWSServiceRoleForECS";

impl Facts {
    /// Asks AWS, with `probe` also by calls that show permissions and cannot do anything. What has not answered by the
    /// deadline counts as unanswered.
    pub(in super::super) async fn of_account(&self, deadline: Instant, probe: bool) -> Account {
        let config = self.configuration.whole.as_ref().ok();
        let fargate = config.map(|config| &config.fargate);
        let region = fargate.map(|fargate| fargate.region.clone());
        let Some(region) = region.or_else(region_of_environment) else {
            return Account {
                identity: None,
                instance: instance().await,
                named: None,
            };
        };
        let endpoint = fargate.and_then(|fargate| fargate.endpoint.as_deref());
        let aws = Aws::connect(&region, endpoint).await;
        let ask = Ask::until(deadline, &aws);
        let identity = ask.bounded("sts:GetCallerIdentity", aws.identity());
        let (identity, instance) = tokio::join!(identity, ask.manager());
        // Without credentials every other call would say the same.
        let named = match (config, &identity) {
            (Some(config), Ok(caller)) => Some(ask.named(config, caller, probe).await),
            _ => None,
        };
        Account {
            identity: Some(identity),
            instance,
            named,
        }
    }
}

impl Ask<'_> {
    async fn named(&self, config: &Config, caller: &Identity, probe: bool) -> Named {
        let (aws, fargate) = (self.aws, &config.fargate);
        let definition = async {
            match &config.mode {
                Mode::TaskDefinition(name) => {
                    let name = name.to_string();
                    let call = aws.definition(&name);
                    Some(self.bounded("ecs:DescribeTaskDefinition", call).await)
                }
                Mode::JobImage(_) => None,
            }
        };
        let others = async {
            tokio::join!(
                self.bounded("ecs:DescribeClusters", aws.cluster(&fargate.cluster)),
                self.groups(&fargate.security_groups),
                self.vcpus(ON_DEMAND),
                self.vcpus(SPOT),
                self.bounded("iam:GetRole", aws.role(SERVICE_ROLE)),
            )
        };
        // The second round builds on these. A service that is out of reach must not keep the others waiting: IAM and
        // Service Quotas often are, without the internet.
        let rounds = async {
            let (definition, subnets) = tokio::join!(
                definition,
                self.bounded("ec2:DescribeSubnets", aws.subnets(&fargate.subnets)),
            );
            let known = definition.as_ref().and_then(|answer| answer.as_ref().ok());
            let known = known.and_then(Option::as_ref);
            let names = Names::of(config, known);
            let wishes = wishes::of(config, known, &names, caller);
            let second = tokio::join!(
                Vpc::look(self, subnets.as_deref().unwrap_or_default()),
                self.roles(&names),
                self.images(&names),
                self.log_groups(&names),
                self.secrets(&names),
                self.permissions(wishes),
                self.probes(probe.then(|| probes::of(config, &names))),
            );
            (definition, subnets, second)
        };
        let (others, rounds) = tokio::join!(others, rounds);
        let (cluster, (groups, prefix_lists), on_demand, spot, service_role) = others;
        let (definition, subnets, second) = rounds;
        let (vpc, roles, images, log_groups, secrets, permissions, probes) = second;
        Named {
            cluster,
            definition,
            subnets,
            groups,
            prefix_lists,
            vpc,
            on_demand,
            spot,
            roles,
            images,
            log_groups,
            secrets,
            permissions,
            probes,
            service_role,
        }
    }

    async fn vcpus(&self, code: &'static str) -> Vcpus {
        let (quota, in_use) = tokio::join!(
            self.bounded(
                "servicequotas:GetServiceQuota",
                self.aws.fargate_quota(code)
            ),
            self.bounded("cloudwatch:GetMetricData", self.aws.vcpus_in_use(code)),
        );
        Vcpus { quota, in_use }
    }

    /// Groups, and the prefix lists in their rules.
    async fn groups(&self, ids: &[String]) -> (Answer<Vec<SecurityGroup>>, PrefixLists) {
        let call = self.aws.security_groups(ids);
        let groups = self.bounded("ec2:DescribeSecurityGroups", call).await;
        let rules = groups.iter().flatten().flat_map(|group| &group.incoming);
        let lists = rules.flat_map(|rule| rule.prefix_lists().map(str::to_owned));
        let lists: BTreeSet<_> = lists.collect();
        let calls = lists.into_iter().map(async |id| {
            let call = self.aws.prefix_list(&id);
            let ranges = self.bounded("ec2:GetManagedPrefixListEntries", call).await;
            (id, ranges)
        });
        let lists = join_all(calls).await;
        (groups, lists)
    }

    async fn roles(&self, names: &Names) -> Vec<(&'static str, String, Answer<Option<Role>>)> {
        let calls = names.roles.iter().map(async |(key, arn)| {
            let name = arn.rsplit('/').next().unwrap_or_default();
            let answer = self.bounded("iam:GetRole", self.aws.role(name)).await;
            (*key, arn.clone(), answer)
        });
        join_all(calls).await
    }

    async fn images(&self, names: &Names) -> Vec<NamedImage> {
        let calls = names.images.iter().map(async |(image, name)| {
            let answer = self
                .bounded("ecr:DescribeImages", self.aws.image(name))
                .await;
            (image.clone(), name.clone(), answer)
        });
        join_all(calls).await
    }

    async fn log_groups(&self, names: &Names) -> Vec<(String, Answer<Option<LogGroup>>)> {
        let calls = names.log_groups.iter().map(async |name| {
            let answer = self
                .bounded("logs:DescribeLogGroups", self.aws.log_group(name))
                .await;
            (name.clone(), answer)
        });
        join_all(calls).await
    }

    async fn secrets(&self, names: &Names) -> Vec<(String, Answer<Option<Secret>>)> {
        let calls = names.secrets.iter().map(async |arn| {
            let call = self.aws.secret(arn);
            let answer = self.bounded("secretsmanager:DescribeSecret", call).await;
            (arn.clone(), answer)
        });
        join_all(calls).await
    }

    /// IAM's decisions about the wishes, for the role of the caller.
    async fn permissions(&self, wishes: Option<Wishes>) -> Option<Answer<Vec<Decision>>> {
        let Wishes { role, arn, wishes } = wishes?;
        // A session's ARN does not have the role's path. Without the right to look, most roles have none.
        let found = self.bounded("iam:GetRole", self.aws.role(&role)).await;
        let arn = found.ok().flatten().map_or(arn, |role| role.arn);
        const ACTION: &str = "iam:SimulatePrincipalPolicy";
        let calls = wishes
            .iter()
            .map(|wish| self.bounded(ACTION, self.aws.simulate(&arn, wish)));
        let answers: Answer<Vec<_>> = join_all(calls).await.into_iter().collect();
        Some(answers.map(|decisions| decisions.concat()))
    }
}
