//! Whether GitLab would run a job, and how: `rules`, and `only` with `except`, as far as a trial can know.

mod changes;
mod expression;
mod facts;
mod policy;
mod rule;
mod token;
mod when;

pub(super) use self::expression::holds;
pub(super) use self::facts::Facts;
pub(super) use self::policy::read_policy;
pub(super) use self::rule::{Owner, matched_rule};
pub(crate) use self::when::When;
