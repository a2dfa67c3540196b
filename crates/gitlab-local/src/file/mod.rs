//! Reads a `.gitlab-ci.yml` and what it includes: the definition of each job, complete in itself.
//!
//! What GitLab's keywords become here is one table (`keywords`). A keyword that is not followed and could make the job
//! behave differently gets a warning, or an error where the job would run another script: a local run that quietly ran
//! something else would be worse than none.

mod artifacts;
mod budget;
mod cache;
mod definition;
mod document;
mod duration;
mod environment;
mod extends;
mod image;
mod include;
mod include_entry;
mod inherit;
mod job;
mod keywords;
mod kind;
mod lint;
mod merge;
mod needs;
mod outcome;
mod pages;
mod parallel;
mod pipeline;
mod problem;
mod project_files;
mod reference;
mod rules;
mod selection;
mod shape;
mod spelling;
mod stages;
mod unfollowed;
mod values;
mod workflow;

#[cfg(test)]
mod tests;

pub(crate) use self::artifacts::{Artifacts, KeepWhen};
pub(crate) use self::cache::{Cache, CacheKey};
pub use self::definition::JobDefinition;
pub(crate) use self::environment::Environment;
pub(crate) use self::image::ImageEntry;
pub use self::include_entry::AbsentFile;
pub use self::keywords::{KEYWORDS, Keyword, Treatment};
pub use self::lint::Lint;
pub(crate) use self::needs::Need;
pub(crate) use self::pipeline::PipelineFacts;
pub use self::pipeline::{BrokenJob, Pipeline};
pub use self::problem::{FileError, Problem};
pub(crate) use self::rules::When;
