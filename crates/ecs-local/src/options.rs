//! The options of a stand-in: its speed, its limits, its faults, its backend, its account and its access key.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::access_key::AccessKey;
use crate::account::{SECURITY_GROUP, SUBNET_A, SUBNET_B, VPC};
use crate::faults::Faults;
use crate::resources::Resources;

/// The options of a stand-in.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Scale of AWS's typical times between the states of a task: 1 is as on AWS, 0 means no delay at all.
    pub latency: f64,
    /// Whether the published token buckets of the APIs are applied.
    pub throttle: bool,
    /// Whether images are loaded lazily, as on Fargate those with a SOCI index in ECR: a container starts when its own
    /// image is there. Otherwise all images are there before any container starts.
    pub lazy_pulls: bool,
    /// The faults. `PUT /_local/faults` replaces them at run time.
    pub faults: Faults,
    /// The backend that runs the containers of tasks.
    pub backend: Backend,
    /// The resources of the account before the first call.
    pub seed: Seed,
    /// The resources that callers read and that have no effect on tasks. `PUT /_local/resources` replaces them.
    pub resources: Resources,
    /// The access key that has to sign every request; `None` takes any credentials, and so everyone who can connect.
    pub access_key: Option<AccessKey>,
}

impl Options {
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.latency.is_finite() && (0.0..=100.0).contains(&self.latency),
            "the latency factor is {}; it has to be between 0 (no delay) and 100",
            self.latency
        );
        if let Backend::Process { programs } = &self.backend {
            for (name, program) in programs {
                anyhow::ensure!(
                    program.command.first().is_some_and(|word| !word.is_empty()),
                    "the program of container {name:?} is empty; give a command line"
                );
            }
        }
        for subnet in &self.seed.subnets {
            anyhow::ensure!(
                subnet.zone.is_ascii_lowercase(),
                "subnet {} is in zone {:?}; zones are the letters a to z",
                subnet.id,
                subnet.zone
            );
        }
        Ok(())
    }
}

/// The backend that runs the containers of tasks.
#[derive(Clone, Debug)]
pub enum Backend {
    /// Containers are processes of this machine, each task on its own loopback address.
    Process {
        /// The programs that run in place of images, by the container's name. Any other container runs its entry point
        /// and command. If it has neither, it does nothing until it is stopped.
        programs: BTreeMap<String, Program>,
    },
    /// Containers are real ones of Docker or Podman on this machine, each task with its own network.
    Container {
        /// The socket of the engine. Default: `DOCKER_HOST`, then the usual sockets of Docker and Podman.
        socket: Option<PathBuf>,
    },
}

impl Default for Backend {
    fn default() -> Self {
        Self::Process {
            programs: BTreeMap::new(),
        }
    }
}

/// A command line that runs in place of an image.
#[derive(Clone, Debug)]
pub struct Program {
    /// Program and arguments. In each word `{address}` becomes the task's own loopback address and `{port}` the first
    /// `containerPort` of the container's `portMappings`.
    pub command: Vec<String>,
    /// The value of `{port}` for a container without `portMappings`.
    pub default_port: u16,
}

/// The resources of the account before the first call. They are the same in every region.
#[derive(Clone, Debug)]
pub struct Seed {
    /// The subnets, which divide the range of the tasks' addresses.
    pub subnets: Vec<Subnet>,
    /// Security groups.
    pub security_groups: Vec<SecurityGroup>,
}

/// A subnet of the seed.
#[derive(Clone, Debug)]
pub struct Subnet {
    /// `subnet-` and 17 hexadecimal digits.
    pub id: String,
    /// Letter of the availability zone; the zone's name is the region's and this letter.
    pub zone: char,
    /// The VPC it belongs to.
    pub vpc_id: String,
    /// The number of tasks that can have an address in it at once.
    pub free_addresses: u32,
    /// Whether it has IPv6 alone. Its addresses are in fd7a:6761:7465::/48, which the machine must route to itself.
    pub ipv6_only: bool,
}

/// A security group of the seed. Replies show its rules; nothing enforces them.
#[derive(Clone, Debug)]
pub struct SecurityGroup {
    /// `sg-` and 17 hexadecimal digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The VPC it belongs to.
    pub vpc_id: String,
    /// TCP ports that it opens to every address.
    pub open_ports: Vec<u16>,
}

impl Default for Seed {
    fn default() -> Self {
        // The size of a /20, less the five addresses that AWS reserves.
        let subnet = |id: &str, zone| Subnet {
            id: id.into(),
            zone,
            vpc_id: VPC.into(),
            free_addresses: 4091,
            ipv6_only: false,
        };
        Self {
            subnets: vec![subnet(SUBNET_A, 'a'), subnet(SUBNET_B, 'b')],
            security_groups: vec![SecurityGroup {
                id: SECURITY_GROUP.into(),
                name: "ci-jobs".into(),
                vpc_id: VPC.into(),
                open_ports: vec![22],
            }],
        }
    }
}
