//! Categories in the report's order, as long as that keeps nobody waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::check::Check;
use super::report::Report;
use crate::cli::Category;
use crate::output::progress_since;

/// A look at what a category is about, which ends with its checks.
pub(super) struct Look<'a> {
    pub(super) category: Category,
    pub(super) checks: LocalBoxFuture<'a, Vec<Check>>,
}

/// How long a category waits for those before it. Most looks take less together.
const PATIENCE: Duration = Duration::from_secs(1);

/// Looks at all at once, and reports each: in order at first, later as it comes.
pub(super) async fn report(
    looks: Vec<Look<'_>>,
    begun: Instant,
    report: &mut Report,
) -> io::Result<()> {
    let mut missing: BTreeSet<_> = looks.iter().map(|look| look.category).collect();
    let mut held: BTreeMap<Category, Vec<Check>> = BTreeMap::new();
    let looks = looks.into_iter();
    let looks = looks.map(async |look| (look.category, look.checks.await));
    let mut looks: FuturesUnordered<_> = looks.collect();
    while !missing.is_empty() || !held.is_empty() {
        let is_patient = begun.elapsed() < PATIENCE;
        let came = async {
            tokio::select! {
                biased;
                Some(look) = looks.next() => Some(look),
                () = sleep_until(begun + PATIENCE), if is_patient => None,
                else => None,
            }
        };
        if let Some((category, checks)) = progress_since(begun, "Asking AWS", came).await {
            missing.remove(&category);
            held.insert(category, checks);
        }
        let is_patient = begun.elapsed() < PATIENCE;
        while let Some(first) = held.first_entry() {
            if is_patient && missing.first().is_some_and(|before| before < first.key()) {
                break;
            }
            report.add(first.remove())?;
        }
    }
    Ok(())
}
