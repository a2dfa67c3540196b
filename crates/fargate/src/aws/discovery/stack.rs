//! CloudFormation: the outputs of a stack.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::super::client::Aws;
use super::super::error::AwsError;
use super::super::signed::{self, Members};

/// The outputs of a stack, by their keys.
pub(crate) type Outputs = BTreeMap<String, String>;

/// The members of CloudFormation's reply that are read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeStacksResponse {
    describe_stacks_result: DescribeStacksResult,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DescribeStacksResult {
    stacks: Members<Stack>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Stack {
    outputs: Members<Output>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Output {
    output_key: String,
    output_value: String,
}

impl Aws {
    /// The outputs of a stack by its name. A stack that is still being made has none.
    ///
    /// # Errors
    ///
    /// With AWS's refusal, also where there is no such stack.
    pub(crate) async fn stack_outputs(&self, name: &str) -> Result<Outputs, AwsError> {
        let client = signed::Client::new(&self.shared, &signed::CLOUDFORMATION);
        let parameters = json!({ "StackName": name });
        let reply: DescribeStacksResponse = client
            .call("cloudformation:DescribeStacks", parameters)
            .await?;
        let stacks = reply.describe_stacks_result.stacks.member;
        let outputs = stacks.into_iter().flat_map(|stack| stack.outputs.member);
        Ok(outputs
            .map(|output| (output.output_key, output.output_value))
            .collect())
    }
}
