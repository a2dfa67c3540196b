//! The project's folder: what git knows of it, and its files, or a clone in place of the one that a runner makes.

mod archive;
mod changes;
mod clone;
mod git;
mod url;

#[cfg(test)]
mod tests;

pub use self::archive::ProjectError;
pub(crate) use self::archive::{listed_paths, pack};
pub(crate) use self::changes::{Base, changed_paths};
pub(crate) use self::clone::{CloneSource, CloneWish, Submodules, clone, has_uncommitted_changes};
pub(crate) use self::git::{Checkout, Commit, slug};
#[cfg(test)]
pub(crate) use self::git::{Tag, User};
