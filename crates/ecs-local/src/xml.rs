//! XML documents, in which EC2 and the services of AWS Query answer.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Value, json};

/// The namespace of STS's documents.
pub(crate) const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The namespace of IAM's documents.
pub(crate) const IAM_NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// The namespace of CloudWatch's documents.
pub(crate) const CLOUDWATCH_NAMESPACE: &str = "http://monitoring.amazonaws.com/doc/2010-08-01/";

/// The namespace of CloudFormation's documents.
pub(crate) const CLOUDFORMATION_NAMESPACE: &str =
    "http://cloudformation.amazonaws.com/doc/2010-05-15/";

/// A reply of AWS Query: the result of an operation, under a name of its own, and the request's ID.
struct Reply<'a> {
    namespace: &'a str,
    operation: &'a str,
    result: Value,
    request_id: &'a str,
}

impl Serialize for Reply<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(3))?;
        members.serialize_entry("@xmlns", self.namespace)?;
        members.serialize_entry(&format!("{}Result", self.operation), &self.result)?;
        members.serialize_entry("ResponseMetadata", &json!({ "RequestId": self.request_id }))?;
        members.end()
    }
}

/// The document with an operation's result.
pub(crate) fn result(namespace: &str, operation: &str, result: Value, request_id: &str) -> String {
    let reply = Reply {
        namespace,
        operation,
        result,
        request_id,
    };
    document(&format!("{operation}Response"), &reply)
}

/// Writes a document with its declaration.
///
/// Every type here can be written as XML. If one could not, the document would say so.
pub(crate) fn document(root: &str, value: &impl Serialize) -> String {
    let body = quick_xml::se::to_string_with_root(root, value)
        .unwrap_or_else(|e| format!("<StandInFailed>{e}</StandInFailed>"));
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}")
}
