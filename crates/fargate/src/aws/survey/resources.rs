//! CloudWatch Logs and Secrets Manager: a log group and a secret.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::super::client::Aws;
use super::super::error::AwsError;
use super::super::signed;

/// A log group.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogGroup {
    log_group_name: String,
    /// `STANDARD` where awslogs is known to write.
    #[serde(rename = "logGroupClass", default)]
    pub(crate) class: Option<String>,
}

/// A secret, without its value.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Secret {
    deleted_date: Option<f64>,
    #[serde(default)]
    version_ids_to_stages: BTreeMap<String, Vec<String>>,
}

impl Secret {
    /// Whether it is about to be deleted, which makes it unreadable at once.
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted_date.is_some()
    }

    /// Whether it has a value to read.
    pub(crate) fn has_value(&self) -> bool {
        let mut stages = self.version_ids_to_stages.values().flatten();
        stages.any(|stage| stage == "AWSCURRENT")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeLogGroupsResponse {
    log_groups: Vec<LogGroup>,
}

impl Aws {
    /// A log group by its name, if it exists.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn log_group(&self, name: &str) -> Result<Option<LogGroup>, AwsError> {
        let logs = signed::Client::new(&self.shared, &signed::CLOUDWATCH_LOGS);
        // The name itself comes first of those that begin with it.
        let parameters = json!({ "logGroupNamePrefix": name, "limit": 1 });
        let reply: DescribeLogGroupsResponse =
            logs.call("logs:DescribeLogGroups", parameters).await?;
        let mut groups = reply.log_groups.into_iter();
        Ok(groups.find(|group| group.log_group_name == name))
    }

    /// A secret by its ARN, if it exists.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn secret(&self, arn: &str) -> Result<Option<Secret>, AwsError> {
        let client = signed::Client::new(&self.shared, &signed::SECRETS_MANAGER);
        let called = client
            .call("secretsmanager:DescribeSecret", json!({ "SecretId": arn }))
            .await;
        match called {
            Err(refusal) if refusal.has_code("ResourceNotFoundException") => Ok(None),
            reply => Ok(Some(reply?)),
        }
    }
}
