//! Reading one month alone.

use std::io::Result;

use super::entry::Entry;
use super::months::{Month, months};
use super::read::Reader;

/// Passes on the entries of a month as [`Reader::read`] does, but for what the month before has already: a teardown
/// that is done again after midnight repeats a line. That month is read only where an entry is old enough for that.
///
/// # Errors
///
/// When one of both files cannot be read.
pub(crate) fn read_month(month: &Month, mut each: impl FnMut(Entry)) -> Result<()> {
    let all = month.file.parent().map(months).unwrap_or_default();
    let before = all.into_iter().rfind(|other| other.name < month.name);
    let Some(before) = before else {
        return Reader::default().read(month, each);
    };
    let mut old = Vec::new();
    Reader::default().read(month, |entry| match entry.may_repeat_before(month) {
        true => old.push(entry),
        false => each(entry),
    })?;
    if old.is_empty() {
        return Ok(());
    }
    let mut reader = Reader::default();
    reader.read(&before, drop)?;
    reader.pass_on(old, &mut each);
    Ok(())
}
