//! How many tasks of which start are wanted now: by the pools of a configuration, and by the jobs it follows.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use warm_policy::{Limits, shares};

use super::asked::Asked;
use super::follow::{Followed, with_followed};
use super::moves::Need;
use super::setup::Setup;
use crate::config::Pool;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::start::register::Registered;
use crate::start::request::TaskRequest;
use crate::start::warm_up::WarmUp;
use crate::state::clock::{millis, now, now_millis};
use crate::state::wanted::{Wanted, WantedStarts};

/// How long a definition is believed to be the latest of its family.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// Bound of looking a definition up, and the pause after a failure.
const LOOK_UP: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(30);

/// Jobs of a kind before it is followed: one alone shows no pattern.
const FIRST_JOBS: usize = 2;

/// What is known of the starts that one configuration wants.
#[derive(Default)]
pub(super) struct Needs {
    known: BTreeMap<Place, Known>,
    /// Until when kinds are left out that could not be looked up, by the hash that prepare gave them.
    paused: BTreeMap<String, Instant>,
}

/// Where a start is wanted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// By the pool at this place of the file.
    Pool(usize),
    /// By jobs that asked for it lately, with the hash that prepare gave it.
    Jobs(String),
}

/// The definition of tasks, and the hash of their start.
struct Known {
    asked: Asked,
    definition: String,
    hash: String,
    /// When it is looked up again.
    until: Instant,
}

/// What is asked of a task, and its definition.
pub(super) struct StartOf {
    pub(super) asked: Asked,
    pub(super) definition: Registered,
}

impl Needs {
    /// What is wanted now. Definitions that are not known, or not for sure any more, are looked up.
    ///
    /// # Errors
    ///
    /// With the first pool whose definition cannot be looked up: nothing is decided without it.
    pub(super) async fn now(&mut self, setup: &Setup) -> Result<Vec<Need>> {
        let needs = self.of_pools(setup).await?;
        let warm = &setup.config.warm;
        if warm.follow.max_tasks == 0 {
            return Ok(needs);
        }
        let limits = Limits {
            max_tasks: warm.max_tasks,
            follow_tasks: warm.follow.max_tasks,
            max_idle: millis(warm.follow.max_idle),
        };
        let followed = self.of_jobs(setup, &limits).await?;
        Ok(with_followed(needs, followed, &limits, now_millis()))
    }

    async fn of_pools(&mut self, setup: &Setup) -> Result<Vec<Need>> {
        let at = i64::try_from(now().as_secs()).unwrap_or(i64::MAX);
        let warm = &setup.config.warm;
        let asked = |pool: &Pool| {
            if pool.schedule.is_open(at) {
                pool.tasks
            } else {
                0
            }
        };
        let asked: Vec<_> = warm.pools.iter().map(asked).collect();
        let shares = shares(&asked, warm.max_tasks);
        let mut needs: Vec<Need> = Vec::new();
        for (number, (pool, wanted)) in warm.pools.iter().zip(shares).enumerate() {
            let asked = || Asked::Pool(Box::new(pool.clone()));
            let Some(hash) = self.hash(setup, Place::Pool(number), asked).await? else {
                continue;
            };
            match needs.iter_mut().find(|need| need.hash == hash) {
                Some(need) => need.wanted += wanted,
                None => needs.push(Need { hash, wanted }),
            }
        }
        Ok(needs)
    }

    /// What jobs asked for lately. A kind that cannot be looked up is left out: nobody but its jobs asked for it.
    async fn of_jobs(&mut self, setup: &Setup, limits: &Limits) -> Result<Vec<Followed>> {
        let mut followed = Vec::new();
        let kinds = WantedStarts::of(&setup.records).all()?;
        self.paused.retain(|_, until| *until > Instant::now());
        self.known.retain(|place, _| match place {
            Place::Pool(_) => true,
            Place::Jobs(hash) => kinds.iter().any(|kind| kind.hash == *hash),
        });
        for kind in kinds {
            let last = kind.arrivals.last().copied().unwrap_or_default();
            let is_live = now_millis().saturating_sub(last) <= limits.max_idle;
            let is_paused = self.paused.contains_key(&kind.hash);
            if !is_live || is_paused || kind.arrivals.len() < FIRST_JOBS {
                continue;
            }
            let place = Place::Jobs(kind.hash.clone());
            let Wanted {
                arrivals,
                title,
                hash: of_prepare,
                ..
            } = kind.clone();
            match self
                .hash(setup, place, || Asked::Jobs(Box::new(kind)))
                .await
            {
                Ok(Some(hash)) => followed.push(Followed { hash, arrivals }),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!("jobs with {title} are not followed: {error}");
                    self.paused.insert(of_prepare, Instant::now() + PAUSE);
                }
            }
        }
        Ok(followed)
    }

    /// What is asked of the tasks that start so.
    pub(super) fn start(&self, hash: &str) -> Option<StartOf> {
        let known = self.known.values().find(|known| known.hash == hash)?;
        Some(StartOf {
            asked: known.asked.clone(),
            definition: Registered {
                arn: known.definition.clone(),
                is_fresh: true,
            },
        })
    }

    /// The hash of a start.
    async fn hash(
        &mut self,
        setup: &Setup,
        place: Place,
        asked: impl FnOnce() -> Asked,
    ) -> Result<Option<String>> {
        let is_known = |known: &Known| known.until > Instant::now();
        if !self.known.get(&place).is_some_and(is_known) {
            self.look_up(setup, place.clone(), asked()).await?;
        }
        Ok(self.known.get(&place).map(|known| known.hash.clone()))
    }

    async fn look_up(&mut self, setup: &Setup, place: Place, asked: Asked) -> Result<()> {
        let context = setup.context();
        let name = asked.name();
        let looked_up = async {
            let request = request(&context, &asked)?;
            let start = warm_up(setup, &context, &request, &name);
            let deadline = Instant::now() + LOOK_UP;
            let definition = start.definition(deadline).await?.arn;
            let hash = start.hash(&definition)?;
            Ok((definition, hash))
        };
        match looked_up.await {
            Ok((definition, hash)) => {
                let known = Known {
                    asked,
                    definition,
                    hash,
                    until: Instant::now() + FRESH,
                };
                self.known.insert(place, known);
                Ok(())
            }
            Err(error) => match self.known.get_mut(&place) {
                // What was known a moment ago is better than nothing.
                Some(known) => {
                    tracing::warn!("{name}: {error}");
                    known.until = Instant::now() + PAUSE;
                    Ok(())
                }
                None => Err(Error::context(error, format!("pool {name}"))),
            },
        }
    }
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
