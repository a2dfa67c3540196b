//! The pools of `fargate.toml`, and the kinds of tasks that they are.

use super::attempt::Task;
use super::history::{History, Kind};
use crate::config::{Architecture, Config, Cpu, Memory, Mode, Pool, PoolKind};
use crate::operate::cost::{Prices, hourly};
use crate::task::definition::smallest_pair;

/// Pools, each with the number of its kind.
pub(super) struct Pools<'a> {
    pub(super) pools: Vec<(&'a Pool, usize)>,
    /// Kinds of which no job came. Their numbers follow those of the history.
    pub(super) unasked: Vec<Kind>,
}

impl<'a> Pools<'a> {
    pub(super) fn new(history: &History, config: &'a Config, prices: &Prices) -> Self {
        let (mut pools, mut unasked) = (Vec::new(), Vec::new());
        for pool in &config.warm.pools {
            let asked = Looks::of(pool, config);
            let known = history.kinds.iter().position(|kind| asked.fit(&kind.task));
            let kind = known.unwrap_or_else(|| {
                unasked.push(Kind::unasked(
                    asked.task(history),
                    asked.price(history, config, prices),
                ));
                history.kinds.len() + unasked.len() - 1
            });
            pools.push((pool, kind));
        }
        Self { pools, unasked }
    }

    /// The names of pools that no job of the ledger would have used.
    pub(super) fn unused(&self, history: &History) -> Vec<String> {
        let is_unused = |(_, kind): &&(&Pool, usize)| *kind >= history.kinds.len();
        let unused = self.pools.iter().filter(is_unused);
        unused.map(|(pool, _)| pool.name()).collect()
    }
}

/// What tells a pool's tasks from others, as far as the ledger knows such things.
struct Looks<'a> {
    pool: &'a Pool,
    /// CPU units and MiB. `None`: those of the task definition.
    cpu: Option<u32>,
    memory: Option<u32>,
    architecture: Option<Architecture>,
}

impl<'a> Looks<'a> {
    fn of(pool: &'a Pool, config: &Config) -> Self {
        let own = (
            pool.cpu.map(|cpu| cpu.0),
            pool.memory.map(|memory| memory.0),
        );
        let (size, architecture) = match (&config.mode, &pool.kind) {
            (Mode::JobImage(usual), PoolKind::Image(image)) => {
                let asked = (
                    pool.cpu.unwrap_or(usual.cpu),
                    pool.memory.unwrap_or(usual.memory),
                );
                let (Cpu(cpu), Memory(memory)) = smallest_pair(asked.0, asked.1).unwrap_or(asked);
                let architecture = image.architecture.unwrap_or(usual.architecture);
                ((Some(cpu), Some(memory)), Some(architecture))
            }
            _ => (own, None),
        };
        Self {
            pool,
            cpu: size.0,
            memory: size.1,
            architecture,
        }
    }

    /// Whether a task is one of the pool's.
    fn fit(&self, task: &Task) -> bool {
        let is_named = match &self.pool.kind {
            PoolKind::Image(image) => task.image.as_ref() == Some(&image.image.name),
            PoolKind::Definition(definition) => definition
                .other_names()
                .iter()
                .any(|name| task.family.as_ref() == Some(name)),
        };
        let is_as_large = |wish: Option<u32>, is: Option<u32>| wish.is_none() || wish == is;
        let provider = self.pool.capacity_provider.as_ref();
        is_named
            && is_as_large(self.cpu, task.cpu)
            && is_as_large(self.memory, task.memory)
            && provider.is_none_or(|provider| task.provider.as_ref() == Some(provider))
            && self.is_of_architecture(task)
    }

    /// Whether a task has the pool's architecture, in AWS's spelling of definitions or of attributes.
    fn is_of_architecture(&self, task: &Task) -> bool {
        let is = task.architecture.as_deref();
        let wish = self.architecture.map(Architecture::as_str);
        wish.is_none_or(|wish| is.is_none_or(|is| is.eq_ignore_ascii_case(wish)))
    }

    /// One of the pool's tasks. A size that is not known is that of most jobs.
    fn task(&self, history: &History) -> Task {
        let usual = history.kinds.first().map(|kind| &kind.task);
        Task {
            cpu: self.cpu.or(usual.and_then(|task| task.cpu)),
            memory: self.memory.or(usual.and_then(|task| task.memory)),
            ..Task::default()
        }
    }

    /// USD for an hour of one task; 0 where no price is known.
    fn price(&self, history: &History, config: &Config, prices: &Prices) -> f64 {
        let task = self.task(history);
        let thousands = |units: Option<u32>| f64::from(units.unwrap_or(0)) / 1024.0;
        let (vcpu, gb) = (thousands(task.cpu), thousands(task.memory));
        let is_arm = self.architecture == Some(Architecture::Arm64);
        hourly(prices, &config.fargate.region, vcpu, gb, is_arm).unwrap_or(0.0)
    }
}
