//! AWS: the only room that knows the SDK. Its calls take and return the driver's own types.

mod advice;
mod cause;
mod client;
mod convert;
mod definitions;
mod discovery;
mod error;
mod foreign;
mod http;
mod kind;
mod logs;
mod network_advice;
mod no_reply;
mod patience;
mod probe;
mod proxy;
mod public_ip;
#[cfg(any(test, feature = "agent-image"))]
mod registry;
#[cfg(test)]
mod reply_tests;
mod run_task;
#[cfg(feature = "agent-image")]
mod services;
#[cfg(feature = "trial")]
mod setup;
mod signed;
mod survey;
mod tags;
#[cfg(test)]
mod text_tests;
mod trust;
mod words;

pub(crate) use self::advice::NAME_A_STRATEGY;
pub(crate) use self::cause::is_own_limit;
pub(crate) use self::client::{Aws, region_of_environment};
pub(crate) use self::definitions::LOG_PREFIX;
pub(crate) use self::discovery::Outputs;
pub(crate) use self::error::AwsError;
pub(crate) use self::logs::{Event, GET_LOG_EVENTS, Logs};
pub(crate) use self::patience::Patience;
pub(crate) use self::probe::Probe;
pub(crate) use self::run_task::{RunTaskAnswer, RunTaskRequest, TaskOverrides};
#[cfg(feature = "agent-image")]
pub(crate) use self::services::Service;
#[cfg(feature = "trial")]
pub(crate) use self::setup::{OneContainer, Setup};
pub(crate) use self::survey::{
    Cluster, Decision, DefaultProvider, Definition, Identity, Image, ImageName, Instance,
    LogDestination, LogGroup, ON_DEMAND, OwnInterface, OwnTask, Role, Route, RouteTable, Rule,
    SPOT, Secret, SecurityGroup, Subnet, VpcEndpoint, Wish, instance,
};
pub(crate) use self::trust::fault_of_environment as certificate_fault;
