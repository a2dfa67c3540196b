//! Service Quotas and CloudWatch: how many vCPUs Fargate tasks may have at once, and how many they have.

use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::Deserialize;
use serde_json::json;

use super::super::client::Aws;
use super::super::error::AwsError;
use super::super::signed::{self, Members};

/// Codes of Fargate's quotas of vCPUs (Service Quotas: AWS Fargate).
pub(crate) const ON_DEMAND: &str = "L-3032A538";
pub(crate) const SPOT: &str = "L-36FBB829";

/// Seconds of a value of the use, and how far back one is looked for: values come some minutes late (CloudWatch: AWS
/// usage metrics).
const PERIOD: u32 = 300;
const LOOK_BACK: Duration = Duration::from_secs(20 * 60);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetServiceQuotaResponse {
    quota: Quota,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Quota {
    value: f64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetMetricDataResponse {
    get_metric_data_result: GetMetricDataResult,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetMetricDataResult {
    #[serde(default)]
    metric_data_results: Members<Metric>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    #[serde(default)]
    values: Members<f64>,
}

impl Aws {
    /// How many vCPUs of the quota of this code are in use; nothing where none was lately.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn vcpus_in_use(&self, code: &str) -> Result<Option<f64>, AwsError> {
        let class = match code {
            SPOT => "Standard/Spot",
            _ => "Standard/OnDemand",
        };
        let dimensions = [
            ("Type", "Resource"),
            ("Resource", "vCPU"),
            ("Service", "Fargate"),
            ("Class", class),
        ];
        let dimensions = dimensions.map(|(name, value)| json!({ "Name": name, "Value": value }));
        let now = SystemTime::now();
        let parameters = json!({
            "StartTime": iso(now - LOOK_BACK), "EndTime": iso(now), "ScanBy": "TimestampDescending",
            "MetricDataQueries": [{ "Id": "vcpus", "MetricStat": {
                "Metric": { "Namespace": "AWS/Usage", "MetricName": "ResourceCount", "Dimensions": dimensions },
                "Period": PERIOD, "Stat": "Maximum",
            } }],
        });
        let cloudwatch = signed::Client::new(&self.shared, &signed::CLOUDWATCH);
        let reply: GetMetricDataResponse = cloudwatch
            .call("cloudwatch:GetMetricData", parameters)
            .await?;
        let metrics = reply.get_metric_data_result.metric_data_results.member;
        let mut values = metrics.into_iter().flat_map(|metric| metric.values.member);
        Ok(values.next())
    }

    /// A quota of Fargate's by its code: the account's own, else AWS's default.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn fargate_quota(&self, code: &str) -> Result<f64, AwsError> {
        let client = signed::Client::new(&self.shared, &signed::SERVICE_QUOTAS);
        let parameters = json!({ "ServiceCode": "fargate", "QuotaCode": code });
        let own = client
            .call("servicequotas:GetServiceQuota", parameters.clone())
            .await;
        let reply: GetServiceQuotaResponse = match own {
            Err(refusal) if refusal.has_code("NoSuchResourceException") => {
                client
                    .call("servicequotas:GetAWSDefaultServiceQuota", parameters)
                    .await?
            }
            reply => reply?,
        };
        Ok(reply.quota.value)
    }
}

/// A time in whole seconds, as AWS Query takes it.
fn iso(time: SystemTime) -> String {
    let seconds = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let time = DateTime::from_secs(i64::try_from(seconds).unwrap_or_default());
    time.fmt(Format::DateTime).unwrap_or_default()
}
