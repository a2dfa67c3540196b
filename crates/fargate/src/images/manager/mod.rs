//! The manager's image: GitLab Runner's own image with our two programs, made and pushed without Docker.

mod commands;
mod image;

pub(crate) use self::commands::{push, write};
