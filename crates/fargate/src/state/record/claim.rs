//! Starts that claim a waiting task in place of calling RunTask.

use super::{Login, Record};
use crate::state::clock;
use crate::state::start::{Standing, Start};
use crate::state::waiting::Waiting;

impl Record {
    /// Notes the intent to claim the waiting task with this id. The start's token is the id.
    pub(crate) fn intend_claim(&mut self, id: &str) {
        self.times.asked.get_or_insert_with(clock::now_millis);
        self.starts.retain(|start| start.token != id);
        self.starts.push(Start {
            claim: Some(id.to_owned()),
            ..Start::intended(id)
        });
    }

    /// Notes that the claimed task is the job's, and how it is reached.
    pub(crate) fn claimed(&mut self, task: &Waiting, login: Login) {
        if let Some(start) = self.take_over(task) {
            start.standing = Standing::Won;
        }
        self.start_hash = Some(task.hash.clone());
        self.login = Some(login);
        // Its agent has taken a connection, too.
        self.began = self.build.is_some();
        self.services_had_time = task.services_had_time;
        self.times.ready.get_or_insert_with(clock::now_millis);
    }

    /// Notes that the claimed task cannot be used: it must be stopped.
    pub(crate) fn missed(&mut self, task: &Waiting) {
        if let Some(start) = self.take_over(task) {
            start.standing = Standing::Lost;
        }
    }

    /// Forgets the claim of a task that another job got, or that was given away.
    pub(crate) fn forget_claim(&mut self, id: &str) {
        self.starts.retain(|start| start.token != id);
    }

    fn take_over(&mut self, task: &Waiting) -> Option<&mut Start> {
        self.public_ip |= task.public_ip;
        let start = self.start(&task.id)?;
        start.task.clone_from(&task.task);
        start.memory = task.memory;
        start.pool = Some(task.pool.clone());
        start.facts.clone_from(&task.facts);
        Some(start)
    }
}
