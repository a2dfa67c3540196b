//! What keep says: to its own log, and to `fargate warm status`.

use super::setup::Setup;
use crate::output::say;
use crate::state::warm::{Rest, Want};

/// The rest that was last told of.
#[derive(Default)]
pub(super) struct Told(Option<Rest>);

impl Told {
    /// Says why no task is started, where that has changed.
    pub(super) fn tell(&mut self, rest: Option<Rest>) {
        if rest == self.0 {
            return;
        }
        self.0 = rest;
        match rest {
            Some(Rest::Drained) => say("No task is started until `fargate warm keep --resume`"),
            Some(Rest::Yielded) => {
                say("No task is started for five minutes: a job found no room for its own");
            }
            None => say("Tasks are started again"),
        }
    }
}

/// The word that was last left.
#[derive(Default)]
pub(super) struct Word(Option<Vec<Want>>);

impl Word {
    /// Leaves word where it has changed. No task depends on it.
    pub(super) fn leave(&mut self, setup: &Setup, wants: Vec<Want>) {
        if self.0.as_ref() == Some(&wants) {
            return;
        }
        match setup.warm().want(&setup.keeper, &wants) {
            Ok(()) => self.0 = Some(wants),
            Err(error) => tracing::debug!("{error}"),
        }
    }
}
