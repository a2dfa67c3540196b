//! Reads a `.gitlab-ci.yml`: the definition of one job, complete in itself.
//!
//! Only the keywords that make a job's image, variables and scripts are followed. Any other keyword that could make
//! the job behave differently in GitLab gets a warning, or an error where the job would run another script: a local
//! run that quietly ran something else would be worse than none.

mod definition;
mod image;
mod inheritance;
mod problem;
mod selection;
mod unfollowed;

#[cfg(test)]
mod tests;

pub use self::definition::JobDefinition;
pub(crate) use self::image::ImageEntry;
pub use self::problem::{FileError, Problem};
