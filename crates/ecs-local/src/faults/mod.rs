//! What shall go wrong, as data.
//!
//! The document says which calls and tasks are meant and what happens to them; the injector counts the matches and
//! answers, at the few places where a fault can enter, which faults apply there. Nothing else knows of selectors.

mod document;
mod injector;
mod strike;

pub use document::Faults;
pub(crate) use document::{LookUp, Stage};
pub(crate) use injector::{
    CallFaults, ContainerFaults, Exit, Injector, OUT_OF_MEMORY, PortFaults, StartFailure,
    TaskFacts, TaskFaults,
};
pub(crate) use strike::Strike;
