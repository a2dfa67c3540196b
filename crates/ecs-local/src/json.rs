//! Bodies of the services that speak JSON 1.1.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// Reads the members of a request.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    // The body of a call without members may be empty.
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|e| ApiError::new(400, "SerializationException", e.to_string()))
}

/// Writes the document of a reply.
pub(crate) fn reply(value: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(value).map_err(ApiError::internal)
}
