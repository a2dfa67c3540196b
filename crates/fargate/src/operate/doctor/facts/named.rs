//! What the configuration names: two rounds of calls, each made at once.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::account::{Named, NamedImage, PrefixLists, Vcpus};
use super::ask::{Answer, Ask};
use super::names::Names;
use super::probes;
use super::shared;
use super::vpc::Vpc;
use super::wishes::{self, Wishes};
use crate::aws::{
    AwsError, Cluster, Decision, Definition, LogGroup, ON_DEMAND, Role, SPOT, Secret,
    SecurityGroup, Subnet,
};
use crate::cli::Category;
use crate::config::{Config, Mode};

/// The role that ECS makes at its first use in an account.
const SERVICE_ROLE: &str = "AWSServiceRoleForECS";

/// The categories that judge a task definition, or what it names.
const OF_DEFINITION: [Category; 5] = [
    Category::Identity,
    Category::Task,
    Category::Network,
    Category::Quotas,
    Category::Images,
];

impl Ask<'_> {
    /// What the configuration names.
    pub(super) async fn named(&self, config: &Config, probe: bool) -> Named {
        let fargate = &config.fargate;
        let of_identity = self.is_about(&[Category::Identity]);
        let others = async {
            tokio::join!(
                self.cluster(config),
                self.groups(&fargate.security_groups),
                self.vcpus(ON_DEMAND),
                self.vcpus(SPOT),
                self.role(SERVICE_ROLE),
            )
        };
        // The second round builds on these. A service that is out of reach must not keep the others waiting: IAM and
        // Service Quotas often are, without the internet.
        let rounds = async {
            let (definition, subnets) =
                tokio::join!(self.definition(config), self.subnets(&fargate.subnets),);
            let known = definition.as_ref().and_then(|answer| answer.as_ref().ok());
            let known = known.and_then(Option::as_ref);
            let names = Names::of(config, known);
            let second = tokio::join!(
                Vpc::look(self, subnets.as_deref().unwrap_or_default()),
                self.roles(&names),
                self.images(&names),
                self.log_groups(&names),
                self.secrets(&names),
                self.permissions(config, known, &names),
                self.probes((probe && of_identity).then(|| probes::of(config, &names))),
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

    async fn cluster(&self, config: &Config) -> Answer<Option<Cluster>> {
        match self.is_about(&[Category::Identity, Category::Cluster, Category::Quotas]) {
            true => self.any_cluster(Some(config)).await,
            false => Err(AwsError::abandoned(shared::DESCRIBE_CLUSTERS)),
        }
    }

    /// The task definition of TaskDefinition mode, which most categories build on.
    async fn definition(&self, config: &Config) -> Option<Answer<Option<Definition>>> {
        let Mode::TaskDefinition(name) = &config.mode else {
            return None;
        };
        Some(match self.is_about(&OF_DEFINITION) {
            true => self.task_definition(&name.to_string()).await,
            false => Err(AwsError::abandoned(shared::DESCRIBE_TASK_DEFINITION)),
        })
    }

    async fn subnets(&self, ids: &[String]) -> Answer<Vec<Subnet>> {
        let call = self.aws.subnets(ids);
        self.about(Category::Network, "ec2:DescribeSubnets", call)
            .await
    }

    async fn vcpus(&self, code: &'static str) -> Vcpus {
        let (quota, in_use) = tokio::join!(
            self.about(
                Category::Quotas,
                "servicequotas:GetServiceQuota",
                self.aws.fargate_quota(code)
            ),
            self.about(
                Category::Quotas,
                "cloudwatch:GetMetricData",
                self.aws.vcpus_in_use(code)
            ),
        );
        Vcpus { quota, in_use }
    }

    async fn role(&self, name: &str) -> Answer<Option<Role>> {
        let call = self.aws.role(name);
        self.about(Category::Identity, "iam:GetRole", call).await
    }

    /// Groups, and the prefix lists in their rules.
    async fn groups(&self, ids: &[String]) -> (Answer<Vec<SecurityGroup>>, PrefixLists) {
        let call = self.aws.security_groups(ids);
        let groups = self
            .about(Category::Network, "ec2:DescribeSecurityGroups", call)
            .await;
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
            let answer = self.role(name).await;
            (*key, arn.clone(), answer)
        });
        join_all(calls).await
    }

    async fn images(&self, names: &Names) -> Vec<NamedImage> {
        let calls = names.images.iter().map(async |(image, name)| {
            let call = self.aws.image(name);
            let answer = self
                .about(Category::Images, "ecr:DescribeImages", call)
                .await;
            (image.clone(), name.clone(), answer)
        });
        join_all(calls).await
    }

    async fn log_groups(&self, names: &Names) -> Vec<(String, Answer<Option<LogGroup>>)> {
        let calls = names.log_groups.iter().map(async |name| {
            let call = self.aws.log_group(name);
            let answer = self
                .about(Category::Images, "logs:DescribeLogGroups", call)
                .await;
            (name.clone(), answer)
        });
        join_all(calls).await
    }

    async fn secrets(&self, names: &Names) -> Vec<(String, Answer<Option<Secret>>)> {
        let calls = names.secrets.iter().map(async |arn| {
            let call = self.aws.secret(arn);
            let answer = self
                .about(Category::Images, "secretsmanager:DescribeSecret", call)
                .await;
            (arn.clone(), answer)
        });
        join_all(calls).await
    }

    /// IAM's decisions about what jobs need, for the role of the caller.
    async fn permissions(
        &self,
        config: &Config,
        definition: Option<&Definition>,
        names: &Names,
    ) -> Option<Answer<Vec<Decision>>> {
        if !self.is_about(&[Category::Identity]) {
            return None;
        }
        let caller = self.identity().await.ok()?;
        let Wishes { role, arn, wishes } = wishes::of(config, definition, names, &caller)?;
        // A session's ARN does not have the role's path. Without the right to look, most roles have none.
        let found = self.role(&role).await;
        let arn = found.ok().flatten().map_or(arn, |role| role.arn);
        const ACTION: &str = "iam:SimulatePrincipalPolicy";
        let calls = wishes
            .iter()
            .map(|wish| self.bounded(ACTION, self.aws.simulate(&arn, wish)));
        let answers: Answer<Vec<_>> = join_all(calls).await.into_iter().collect();
        Some(answers.map(|decisions| decisions.concat()))
    }
}
