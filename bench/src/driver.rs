//! The driver's own decisions, which simulations call as they are.

#![allow(dead_code)]

#[path = "../../crates/fargate/src/state/hedges/bucket.rs"]
pub(crate) mod bucket;
#[path = "../../crates/fargate/src/task/facts.rs"]
pub(crate) mod facts;
#[path = "../../crates/fargate/src/task/lag.rs"]
pub(crate) mod lag;
