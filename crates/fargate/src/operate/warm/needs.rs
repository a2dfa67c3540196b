//! How many tasks of which start are wanted now: by the pools of a configuration, and by the jobs it follows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;
use warm_policy::{Limits, shares};

use super::asked::Asked;
use super::follow::{Followed, with_followed};
use super::moves::Need;
use super::setup::Setup;
use super::start_times::task_times;
use crate::backoff::Backoff;
use crate::config::Pool;
use crate::context::Context;
use crate::error::Result;
use crate::start::register::Registered;
use crate::start::request::TaskRequest;
use crate::start::warm_up::WarmUp;
use crate::state::clock::{millis, now, now_millis};
use crate::state::ledger::{folder, recent_start_times};
use crate::state::start_time::StartTime;
use crate::state::waiting::Waiting;
use crate::state::wanted::{Wanted, WantedStarts};
use crate::state::warm::Want;
use crate::task::family;

/// How long a definition is believed to be the latest of its family.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// Bound of looking a definition up, and the pauses after failures.
const LOOK_UP: Duration = Duration::from_secs(30);
const PAUSES: Backoff = Backoff::new(Duration::from_secs(15), FRESH);

/// Jobs of a kind before it is followed: one alone shows no pattern.
const FIRST_JOBS: usize = 2;

/// What is known of the starts that one configuration wants.
#[derive(Default)]
pub(super) struct Needs {
    known: BTreeMap<Place, Known>,
}

/// Where a start is wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// By the pool at this place of the file.
    Pool(usize),
    /// By jobs that asked for it lately, with the hash that prepare gave it.
    Jobs(String),
}

/// What is known of a place.
struct Known {
    asked: Asked,
    /// Nothing before the first look-up that succeeded.
    start: Option<Start>,
    /// When it is looked up again; nothing while it is.
    until: Option<Instant>,
    pauses: Backoff,
}

/// The definition of tasks, and the hash of their start.
#[derive(Debug, Clone)]
pub(super) struct Start {
    definition: String,
    hash: String,
    /// How long such starts took lately, by the ledger.
    times: Vec<StartTime>,
}

/// What is asked of a task, and its definition.
pub(super) struct StartOf {
    pub(super) asked: Asked,
    pub(super) definition: Registered,
}

impl Needs {
    /// The places whose definitions are to be looked up now.
    pub(super) fn due(&mut self, setup: &Setup) -> Result<Vec<(Place, Asked)>> {
        let pools = setup.config.warm.pools.iter().enumerate();
        let mut wanted: Vec<_> = pools
            .map(|(number, pool)| (Place::Pool(number), Asked::Pool(Box::new(pool.clone()))))
            .collect();
        let kinds = followed(setup)?.into_iter();
        wanted.extend(kinds.map(|kind| {
            let place = Place::Jobs(kind.hash.clone());
            (place, Asked::Jobs(Box::new(kind)))
        }));
        self.known
            .retain(|known, _| wanted.iter().any(|(place, _)| place == known));
        let mut due = Vec::new();
        for (place, asked) in wanted {
            let known = self.known.entry(place.clone()).or_insert_with(|| Known {
                asked: asked.clone(),
                start: None,
                until: Some(Instant::now()),
                pauses: PAUSES,
            });
            if known.until.is_some_and(|until| until <= Instant::now()) {
                known.until = None;
                due.push((place, asked));
            }
        }
        Ok(due)
    }

    /// Takes note of what was looked up. What was known before is better than nothing.
    ///
    /// # Errors
    ///
    /// With the failure.
    pub(super) fn note(&mut self, place: &Place, looked_up: Result<Start>) -> Result<()> {
        let Some(known) = self.known.get_mut(place) else {
            return Ok(());
        };
        match looked_up {
            Ok(start) => {
                known.start = Some(start);
                known.pauses.reset();
                known.until = Some(Instant::now() + FRESH);
                Ok(())
            }
            Err(error) => {
                known.until = Some(Instant::now() + known.pauses.pause());
                Err(error)
            }
        }
    }

    /// Returns the tasks that are wanted now. Places that are not known yet keep the `own` tasks that wait for them.
    ///
    /// # Errors
    ///
    /// When what jobs asked for cannot be read.
    pub(super) fn now(&self, setup: &Setup, own: &[Waiting]) -> Result<Vec<Need>> {
        let mut needs = self.of_pools(setup);
        let warm = &setup.config.warm;
        if warm.follow.max_tasks == 0 {
            self.keep_unknown(&mut needs, own);
            return Ok(needs);
        }
        let limits = Limits {
            max_tasks: warm.max_tasks,
            follow_tasks: warm.follow.max_tasks,
            max_idle: millis(warm.follow.max_idle),
        };
        let of_kind = |kind: Wanted| {
            if !is_live(setup, &kind) {
                // It gets no task, and its jobs tell of work that went on.
                return Some(Followed {
                    hash: kind.hash,
                    arrivals: kind.arrivals,
                    task: task_times(&[]),
                });
            }
            let start = self.known_start(&Place::Jobs(kind.hash))?;
            let waiting = own.iter().filter(|task| task.hash == start.hash);
            let times = waiting.filter_map(Waiting::start_time);
            let times: Vec<_> = times.chain(start.times.iter().copied()).collect();
            Some(Followed {
                hash: start.hash.clone(),
                arrivals: kind.arrivals,
                task: task_times(&times),
            })
        };
        let kinds = WantedStarts::of(&setup.records).all()?.into_iter();
        let followed = kinds.filter_map(of_kind).collect();
        needs = with_followed(needs, followed, &limits, now_millis());
        self.keep_unknown(&mut needs, own);
        Ok(needs)
    }

