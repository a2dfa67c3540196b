//! References to variables in GitLab CI's texts, replaced as GitLab and as GitLab Runner do it.
//!
//! GitLab replaces references in what it reads itself, such as `include:` and `environment:name`, and in the values of
//! a job's variables before it sends them ([`gitlab`]). The runner then replaces what is left in those values, and
//! references in names of images and services, keys of caches and paths of artifacts ([`runner`]).
//!
//! `tests/` holds what Ruby and Go make of each kind of text.

pub mod gitlab;
pub mod runner;
