//! Container images that are made and pushed without Docker.

pub(crate) mod agent;
