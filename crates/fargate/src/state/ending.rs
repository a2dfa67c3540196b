//! The outcome of an attempt that ends: a decision from what its stages noted, never from a variable of the job.

use super::note::{Event, Note};
use super::outcome::{Outcome, OutcomeKind};
use super::record::Record;
use super::start::{Standing, Start};
use crate::error::Error;
use crate::gitlab::{fails_job, is_job_script};

/// By what an attempt is ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending<'a> {
    /// The job's cleanup.
    Cleanup,
    /// The prepare that failed so.
    Prepare(&'a Error),
    /// A sweep or the next attempt, for this reason: no cleanup came.
    Abandoned(&'a str),
}

impl Ending<'_> {
    /// Why the attempt's tasks are stopped.
    pub(crate) fn why(&self) -> String {
        match self {
            Self::Cleanup => "the job is over".to_owned(),
            Self::Prepare(failure) => failure.to_string(),
            Self::Abandoned(why) => (*why).to_owned(),
        }
    }

    /// The outcome of the attempt of `record`, whose scripts left these notes.
    pub(crate) fn outcome(&self, record: &Record, notes: &[Note]) -> Outcome {
        if let Self::Prepare(failure) = self {
            return Outcome::of(failure);
        }
        if let Some(failed) = failed(notes) {
            return failed;
        }
        match self {
            Self::Abandoned(why) => return Outcome::system(why),
            Self::Cleanup | Self::Prepare(_) => {}
        }
        if record.login.is_none() {
            let killed = "prepare ended before it could say why";
            return Outcome::system(killed);
        }
        if let Some(Note {
            event: Event::Began,
            stage,
            ..
        }) = notes.last()
        {
            let killed = format!("run ended during {stage} before it could say why");
            return Outcome::system(&killed);
        }
        let is_done = |note: &Note| is_job_script(&note.stage) && note.event == Event::Ended(0);
        if notes.iter().any(is_done) {
            return Outcome::new(OutcomeKind::Success);
        }
        Outcome::because(OutcomeKind::Cancelled, "it ended before the job's script")
    }
}

/// Whether the task of an attempt that ends so stays for a while: a script failed, and nobody stopped the job.
pub(super) fn is_kept(ending: &Ending<'_>, record: &Record, notes: &[Note]) -> bool {
    let is_stop = |note: &Note| match &note.event {
        Event::Failed(outcome) => outcome.kind == OutcomeKind::Cancelled,
        Event::Began | Event::Ended(_) => false,
    };
    let outcome = ending.outcome(record, notes);
    record.keep_for > 0
        && record.login.is_some()
        && matches!(ending, Ending::Cleanup)
        // Cleanup must stop any other task that a start has brought or may bring.
        && record.starts().iter().all(has_no_other_task)
        && outcome.kind == OutcomeKind::ScriptFailed
        && !notes.iter().any(is_stop)
}

fn has_no_other_task(start: &Start) -> bool {
    start.is_settled() || start.standing == Standing::Won
}

