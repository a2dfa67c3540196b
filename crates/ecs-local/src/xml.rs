//! XML documents, in which EC2 and STS answer.

use serde::Serialize;

/// The namespace of STS's documents.
pub(crate) const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The namespace of IAM's documents.
pub(crate) const IAM_NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// Writes a document with its declaration.
///
/// Every type here can be written as XML. If one could not, the document would say so.
pub(crate) fn document(root: &str, value: &impl Serialize) -> String {
    let body = quick_xml::se::to_string_with_root(root, value)
        .unwrap_or_else(|e| format!("<StandInFailed>{e}</StandInFailed>"));
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}")
}
