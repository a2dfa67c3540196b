//! The stand-in's own paths that the tests of the stages do not need.

use serde_json::Value;

use crate::aws::Aws;

impl Aws {
    /// Lets something happen to a task that there is.
    pub(crate) fn strike(&self, arn: &str, rule: &Value) {
        let path = format!("/_local/tasks/{}/strike", arn.rsplit('/').next().unwrap());
        let (status, reply) = self.http("POST", &path, "", &rule.to_string());
        assert!(status < 300, "{rule}: {reply}");
    }

    /// Every task that there was, as the stand-in tells it.
    pub(crate) fn stories(&self) -> Vec<Value> {
        let (_, reply) = self.http("GET", "/_local/tasks", "", "");
        serde_json::from_str(&reply).unwrap()
    }
}
