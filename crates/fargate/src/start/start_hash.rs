//! The hash of a start: of all that RunTask is given, but for what only one task has. Decisions only.
//!
//! A job may claim a waiting task with the hash of its own start, and no other: such a task is what RunTask would start
//! for it. Left out are the key, deadlines, the client token, the group, and the tags with facts about the job.

use std::collections::BTreeMap;

use fargate_wire::{DEADLINE_VARIABLE, PUBLIC_KEY_VARIABLE};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::aws::TaskOverrides;
use crate::config::{Fargate, StrategyItem};
use crate::task::definition::ContainerEnvironment;

/// Digits of a hash: enough that no two starts of a manager share one.
const DIGITS: usize = 32;

/// Variables that each task has of its own.
const OWN_VARIABLES: [&str; 2] = [PUBLIC_KEY_VARIABLE, DEADLINE_VARIABLE];

/// The parameters of RunTask that jobs may share.
#[derive(Debug, Clone)]
pub(crate) struct StartHash<'a> {
    pub(crate) fargate: &'a Fargate,
    /// ARN of the task definition, with its revision.
    pub(crate) definition: &'a str,
    pub(crate) platform_version: Option<&'a str>,
    /// The job's choice in place of the operator's capacity providers.
    pub(crate) strategy: Option<&'a [StrategyItem]>,
    pub(crate) environments: &'a [ContainerEnvironment],
    pub(crate) overrides: &'a TaskOverrides,
    /// Version of driver and agent.
    pub(crate) version: &'a str,
}

impl StartHash<'_> {
    /// The hash, in hexadecimal digits.
    pub(crate) fn hash(&self) -> String {
        // Objects of this kind are sorted by their keys.
        let digest = Sha256::digest(self.content().to_string());
        let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        digits.get(..DIGITS).unwrap_or(&digits).to_owned()
    }

    fn content(&self) -> Value {
        let Self {
            fargate,
            definition,
            platform_version,
            strategy,
            environments,
            overrides,
            version,
        } = self;
        let (strategy, fallback) = match strategy {
            // The job's own choice has no fallback.
            Some(strategy) => (*strategy, &[][..]),
            None => (&fargate.strategy[..], &fargate.fallback_strategy[..]),
        };
        json!({
            "version": version,
            "cluster": fargate.cluster,
            "region": fargate.region,
            "endpoint": fargate.endpoint,
            "definition": definition,
            "platform_version": platform_version,
            "subnets": fargate.subnets,
            "security_groups": fargate.security_groups,
            "assign_public_ip": fargate.assign_public_ip,
            "connect_to_public_ip": fargate.connect_to_public_ip,
            "strategy": items(strategy),
            "fallback_strategy": items(fallback),
            "execute_command": fargate.execute_command,
            "tags": fargate.tags,
            "environments": environments.iter().map(shared).collect::<Vec<_>>(),
            "cpu": overrides.cpu.map(|cpu| cpu.0),
            "memory": overrides.memory.map(|memory| memory.0),
            "storage": overrides.storage.map(|storage| storage.0),
            "task_role": overrides.task_role,
        })
    }
}

fn items(strategy: &[StrategyItem]) -> Vec<Value> {
    let item = |item: &StrategyItem| json!([item.provider, item.weight, item.base]);
    strategy.iter().map(item).collect()
}

