//! How long finished jobs are remembered, and what their tasks cost.

use std::path::{Path, PathBuf};

use super::section::Section;

/// How many months the ledger remembers: a year, and the month to compare it with.
const MONTHS: u32 = 13;

/// Most months: ten years.
const MOST_MONTHS: u32 = 120;

/// `[TaskMetadata] LedgerMonths`.
pub(super) fn months(task_metadata: &Section<'_>) -> u32 {
    const KEY: &str = "LedgerMonths";
    let Some(given) = task_metadata.integer(KEY) else {
        return MONTHS;
    };
    let months = u32::try_from(given)
        .ok()
        .filter(|months| *months <= MOST_MONTHS);
    months.unwrap_or_else(|| {
        let message = format!("is {given}, but must be 0 (no ledger) to {MOST_MONTHS}");
        task_metadata.error(KEY, &message);
        MONTHS
    })
}

/// `[Report] Prices`: a table of one's own, as an absolute path.
pub(super) fn prices(report: Section<'_>, directory: &Path) -> Option<PathBuf> {
    let prices = report.text("Prices").map(|file| directory.join(file));
    report.finish();
    prices
}