/// The first failure that fails a job. GitLab Runner tries some scripts again, so the last end of each counts.
fn failed(notes: &[Note]) -> Option<Outcome> {
    notes.iter().enumerate().find_map(|(at, note)| {
        let is_last = |note: &Note| {
            let mut later = notes.iter().skip(at + 1);
            !later.any(|other| other.stage == note.stage && other.event != Event::Began)
        };
        let outcome = match &note.event {
            Event::Began | Event::Ended(0) => return None,
            Event::Ended(status) => Outcome {
                exit_code: Some(*status),
                ..Outcome::new(OutcomeKind::ScriptFailed)
            },
            Event::Failed(outcome) => outcome.clone(),
        };
        (fails_job(&note.stage) && is_last(note)).then_some(outcome)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Blame;
    use crate::state::record::tests::{login, record};

    fn note(stage: &str, event: Event) -> Note {
        Note {
            attempt: "a".into(),
            at: 1,
            stage: stage.into(),
            event,
        }
    }

    fn notes(story: &[(&str, Option<i32>)]) -> Vec<Note> {
        let both = |(stage, status): &(&str, Option<i32>)| {
            let began = Some(note(stage, Event::Began));
            let ended = status.map(|status| note(stage, Event::Ended(status)));
            began.into_iter().chain(ended)
        };
        story.iter().flat_map(both).collect()
    }

    fn outcome(ending: &Ending<'_>, story: &[(&str, Option<i32>)]) -> (OutcomeKind, Option<i32>) {
        let mut record = record(7);
        record.login = Some(login());
        let outcome = ending.outcome(&record, &notes(story));
        (outcome.kind, outcome.exit_code)
    }

    #[test]
    fn an_outcome_follows_from_the_notes_of_the_scripts() {
        use OutcomeKind::{Cancelled, ScriptFailed, Success, SystemFailure};
        let (cleanup, sweep) = (Ending::Cleanup, Ending::Abandoned("its runner is gone"));
        let done = [("get_sources", Some(0)), ("step_script", Some(0))];
        assert_eq!(outcome(&cleanup, &done), (Success, None));
        assert_eq!(outcome(&sweep, &done), (SystemFailure, None));
        assert_eq!(outcome(&cleanup, &[]), (Cancelled, None));
        assert_eq!(outcome(&cleanup, &done[..1]), (Cancelled, None));
        for ending in [cleanup, sweep] {
            let failed = [("build_script", Some(3)), ("after_script", Some(0))];
            assert_eq!(outcome(&ending, &failed), (ScriptFailed, Some(3)));
        }
        // Tried again with success.
        let again = [("get_sources", Some(1)), ("get_sources", Some(0)), done[1]];
        assert_eq!(outcome(&cleanup, &again), (Success, None));
        // GitLab Runner passes over these.
        for stage in ["after_script", "archive_cache", "cleanup_file_variables"] {
            let story = [done[0], done[1], (stage, Some(1))];
            assert_eq!(outcome(&cleanup, &story), (Success, None), "{stage}");
        }
        let killed = [done[0], ("step_script", None)];
        assert_eq!(outcome(&cleanup, &killed), (SystemFailure, None));
    }

    #[test]
    fn the_task_of_a_failed_job_is_kept_and_no_other() {
        let failed = notes(&[("build_script", Some(3)), ("after_script", Some(0))]);
        let mut record = record(7);
        record.login = Some(login());
        assert!(!is_kept(&Ending::Cleanup, &record, &failed));
        record.keep_for = 60;
        assert!(is_kept(&Ending::Cleanup, &record, &failed));
        let mut unsettled = record.clone();
        unsettled.intend("token-of-a-call-without-a-reply");
        assert!(!is_kept(&Ending::Cleanup, &unsettled, &failed));
        unsettled.refuse("token-of-a-call-without-a-reply");
        assert!(is_kept(&Ending::Cleanup, &unsettled, &failed));
        let (lost, abandoned) = (
            Error::system("no room"),
            Ending::Abandoned("its runner is gone"),
        );
        assert!(!is_kept(&Ending::Prepare(&lost), &record, &failed));
        assert!(!is_kept(&abandoned, &record, &failed));
        let done = notes(&[("build_script", Some(0)), ("after_script", Some(3))]);
        assert!(!is_kept(&Ending::Cleanup, &record, &done));
        // Stopped after that.
        let stop = Outcome::new(OutcomeKind::Cancelled);
        let stopped = [
            failed.clone(),
            vec![note("after_script", Event::Failed(stop))],
        ];
        assert!(!is_kept(&Ending::Cleanup, &record, &stopped.concat()));
        record.login = None;
        assert!(!is_kept(&Ending::Cleanup, &record, &failed));
    }

    #[test]
    fn a_prepare_that_fails_says_how() {
        let failures = [
            (Error::system("no room"), OutcomeKind::SystemFailure),
            (Error::job("no such image"), OutcomeKind::JobRefused),
            (Error::new(Blame::Stopped(15), ""), OutcomeKind::Cancelled),
        ];
        for (failure, kind) in failures {
            let outcome = Ending::Prepare(&failure).outcome(&record(7), &[]);
            assert_eq!(outcome.kind, kind);
            assert_eq!(outcome.cause.unwrap_or_default(), failure.to_string());
        }
        // It was killed.
        let outcome = Ending::Cleanup.outcome(&record(7), &[]);
        assert_eq!(outcome.kind, OutcomeKind::SystemFailure);
    }
}
