//! The lines of the job log while a connection is sought.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::findings::Findings;
use crate::output::say;
use crate::task::{Phase, TaskFacts};

/// How long the job log is silent about a connection that usually succeeds at once.
const SILENCE: Duration = Duration::from_secs(2);

/// How often the job log says that a wait goes on.
const REMINDER: Duration = Duration::from_secs(30);

/// A search, as readers of the job log see it.
#[derive(Debug)]
pub(crate) struct Progress {
    subject: Subject,
    begun: Instant,
    due_at: Instant,
}

/// What a look at a task has shown, and when.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    pub(crate) facts: TaskFacts,
    pub(crate) at: Instant,
}

/// The subject of a wait.
#[derive(Debug)]
enum Subject {
    /// The task, phase by phase.
    Task {
        phase: Phase,
        phase_begun: Instant,
        /// Phases that are over and not told yet: short ones, and the last before the task runs, which usually is
        /// ready at once. One line tells them and what follows.
        held: Vec<String>,
        /// The last look, for those who wait beside the connection.
        sights: watch::Sender<Option<Sight>>,
    },
    /// A second task beside one that lags.
    SecondTask,
    /// The job's own container, from this image.
    JobContainer(String),
    /// The task of a stage that begins.
    Stage,
    /// A connection that was lost. The job log has said so, and the runner may not read at the moment.
    LostConnection,
}

impl Progress {
    /// Of a new task: one line for each phase. Each look at it goes to `sights`, too.
    pub(crate) fn of_task(sights: watch::Sender<Option<Sight>>) -> Self {
        let now = Instant::now();
        let phase = Phase::Provisioning;
        let subject = Subject::Task {
            phase,
            phase_begun: now,
            held: Vec::new(),
            sights,
        };
        Self::new(subject, REMINDER)
    }

    /// Of a second task: the phases of the first have the lines.
    pub(crate) fn of_second_task() -> Self {
        Self::new(Subject::SecondTask, REMINDER)
    }

    /// Of the job's own container.
    pub(crate) fn of_job_container(image: &str) -> Self {
        Self::new(Subject::JobContainer(image.to_owned()), SILENCE)
    }

    /// Of a stage's first connection.
    pub(crate) fn of_stage() -> Self {
        Self::new(Subject::Stage, SILENCE)
    }

    /// Of a connection that was lost.
    pub(crate) fn of_lost_connection() -> Self {
        Self::new(Subject::LostConnection, REMINDER)
    }

    fn new(subject: Subject, first: Duration) -> Self {
        let begun = Instant::now();
        Self {
            subject,
            begun,
            due_at: begun + first,
        }
    }

    /// When the next reminder is due.
    pub(super) fn due_at(&self) -> Instant {
        self.due_at
    }

    /// Whether the wait has taken so long that its end is worth a line.
    pub(crate) fn was_long(&self) -> bool {
        self.begun.elapsed() > SILENCE
    }

    /// How long it has taken.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Says that a phase is over when the task has come further.
    pub(super) fn looked(&mut self, findings: &Findings) {
        let Subject::Task {
            phase,
            phase_begun,
            held,
            sights,
        } = &mut self.subject
        else {
            return;
        };
        sights.send_replace(findings.seen.as_ref().map(|task| Sight {
            facts: task.facts(),
            at: findings.seen_at,
        }));
        if let Some(now) = findings.phase.filter(|now| *now > *phase) {
            held.push(format!("{} in {}", phase.done(), seconds(*phase_begun)));
            if phase_begun.elapsed() > SILENCE && now != Phase::Running {
                say(&joined(held, None));
            }
            *phase = now;
            *phase_begun = Instant::now();
            self.due_at = *phase_begun + REMINDER;
        }
    }

    /// Says that the task is ready.
    pub(super) fn ready(&mut self, ready: &str) {
        let mut none = Vec::new();
        let (held, subject) = match &mut self.subject {
            Subject::Task { held, .. } => (held, ""),
            Subject::SecondTask => (&mut none, "the second task is "),
            _ => (&mut none, ""),
        };
        say(&joined(held, Some(format!("{subject}ready {ready}"))));
    }

    /// Says that the wait goes on.
    pub(super) fn remind(&mut self, findings: &Findings) {
        self.due_at = Instant::now() + REMINDER;
        let because = findings
            .last_refusal
            .as_ref()
            .map_or_else(String::new, |refusal| format!(" ({refusal})"));
        let so_far = seconds(self.begun);
        match &mut self.subject {
            Subject::Task {
                phase,
                phase_begun,
                held,
                ..
            } => {
                if !held.is_empty() {
                    say(&joined(held, None));
                }
                let because = if *phase == Phase::Running {
                    &because
                } else {
                    ""
                };
                say(&format!(
                    "Still {}{because}: {}",
                    phase.doing(),
                    seconds(*phase_begun)
                ));
            }
            Subject::JobContainer(image) => {
                let doing = if findings.container_runs {
                    "for the agent in the job's container, from image"
                } else {
                    "while AWS pulls and starts the image"
                };
                say(&format!("Waiting {doing} {image}: {so_far}"));
            }
            Subject::Stage => say(&format!(
                "Waiting for the job's task to take a connection{because}: {so_far}"
            )),
            Subject::SecondTask | Subject::LostConnection => {}
        }
    }
}

/// One line of the phases that were held and the `last` one.
fn joined(held: &mut Vec<String>, last: Option<String>) -> String {
    let parts: Vec<_> = held.drain(..).chain(last).collect();
    let line = parts.join(", ");
    let mut characters = line.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// The time since then, for the job log.
pub(crate) fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}
