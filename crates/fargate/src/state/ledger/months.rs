//! The months of the ledger, each in a file of its own.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Ending of a month's file.
const ENDING: &str = ".jsonl";

/// A month's file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Month {
    /// Such as `2026-11`.
    pub(crate) name: String,
    pub(crate) file: PathBuf,
}

impl Month {
    /// The month of a time in milliseconds since 1970, with its file in this folder.
    pub(crate) fn of(at: u64, folder: &Path) -> Self {
        let name = month(at);
        let file = folder.join(format!("{name}{ENDING}"));
        Self { name, file }
    }

    /// Whether it begins after this time in milliseconds since 1970.
    pub(super) fn is_after(&self, at: u64) -> bool {
        month(at) < self.name
    }
}

/// The months in a ledger's folder, the oldest first. Other files are not looked at.
pub(crate) fn months(folder: &Path) -> Vec<Month> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut months: Vec<Month> = entries
        .filter_map(|entry| {
            let file = entry.path();
            let name = file.file_name()?.to_str()?.strip_suffix(ENDING)?;
            parse(name)?;
            Some(Month {
                name: name.to_owned(),
                file,
            })
        })
        .collect();
    months.sort();
    months
}

/// The month of a time in milliseconds since 1970, in UTC, such as `2026-11`.
pub(crate) fn month(at: u64) -> String {
    rfc3339(at).chars().take("2026-11".len()).collect()
}

/// A time in milliseconds since 1970 as RFC 3339 has it.
pub(crate) fn rfc3339(at: u64) -> String {
    // A time beyond the calendar is none of ours.
    const LAST: u64 = 253_402_300_799_999;
    let time: SystemTime = UNIX_EPOCH + Duration::from_millis(at.min(LAST));
    humantime::format_rfc3339_millis(time).to_string()
}

/// The oldest of so many months up to now; nothing when it lies before the calendar.
pub(super) fn oldest(now: u64, months: u32) -> Option<String> {
    let (year, number) = parse(&month(now))?;
    // With 0 the present month goes, too.
    let first = (year * 12 + number).checked_sub(months)?;
    Some(format!("{:04}-{:02}", first / 12, first % 12 + 1))
}

/// Year and number of a month, or nothing if the name is not exactly a month's.
fn parse(name: &str) -> Option<(u32, u32)> {
    let (year, number) = name.split_once('-')?;
    let is_number =
        |text: &str, digits| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let month: (u32, u32) = (year.parse().ok()?, number.parse().ok()?);
    let is_month = is_number(year, 4) && is_number(number, 2) && (1..=12).contains(&month.1);
    is_month.then_some(month)
}
