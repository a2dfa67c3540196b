//! Faults, as data.
//!
//! A document lists rules: each selects calls or tasks, and has an effect. The injector counts the matches. It answers
//! at the few places where a fault can enter: at a call, at the placement of a task, and at the start of a task. No
//! other code knows selectors.

mod call_faults;
mod document;
mod effect;
mod injector;
mod late;
mod seconds;
mod spread;
mod task_faults;

pub(crate) use call_faults::CallFaults;
pub use document::Faults;
pub(crate) use effect::{SlowStep, StartStep};
pub(crate) use injector::{Injector, TaskFacts};
pub(crate) use late::LateFault;
pub(crate) use task_faults::{
    ContainerFaults, InjectedExit, InjectedStartFailure, InjectedStop, OUT_OF_MEMORY, PortFaults,
    TaskFaults,
};
