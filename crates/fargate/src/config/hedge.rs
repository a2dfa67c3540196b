//! `[Fargate] HedgeAfter`: when a second task is started beside one that lags.

use std::time::Duration;

use super::section::{LONGEST, Section};

/// When a second task is started beside one that lags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum HedgeAfter {
    /// Never.
    #[default]
    Off,
    /// When the first is not ready after this time.
    Time(Duration),
    /// When the first one's start takes longer than the ledger knows it of others.
    Auto,
}

impl HedgeAfter {
    /// Reads the key.
    pub(super) fn read(fargate: &Section<'_>) -> Self {
        let parse = |text: &str| match text {
            "off" => Ok(Self::Off),
            "auto" => Ok(Self::Auto),
            time => match humantime::parse_duration(time) {
                Ok(time) if !time.is_zero() && time <= LONGEST => Ok(Self::Time(time)),
                _ => Err("\"off\", \"auto\", or a duration like \"30s\"".to_owned()),
            },
        };
        fargate.parsed("HedgeAfter", parse).unwrap_or_default()
    }

    /// Remarks that nothing tells it which start lags, where the ledger remembers no month.
    pub(super) fn remark(self, task_metadata: &Section<'_>, ledger_months: u32) {
        if self == Self::Auto && ledger_months == 0 {
            task_metadata.warn(
                "LedgerMonths",
                "is 0, so HedgeAfter = \"auto\" never starts a second task: it compares a start with those of the ledger",
            );
        }
    }

    /// Whether there are second tasks at all.
    pub(crate) fn is_on(self) -> bool {
        self != Self::Off
    }
}
