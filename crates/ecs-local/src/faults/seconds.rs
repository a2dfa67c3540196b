//! Times of the fault document.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A length of time in seconds, at most a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub(crate) struct Seconds(f64);

impl TryFrom<f64> for Seconds {
    type Error = String;

    fn try_from(seconds: f64) -> Result<Self, String> {
        if (0.0..=86_400.0).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(format!(
                "{seconds} is not a time between 0 and 86400 seconds"
            ))
        }
    }
}

impl Seconds {
    /// The time nearest to this one.
    pub(super) fn at_most_a_day(seconds: f64) -> Self {
        Self(seconds.clamp(0.0, 86_400.0))
    }
}

impl From<Seconds> for f64 {
    fn from(seconds: Seconds) -> Self {
        seconds.0
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        Self::from_secs_f64(seconds.0)
    }
}
