//! Starts of one job side by side: a second one is asked for while the first lags, and the first that is ready wins.

use super::Record;
use crate::state::clock;
use crate::state::start::{Standing, Start};
use crate::task::{Task, TaskFacts};

impl Record {
    /// Notes the intent to call RunTask with this token for a second task, for the first time or again.
    pub(crate) fn intend_hedge(&mut self, token: &str) {
        self.times.hedged.get_or_insert_with(clock::now_millis);
        self.starts.retain(|start| start.token != token);
        self.starts.push(Start {
            hedges: true,
            ..Start::intended(token)
        });
    }

    /// The same record as if this start were its only one.
    pub(crate) fn of_start(&self, token: &str) -> Self {
        let mut alone = self.clone();
        alone.starts.retain(|start| start.token == token);
        alone
    }

    /// The starts whose tasks run side by side until one of them is ready; one at most where no second was started.
    pub(crate) fn side_by_side(&self) -> impl Iterator<Item = &Start> {
        let starts = self.starts.iter();
        starts.filter(|start| start.standing == Standing::Started && start.task.is_some())
    }

    /// Notes that the start with this token is ahead of all others: their tasks must be stopped. Those whose call has
    /// not been answered stay as they are, and teardown looks for their tasks.
    pub(crate) fn leave_behind_all_but(&mut self, token: &str) {
        for start in &mut self.starts {
            if start.token != token && start.standing == Standing::Started {
                start.standing = Standing::Lost;
                start.beaten = true;
            }
        }
    }

    /// Notes that AWS ended this `task`, which a start has brought.
    pub(crate) fn lose(&mut self, task: &Task) {
        if let Some(start) = self.start_of(&task.arn) {
            start.standing = Standing::Stopped;
            start.saw(task.facts());
        }
    }

    /// Notes that the start with this token brings no task that takes scripts: its task, if there is one, must be
    /// stopped.
    pub(crate) fn give_up(&mut self, token: &str) {
        if let Some(start) = self.start(token)
            && start.standing == Standing::Started
        {
            start.standing = Standing::Lost;
        }
    }

    /// Notes that the task of a start that has lost was stopped, when AWS `accepted` that (in milliseconds since 1970),
    /// and what its answer showed.
    pub(crate) fn stopped(&mut self, task: &str, accepted: Option<u64>, facts: Option<TaskFacts>) {
        if let Some(start) = self.start_of(task)
            && start.standing == Standing::Lost
        {
            start.standing = Standing::Stopped;
            start.stop_accepted = accepted;
            if let Some(facts) = facts {
                start.saw(facts);
            }
        }
    }

    /// Whether one of its starts has won.
    pub(crate) fn has_winner(&self) -> bool {
        let mut starts = self.starts.iter();
        starts.any(|start| start.standing == Standing::Won)
    }

    /// How a start stands that is known to have a task: it has lost where another takes the job's scripts by now.
    pub(super) fn standing_with_task(&self) -> Standing {
        match self.has_winner() {
            true => Standing::Lost,
            false => Standing::Started,
        }
    }

    /// The tasks of starts that have lost and are not known to be stopped.
    pub(crate) fn lost(&self) -> impl Iterator<Item = &Start> {
        let starts = self.starts.iter();
        // A claim that failed is the business of the file of its task.
        let starts = starts.filter(|start| start.claim.is_none() && start.task.is_some());
        starts.filter(|start| start.standing == Standing::Lost)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{login, record, task};
    use super::*;

    fn standings(record: &Record) -> Vec<(&str, Standing)> {
        let starts = record.starts().iter();
        starts
            .map(|start| (start.token.as_str(), start.standing))
            .collect()
    }

    /// A first task and a second one beside it.
    fn both() -> Record {
        let mut record = record(7);
        record.intend("one");
        record.started("one", &task("arn:1", None));
        record.intend_hedge("two");
        record.started("two", &task("arn:2", None));
        record
    }

    #[test]
    fn each_of_two_starts_can_be_waited_for_alone() {
        let record = both();
        assert_eq!(record.of_start("one").task(), Some("arn:1"));
        assert_eq!(record.of_start("two").task(), Some("arn:2"));
        assert!(record.times.hedged.is_some());
    }

    #[test]
    fn the_first_that_is_ready_wins_and_the_other_is_stopped() {
        use Standing::{Lost, Stopped, Won};
        for (winner, loser, arns) in [
            ("one", "two", ["arn:1", "arn:2"]),
            ("two", "one", ["arn:2", "arn:1"]),
        ] {
            let mut record = both();
            record.leave_behind_all_but(winner);
            record.win(login(), None);
            assert_eq!(record.task(), Some(arns[0]));
            let lost: Vec<_> = record
                .lost()
                .filter_map(|start| start.task.as_deref())
                .collect();
            assert_eq!(lost, [arns[1]]);
            let standing = |record: &Record, token: &str| {
                let all = standings(record);
                all.into_iter()
                    .find(|(other, _)| *other == token)
                    .unwrap()
                    .1
            };
            assert_eq!(
                (standing(&record, winner), standing(&record, loser)),
                (Won, Lost)
            );
            record.stopped(arns[0], None, None);
            record.stopped(arns[1], Some(1), None);
            assert_eq!(
                (standing(&record, winner), standing(&record, loser)),
                (Won, Stopped)
            );
        }
    }

    #[test]
    fn a_call_without_an_answer_stays_open_beside_the_winner() {
        let mut record = record(7);
        record.intend("one");
        record.started("one", &task("arn:1", None));
        record.intend_hedge("two");
        record.leave_behind_all_but("one");
        record.win(login(), None);
        assert!(record.starts().iter().any(Start::is_open));
        // Its task is found later.
        assert!(record.found("arn:2"));
        assert_eq!(record.task(), Some("arn:1"));
        assert_eq!(
            standings(&record),
            [("one", Standing::Won), ("two", Standing::Lost)]
        );
    }

    #[test]
    fn a_task_that_aws_ends_leaves_the_other_in_the_race() {
        for (lost, left) in [("arn:1", "arn:2"), ("arn:2", "arn:1")] {
            let mut record = both();
            record.lose(&task(lost, None));
            assert_eq!(record.task(), Some(left));
        }
        let mut record = both();
        record.give_up("two");
        assert_eq!(record.task(), Some("arn:1"));
        assert_eq!(record.lost().count(), 1);
        // A start that failed does not count as behind.
        let mut record = both();
        record.give_up("one");
        record.leave_behind_all_but("two");
        record.win(login(), None);
        assert_eq!(record.task(), Some("arn:2"));
        assert!(record.lost().all(|start| !start.beaten));
        assert_eq!(record.lost().count(), 1);
    }
}
