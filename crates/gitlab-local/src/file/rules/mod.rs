//! Whether GitLab would run a job, and how: `rules`, and `only` with `except`, as far as a trial can know.

mod expression;
mod policy;
mod rule;
mod token;

#[cfg(test)]
pub(super) use self::expression::holds;

pub(super) use self::policy::policy_verdict;
pub(crate) use self::rule::When;
pub(super) use self::rule::{Facts, matched_rule, rule_list};