    /// Wants the tasks to stay whose place was not looked up yet: this keeper has just begun, or AWS does not answer.
    fn keep_unknown(&self, needs: &mut Vec<Need>, own: &[Waiting]) {
        let unknown = self.known.values().filter(|known| known.start.is_none());
        let names: BTreeSet<_> = unknown.map(|known| known.asked.name()).collect();
        let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
        for task in own.iter().filter(|task| names.contains(&task.pool)) {
            *waiting.entry(&task.hash).or_default() += 1;
        }
        for (hash, count) in waiting {
            match needs.iter_mut().find(|need| need.hash == hash) {
                Some(need) => need.wanted = need.wanted.max(count),
                None => needs.push(Need {
                    hash: hash.to_owned(),
                    wanted: count,
                }),
            }
        }
    }

    fn of_pools(&self, setup: &Setup) -> Vec<Need> {
        let at = i64::try_from(now().as_secs()).unwrap_or(i64::MAX);
        let warm = &setup.config.warm;
        let asked = |pool: &Pool| match pool.schedule.is_open(at) {
            true => pool.tasks,
            false => 0,
        };
        let asked: Vec<_> = warm.pools.iter().map(asked).collect();
        let shares = shares(&asked, warm.max_tasks);
        let mut needs: Vec<Need> = Vec::new();
        for (number, wanted) in shares.into_iter().enumerate() {
            let Some(start) = self.known_start(&Place::Pool(number)) else {
                continue;
            };
            match needs.iter_mut().find(|need| need.hash == start.hash) {
                Some(need) => need.wanted += wanted,
                None => needs.push(Need {
                    hash: start.hash.clone(),
                    wanted,
                }),
            }
        }
        needs
    }

    /// The same needs with their names for people; those of which nobody knows one are left out.
    pub(super) fn named(&self, needs: &[Need], own: &[Waiting]) -> Vec<Want> {
        let waiting = |hash: &str| own.iter().find(|task| task.hash == hash);
        let named = |need: &Need| {
            let asked = self.start(&need.hash).map(|start| start.asked.name());
            Some(Want {
                pool: asked.or_else(|| Some(waiting(&need.hash)?.pool.clone()))?,
                hash: need.hash.clone(),
                wanted: need.wanted,
            })
        };
        needs.iter().filter_map(named).collect()
    }

    /// What is asked of the tasks that start so.
    pub(super) fn start(&self, hash: &str) -> Option<StartOf> {
        let mut known = self.known.values();
        known.find_map(|known| {
            let start = known.start.as_ref().filter(|start| start.hash == hash)?;
            Some(StartOf {
                asked: known.asked.clone(),
                definition: Registered {
                    arn: start.definition.clone(),
                    is_fresh: true,
                },
            })
        })
    }

    fn known_start(&self, place: &Place) -> Option<&Start> {
        self.known.get(place)?.start.as_ref()
    }
}

/// Finds the requests of jobs that are recent and frequent enough to be followed.
fn followed(setup: &Setup) -> Result<Vec<Wanted>> {
    let follow = &setup.config.warm.follow;
    if follow.max_tasks == 0 {
        return Ok(Vec::new());
    }
    let mut kinds = WantedStarts::of(&setup.records).all()?;
    kinds.retain(|kind| is_live(setup, kind));
    Ok(kinds)
}

/// Whether jobs ask for this kind of start now, as far as one can tell.
fn is_live(setup: &Setup, kind: &Wanted) -> bool {
    let last = kind.arrivals.last().copied().unwrap_or_default();
    let max_idle = millis(setup.config.warm.follow.max_idle);
    now_millis().saturating_sub(last) <= max_idle && kind.arrivals.len() >= FIRST_JOBS
}

/// Looks up the definition of such tasks.
///
/// # Errors
///
/// When AWS refuses, or no job may ask for such a task.
pub(super) async fn look_up(setup: &Setup, asked: &Asked) -> Result<Start> {
    let context = setup.context();
    let name = asked.name();
    let looked_up = async {
        let request = request(&context, asked)?;
        let start = warm_up(setup, &context, &request, &name);
        let definition = start.definition(Instant::now() + LOOK_UP).await?.arn;
        let hash = start.hash(&definition)?;
        let family = family(&definition).unwrap_or_default();
        let ledger = folder(setup.records.directory());
        Ok(Start {
            times: recent_start_times(&ledger, &family, &hash),
            definition,
            hash,
        })
    };
    let looked_up: Result<Start> = looked_up.await;
    looked_up.map_err(|error| error.context(format!("pool {name}")))
}

/// The request of such tasks.
///
/// # Errors
///
/// When no job may ask for such a task.
pub(super) fn request<'a>(context: &Context<'a>, asked: &Asked) -> Result<TaskRequest<'a>> {
    TaskRequest::of(context, asked.overrides(), asked.payload()?)
}

/// The start of one of them.
pub(super) fn warm_up<'a>(
    setup: &'a Setup,
    context: &'a Context<'a>,
    request: &'a TaskRequest<'a>,
    pool: &'a str,
) -> WarmUp<'a> {
    WarmUp {
        aws: &setup.aws,
        context,
        identity: &setup.identity,
        request,
        pool,
        keeper: &setup.keeper,
        max_age: setup.config.warm.max_age,
    }
}