/// The variables of a container that tasks share.
fn shared(environment: &ContainerEnvironment) -> Value {
    let is_shared = |name: &str| !OWN_VARIABLES.contains(&name);
    let variables: BTreeMap<_, _> = environment
        .variables
        .iter()
        .filter(|(name, _)| is_shared(name))
        .collect();
    json!([environment.container, variables])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{Config, Cpu, KeepFailed, Memory, Storage};

    /// All that a hash may depend on, owned.
    #[derive(Debug, Clone)]
    struct Input {
        fargate: [String; 6],
        flags: [bool; 3],
        optional: [Option<String>; 4],
        variables: BTreeMap<String, String>,
        sizes: [Option<u32>; 3],
        key: String,
        deadline: u64,
        keep_for: u64,
        has_strategy: bool,
    }

    fn text() -> impl Strategy<Value = String> {
        "[a-c]{1,2}"
    }

    fn input() -> impl Strategy<Value = Input> {
        let optional = || proptest::option::of(text());
        (
            proptest::array::uniform6(text()),
            proptest::array::uniform3(any::<bool>()),
            [optional(), optional(), optional(), optional()],
            proptest::collection::btree_map("[A-C]", text(), 0..3),
            proptest::array::uniform3(proptest::option::of(1_u32..4)),
            (text(), 0_u64..9, 0_u64..9, any::<bool>()),
        )
            .prop_map(|(fargate, flags, optional, variables, sizes, own)| Input {
                fargate,
                flags,
                optional,
                variables,
                sizes,
                key: own.0,
                deadline: own.1,
                keep_for: own.2,
                has_strategy: own.3,
            })
    }

    /// A section with the usual values.
    fn usual() -> Fargate {
        let text = "[Fargate]\nCluster = \"c\"\nRegion = \"eu-west-1\"\nSubnet = \"subnet-0a\"\nSecurityGroup = \"sg-0a\"\n\
                    TaskDefinition = \"t\"\n[TaskMetadata]\nDirectory = \"m\"\n[SSH]\nUsername = \"root\"\n";
        let config = Config::parse(text, std::path::Path::new("/"));
        config.unwrap().fargate
    }

    impl Input {
        fn hash(&self) -> String {
            let [cluster, region, subnet, group, tag, definition] = &self.fargate;
            let [platform, provider, role, endpoint] = &self.optional;
            let item = |provider: &String| StrategyItem {
                provider: provider.clone(),
                weight: 1,
                base: 0,
            };
            let fargate = Fargate {
                cluster: cluster.clone(),
                region: region.clone(),
                subnets: vec![subnet.clone()],
                security_groups: vec![group.clone()],
                assign_public_ip: self.flags[0],
                connect_to_public_ip: self.flags[1],
                platform_version: None,
                strategy: Vec::new(),
                fallback_strategy: vec![item(&"FARGATE".to_owned())],
                start_timeout: std::time::Duration::from_secs(self.deadline),
                execute_command: self.flags[2],
                endpoint: endpoint.clone(),
                tags: BTreeMap::from([("team".to_owned(), tag.clone())]),
                keep_failed: KeepFailed {
                    time: std::time::Duration::from_secs(self.keep_for),
                    tasks: 5,
                },
                ..usual()
            };
            let mut variables = self.variables.clone();
            variables.insert(PUBLIC_KEY_VARIABLE.to_owned(), self.key.clone());
            variables.insert(DEADLINE_VARIABLE.to_owned(), self.deadline.to_string());
            let environments = [ContainerEnvironment {
                container: "helper".to_owned(),
                variables,
            }];
            let [cpu, memory, storage] = self.sizes;
            let own: Option<Vec<_>> = provider.as_ref().map(|provider| vec![item(provider)]);
            StartHash {
                fargate: &fargate,
                definition,
                platform_version: platform.as_deref(),
                strategy: own.as_deref().filter(|_| self.has_strategy),
                environments: &environments,
                overrides: &TaskOverrides {
                    cpu: cpu.map(Cpu),
                    memory: memory.map(Memory),
                    storage: storage.map(Storage),
                    task_role: role.clone(),
                },
                version: "1.0.0",
            }
            .hash()
        }

        /// What RunTask is given that jobs may share.
        fn given(&self) -> impl PartialEq + std::fmt::Debug + use<> {
            let mut optional = self.optional.clone();
            optional[1] = optional[1].take().filter(|_| self.has_strategy);
            (
                self.fargate.clone(),
                self.flags,
                optional,
                self.variables.clone(),
                self.sizes,
            )
        }
    }

    proptest! {
        #[test]
        fn a_hash_tells_starts_apart_by_all_that_run_task_is_given_and_by_nothing_else(
            one in input(),
            other in input(),
            mixed in proptest::array::uniform5(any::<bool>()),
        ) {
            // Mostly the same, so that both cases occur.
            let mut other = other;
            if mixed[0] { other.fargate = one.fargate.clone(); }
            if mixed[1] { other.flags = one.flags; }
            if mixed[2] { other.optional = one.optional.clone(); other.has_strategy = one.has_strategy; }
            if mixed[3] { other.variables = one.variables.clone(); }
            if mixed[4] { other.sizes = one.sizes; }
            prop_assert_eq!(one.hash() == other.hash(), one.given() == other.given());
        }

        #[test]
        fn each_member_changes_it(one in input(), at in 0_usize..6, flag in 0_usize..3, size in 0_usize..3) {
            let mut other = one.clone();
            other.fargate[at].push('x');
            prop_assert_ne!(one.hash(), other.hash());
            let mut other = one.clone();
            other.flags[flag] = !one.flags[flag];
            prop_assert_ne!(one.hash(), other.hash());
            let mut other = one.clone();
            other.sizes[size] = Some(9);
            prop_assert_ne!(one.hash(), other.hash());
            let mut other = one.clone();
            other.variables.insert("X".to_owned(), "x".to_owned());
            prop_assert_ne!(one.hash(), other.hash());
            let mut other = one.clone();
            (other.key, other.deadline, other.keep_for) = ("x".to_owned(), 99, 99);
            prop_assert_eq!(one.hash(), other.hash());
        }
    }
}
