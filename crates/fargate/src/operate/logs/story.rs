//! The story of an attempt: what happened to it, and when. Decisions only.

use serde::Serialize;

use super::attempt::Attempt;
use crate::state::ledger::{ScriptEntry, TaskEntry, rfc3339};
use crate::state::outcome::{Outcome, OutcomeKind};
use crate::task::TaskFacts;

/// The kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EventKind {
    Asked,
    Created,
    Connected,
    PullStarted,
    PullStopped,
    Started,
    Ready,
    ScriptBegan,
    ScriptEnded,
    Ended,
    StopAccepted,
    Stopping,
    Stopped,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Event {
    /// In milliseconds since 1970.
    pub(super) at: u64,
    pub(super) kind: EventKind,
    /// Id of the task that it is about.
    pub(super) task: Option<String>,
    /// In words.
    pub(super) text: String,
}

/// The events of an attempt that are known, in their order.
pub(super) fn story(attempt: &Attempt) -> Vec<Event> {
    let (entry, times) = (&attempt.entry, &attempt.entry.times);
    let mut events = Vec::new();
    let mut add = |at: Option<u64>, kind, task: Option<&str>, text: String| {
        let task = task.map(str::to_owned);
        events.extend(at.map(|at| Event {
            at,
            kind,
            task,
            text,
        }));
    };
    add(
        times.asked,
        EventKind::Asked,
        None,
        "AWS is asked for a task".to_owned(),
    );
    for task in &entry.tasks {
        of_task(attempt, task, &mut add);
    }
    add(
        times.ready,
        EventKind::Ready,
        None,
        "the task takes scripts".to_owned(),
    );
    for script in &entry.scripts {
        let ScriptEntry {
            stage,
            at,
            took,
            status,
        } = script;
        add(
            Some(*at),
            EventKind::ScriptBegan,
            None,
            format!("script {stage} begins"),
        );
        let Some(took) = took else { continue };
        let seconds = *took as f64 / 1000.0;
        let text = match status {
            Some(status) => {
                format!("script {stage} ends with status {status} after {seconds:.1} s")
            }
            None => format!("script {stage} fails after {seconds:.1} s"),
        };
        add(
            Some(at.saturating_add(*took)),
            EventKind::ScriptEnded,
            None,
            text,
        );
    }
    let ended = attempt.outcome.as_ref().map(outcome);
    let until = entry.tasks.iter().find_map(|task| task.kept_until);
    let kept = until.map(|until| format!("; its task is kept until {}", rfc3339(until)));
    let text = ended.unwrap_or_else(|| "the job ends".to_owned()) + &kept.unwrap_or_default();
    add(times.ended, EventKind::Ended, None, text);
    // Those of one time are in the order of a life.
    events.sort_by_key(|event| event.at);
    events
}

/// The events of a task.
fn of_task(
    attempt: &Attempt,
    task: &TaskEntry,
    add: &mut impl FnMut(Option<u64>, EventKind, Option<&str>, String),
) {
    let (id, times) = (task.task.as_str(), &task.facts.times);
    let mut say = |at, kind, text: &str| add(at, kind, Some(id), text.to_owned());
    let facts = in_words(&task.facts);
    let created = format!("AWS takes the request: task {id}{facts}");
    let reason = attempt.stop_reason(id);
    let because = reason
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default();
    say(times.created, EventKind::Created, &created);
    say(
        times.connected,
        EventKind::Connected,
        "its machine is there",
    );
    say(
        times.pull_started,
        EventKind::PullStarted,
        "its network is there, and the pull of images begins",
    );
    say(
        times.pull_stopped,
        EventKind::PullStopped,
        "its images are pulled",
    );
    say(times.started, EventKind::Started, "its containers run");
    say(
        task.stop_accepted,
        EventKind::StopAccepted,
        "AWS accepts to stop it",
    );
    say(
        times.stopping,
        EventKind::Stopping,
        &format!("AWS begins to stop it{because}"),
    );
    let ends = attempt.look(id).map(|look| {
        let ends = look.containers.iter();
        let ends = ends.filter_map(|container| Some((&container.name, container.exit_code?)));
        let ends: Vec<_> = ends
            .map(|(name, code)| format!("{name} with {code}"))
            .collect();
        ends.join(", ")
    });
    let ends = ends.filter(|ends| !ends.is_empty());
    let ends = ends.map(|ends| format!("; its containers exited: {ends}"));
    say(
        times.stopped,
        EventKind::Stopped,
        &format!("it has stopped{}", ends.unwrap_or_default()),
    );
}

/// Size, provider and place of a task.
fn in_words(facts: &TaskFacts) -> String {
    let gb = |figure: u32| f64::from(figure) / 1024.0;
    let size = facts.cpu.zip(facts.memory);
    let size = size.map(|(cpu, memory)| format!("{} vCPU, {} GB", gb(cpu), gb(memory)));
    let words = [
        size,
        facts.provider.clone(),
        facts.zone.clone(),
        facts.image.clone(),
    ];
    words
        .into_iter()
        .flatten()
        .map(|word| format!(", {word}"))
        .collect()
}

/// An outcome in words.
fn outcome(outcome: &Outcome) -> String {
    let cause = outcome.cause.as_deref().unwrap_or("nobody noted why");
    match outcome.kind {
        OutcomeKind::Success => "the job ends: it succeeded".to_owned(),
        OutcomeKind::ScriptFailed => match outcome.exit_code {
            Some(status) => format!("the job ends: a script failed with status {status}"),
            None => format!("the job ends: a script failed: {cause}"),
        },
        OutcomeKind::JobRefused => format!("the job ends: it was refused: {cause}"),
        OutcomeKind::Cancelled => format!("the job ends: it was cancelled: {cause}"),
        OutcomeKind::SystemFailure => format!("the job ends: the system failed: {cause}"),
        OutcomeKind::Other => format!("the job ends: {cause}"),
    }
}
