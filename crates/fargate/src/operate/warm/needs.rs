//! How many tasks of which start the pools of a configuration want now.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::moves::Need;
use super::pool::{overrides, payload};
use super::setup::Setup;
use crate::config::Pool;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::start::register::Registered;
use crate::start::request::TaskRequest;
use crate::start::warm_up::WarmUp;
use crate::state::clock::now;

/// How long a definition is believed to be the latest of its family.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// Bound of looking a definition up, and the pause after a failure.
const LOOK_UP: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(30);

/// What is known of the pools of one configuration, by their place in the file.
#[derive(Debug, Default)]
pub(super) struct Needs {
    known: BTreeMap<usize, Known>,
}

/// The definition that a pool's tasks run, and the hash of their start.
#[derive(Debug)]
struct Known {
    definition: String,
    hash: String,
    /// When it is looked up again.
    until: Instant,
}

/// A pool, and the definition of its tasks.
pub(super) struct PoolStart<'a> {
    pub(super) pool: &'a Pool,
    pub(super) definition: Registered,
}

impl Needs {
    /// What the pools want now. Definitions that are not known, or not for sure any more, are looked up.
    ///
    /// # Errors
    ///
    /// With the first pool whose definition cannot be looked up: nothing is decided without it.
    pub(super) async fn now(&mut self, setup: &Setup) -> Result<Vec<Need>> {
        let at = i64::try_from(now().as_secs()).unwrap_or(i64::MAX);
        let mut needs: Vec<Need> = Vec::new();
        for (number, pool) in setup.config.warm.pools.iter().enumerate() {
            let is_known = |known: &Known| known.until > Instant::now();
            if !self.known.get(&number).is_some_and(is_known) {
                self.look_up(setup, number, pool).await?;
            }
            let Some(known) = self.known.get(&number) else {
                continue;
            };
            let wanted = if pool.schedule.is_open(at) {
                pool.tasks
            } else {
                0
            };
            match needs.iter_mut().find(|need| need.hash == known.hash) {
                Some(need) => need.wanted += wanted,
                None => needs.push(Need {
                    hash: known.hash.clone(),
                    wanted,
                }),
            }
        }
        Ok(needs)
    }

    /// The pool whose tasks start so.
    pub(super) fn pool<'a>(&self, setup: &'a Setup, hash: &str) -> Option<PoolStart<'a>> {
        let (number, known) = self.known.iter().find(|(_, known)| known.hash == hash)?;
        Some(PoolStart {
            pool: setup.config.warm.pools.get(*number)?,
            definition: Registered {
                arn: known.definition.clone(),
                is_fresh: true,
            },
        })
    }

    async fn look_up(&mut self, setup: &Setup, number: usize, pool: &Pool) -> Result<()> {
        let context = setup.context();
        let looked_up = async {
            let request = request(&context, pool)?;
            let name = pool.name();
            let start = warm_up(setup, &context, &request, &name);
            let deadline = Instant::now() + LOOK_UP;
            let definition = start.definition(deadline).await?.arn;
            let hash = start.hash(&definition)?;
            Ok((definition, hash))
        };
        match looked_up.await {
            Ok((definition, hash)) => {
                let until = Instant::now() + FRESH;
                self.known.insert(
                    number,
                    Known {
                        definition,
                        hash,
                        until,
                    },
                );
                Ok(())
            }
            Err(error) => match self.known.get_mut(&number) {
                // What was known a moment ago is better than nothing.
                Some(known) => {
                    tracing::warn!("pool {}: {error}", pool.name());
                    known.until = Instant::now() + PAUSE;
                    Ok(())
                }
                None => Err(Error::context(error, format!("pool {}", pool.name()))),
            },
        }
    }
}

/// The request of a pool's tasks.
///
/// # Errors
///
/// When no job may ask for such a task.
pub(super) fn request<'a>(context: &Context<'a>, pool: &Pool) -> Result<TaskRequest<'a>> {
    TaskRequest::of(context, overrides(pool), Some(payload(pool)?))
}

/// The start of one of a pool's tasks.
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
