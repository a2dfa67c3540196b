//! The form that GitLab demands of each keyword's value, and the words of its lint where a value has another.
//!
//! The tables say what `lib/gitlab/ci/config/entry` of GitLab 19 checks (`validates …`). A job is checked against them
//! before it is read, so that what reads it need not doubt the form of a value.

mod check;
mod form;
mod parts;
mod subject;
mod tables;
mod values;
mod variables;

pub(super) use self::check::check;
pub(super) use self::parts::DEFAULTS;
pub(super) use self::subject::Subject;
pub(super) use self::tables::{GLOBAL, JOB};
