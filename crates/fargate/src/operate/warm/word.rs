//! The word that keep leaves for `fargate warm status`: what it wants.

use super::setup::Setup;
use crate::state::warm::Want;

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
