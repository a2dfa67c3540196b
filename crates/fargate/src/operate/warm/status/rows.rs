//! A row for each pool, and for each kind of start that is followed. Decisions only.

use std::collections::BTreeMap;

use warm_policy::shares;

use super::today::Count;
use crate::config::Config;
use crate::state::waiting::Waiting;
use crate::state::warm::Want;

/// A pool, or jobs that are followed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Row {
    /// Its name for people. Pools of one name share a row.
    pub(super) pool: String,
    /// Whether the file has it.
    pub(super) is_configured: bool,
    pub(super) wanted: usize,
    pub(super) starting: usize,
    pub(super) ready: usize,
    pub(super) count: Count,
}

/// How many tasks each pool of the file asks for at this time, in milliseconds since 1970.
pub(super) fn wishes(config: &Config, at: u64) -> Vec<(String, usize)> {
    let warm = &config.warm;
    let at = i64::try_from(at / 1000).unwrap_or(i64::MAX);
    let pools = warm.pools.iter();
    let asked: Vec<_> = pools
        .map(|pool| {
            if pool.schedule.is_open(at) {
                pool.tasks
            } else {
                0
            }
        })
        .collect();
    let names = warm.pools.iter().map(|pool| pool.name());
    names.zip(shares(&asked, warm.max_tasks)).collect()
}

/// The rows: of the file's pools in its order, and then of all others that want, have or had tasks. What the keeper
/// wants goes before what the file asks for.
pub(super) fn rows(
    wishes: &[(String, usize)],
    wants: &[Want],
    tasks: &[Waiting],
    mut counts: BTreeMap<String, Count>,
) -> Vec<Row> {
    let mut names: Vec<String> = Vec::new();
    let configured = wishes.iter().map(|(name, _)| name);
    let wanted = wants.iter().filter(|want| want.wanted > 0);
    let others = tasks.iter().map(|task| &task.pool);
    let others = others.chain(counts.keys());
    for name in configured
        .chain(wanted.map(|want| &want.pool))
        .chain(others)
    {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let row = |pool: String| {
        let its: Vec<_> = tasks.iter().filter(|task| task.pool == pool).collect();
        let ready = its.iter().filter(|task| task.is_ready()).count();
        Row {
            is_configured: wishes.iter().any(|(name, _)| *name == pool),
            wanted: wanted_of(&pool, wishes, wants),
            starting: its.len() - ready,
            ready,
            count: counts.remove(&pool).unwrap_or_default(),
            pool,
        }
    };
    names.into_iter().map(row).collect()
}

fn wanted_of(pool: &str, wishes: &[(String, usize)], wants: &[Want]) -> usize {
    let of_keeper: Vec<_> = wants.iter().filter(|want| want.pool == pool).collect();
    match of_keeper.is_empty() {
        true => {
            let wishes = wishes.iter().filter(|(name, _)| name == pool);
            wishes.map(|(_, tasks)| tasks).sum()
        }
        false => of_keeper.iter().map(|want| want.wanted).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::warm::tests::waiting;

    fn want(pool: &str, wanted: usize) -> Want {
        Want {
            pool: pool.to_owned(),
            hash: format!("hash of {pool}"),
            wanted,
        }
    }

    #[test]
    fn a_row_has_what_the_keeper_wants_or_the_file() {
        let wishes = [
            ("go".to_owned(), 2),
            ("ruby:3.3".to_owned(), 1),
            ("ruby:3.3".to_owned(), 3),
        ];
        let tasks = [waiting("0123456789abcdef")];
        let counts = BTreeMap::from([(
            "gone".to_owned(),
            Count {
                claimed: 7,
                ..Count::default()
            },
        )]);
        let shown = |wants: &[Want]| -> Vec<_> {
            let rows = rows(&wishes, wants, &tasks, counts.clone()).into_iter();
            rows.map(|row| {
                (
                    row.pool,
                    row.is_configured,
                    row.wanted,
                    row.starting,
                    row.count.claimed,
                )
            })
            .collect()
        };
        let (go, ruby, gone) = ("go".to_owned(), "ruby:3.3".to_owned(), "gone".to_owned());
        assert_eq!(
            shown(&[]),
            [
                (go.clone(), true, 2, 0, 0),
                (ruby.clone(), true, 4, 1, 0),
                (gone.clone(), false, 0, 0, 7)
            ]
        );
        let wants = [want("go", 5), want("Follow: x", 1), want("Follow: y", 0)];
        assert_eq!(
            shown(&wants),
            [
                (go, true, 5, 0, 0),
                (ruby, true, 4, 1, 0),
                ("Follow: x".to_owned(), false, 1, 0, 0),
                (gone, false, 0, 0, 7)
            ]
        );
    }
}
