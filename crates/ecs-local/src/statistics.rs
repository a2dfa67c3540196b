//! The counts of calls and errors.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::ApiError;
use crate::service::AwsService;

/// The counts since the start of the stand-in.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CallStatistics {
    /// The calls of each operation.
    calls: BTreeMap<&'static str, u64>,
    /// The error replies with each code.
    errors: BTreeMap<String, u64>,
    /// The error replies for a rate limit.
    throttled: u64,
}

impl Default for CallStatistics {
    fn default() -> Self {
        let operations = AwsService::ALL.map(AwsService::operations).concat();
        Self {
            calls: operations.into_iter().map(|name| (name, 0)).collect(),
            errors: BTreeMap::new(),
            throttled: 0,
        }
    }
}

impl CallStatistics {
    /// Counts a call, unless the stand-in has no such operation.
    pub(crate) fn count_call(&mut self, operation: &str) {
        if let Some(calls) = self.calls.get_mut(operation) {
            *calls += 1;
        }
    }

    /// Counts an error reply.
    pub(crate) fn count_error(&mut self, error: &ApiError) {
        *self.errors.entry(error.code.to_string()).or_default() += 1;
        if error.is_throttle() {
            self.throttled += 1;
        }
    }
}
