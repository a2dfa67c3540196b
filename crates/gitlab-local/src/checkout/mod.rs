//! The project's folder: what git knows of it, and its files in place of the clone that a runner makes.

mod archive;
mod git;

#[cfg(test)]
mod tests;

pub use self::archive::ProjectError;
pub(crate) use self::archive::pack;
pub(crate) use self::git::{Checkout, Commit, slug};
