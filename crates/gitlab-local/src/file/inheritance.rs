//! Where the value of a keyword comes from: the job, `default:`, or the top level.

use crate::file::problem::Problem;
use crate::yaml::Node;

/// Keywords that jobs inherit from `default:` or, in the old form, from the top level.
pub(super) const INHERITED_KEYWORDS: &[&str] =
    &["image", "services", "before_script", "after_script"];

/// One job within its file.
#[derive(Debug, Clone, Copy)]
pub(super) struct JobNode<'a> {
    pub(super) file: &'a Node,
    pub(super) name: &'a str,
    /// The job's own keywords.
    pub(super) own: &'a Node,
}

impl<'a> JobNode<'a> {
    /// The job's own value of `keyword`, or else the one of `default:` or of the top level.
    ///
    /// # Errors
    ///
    /// When both of these have one.
    pub(super) fn inherited(&self, keyword: &'static str) -> Result<Option<&'a Node>, Problem> {
        let default = self.default(keyword);
        let global = self.file.get(keyword);
        if default.is_some() && global.is_some() {
            return Err(Problem::TwoDefaults(keyword));
        }
        Ok(self.own.get(keyword).or(default).or(global))
    }

    /// The value of `keyword` in `default:`.
    pub(super) fn default(&self, keyword: &str) -> Option<&'a Node> {
        self.file
            .get("default")
            .and_then(|default| default.get(keyword))
    }

    /// `keyword` has a wrong value.
    pub(super) fn wrong(&self, keyword: &'static str, fault: impl Into<String>) -> Problem {
        Problem::WrongKeyword {
            job: self.name.to_owned(),
            keyword,
            fault: fault.into(),
        }
    }
}
