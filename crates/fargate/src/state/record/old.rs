//! Records as the driver wrote them before they listed starts (format 1).

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::state::start::{Standing, Start};

/// The fields that starts have replaced.
#[derive(Deserialize)]
struct Fields {
    starts: Option<IgnoredAny>,
    /// When a call was last intended, in seconds since 1970.
    intended_at: Option<u64>,
    /// Client token of a RunTask call that may have brought a task.
    call: Option<String>,
    /// ARN of the task.
    task: Option<String>,
    memory: Option<u32>,
    /// How the task is reached: it has won then.
    login: Option<IgnoredAny>,
}

/// The starts of a record without a list of them; nothing when it has one.
pub(super) fn starts(content: &[u8]) -> Result<Option<Vec<Start>>, serde_json::Error> {
    let old: Fields = serde_json::from_slice(content)?;
    if old.starts.is_some() {
        return Ok(None);
    }
    let Some(intended_at) = old.intended_at else {
        return Err(serde::de::Error::missing_field("starts"));
    };
    let standing = match (&old.task, &old.call, &old.login) {
        (Some(_), _, Some(_)) => Standing::Won,
        (Some(_), _, None) => Standing::Started,
        (None, Some(_), _) => Standing::Asked,
        (None, None, _) => return Ok(Some(Vec::new())),
    };
    Ok(Some(vec![Start {
        intended_at,
        standing,
        task: old.task,
        memory: old.memory,
        ..Start::intended(&old.call.unwrap_or_default())
    }]))
}
