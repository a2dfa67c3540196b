//! A task's life as AWS documents it, looked at as a driver does: now and then, late, and sometimes too late.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::description::*;
use super::facts::TaskTimes;

/// The states of a life in their order (AWS: task lifecycle): status, and whether the pull has begun, whether it is
/// over, whether the task has run.
const STATES: [(&str, bool, bool, bool, Phase); 12] = [
    ("PROVISIONING", false, false, false, Phase::Provisioning),
    ("PENDING", false, false, false, Phase::Provisioning),
    ("PENDING", true, false, false, Phase::Pulling),
    ("PENDING", true, true, false, Phase::Starting),
    ("ACTIVATING", true, true, false, Phase::Starting),
    ("RUNNING", true, true, true, Phase::Running),
    ("RUNNING", true, true, true, Phase::Running),
    ("DEACTIVATING", true, true, true, Phase::Running),
    ("STOPPING", true, true, true, Phase::Running),
    ("DEPROVISIONING", true, true, true, Phase::Running),
    ("STOPPED", true, true, true, Phase::Running),
    ("DELETED", true, true, true, Phase::Running),
];
const DEACTIVATING: usize = 7;
const STOPPED: usize = 10;

/// What there is to see at one version of a task, and what it means.
#[derive(Debug, Clone)]
struct Moment {
    task: Task,
    phase: Phase,
    ending: bool,
    over: bool,
}

/// A life in which the end begins in state `end`, first to be seen in the desired status alone.
fn life(end: usize, containers: &[Container], reason: Option<&str>) -> Vec<Moment> {
    let reached = STATES[end];
    let mut moments = Vec::new();
    let mut add = |status: &str,
                   (_, pulling, pulled, ran, phase): (&str, bool, bool, bool, Phase),
                   ending,
                   over| {
        moments.push(Moment {
            task: Task {
                arn: "arn:aws:ecs:eu-west-1:111122223333:task/ci/1".into(),
                last_status: status.to_owned(),
                desired_status: if ending { "STOPPED" } else { "RUNNING" }.into(),
                times: TaskTimes {
                    pull_started: pulling.then_some(1),
                    pull_stopped: pulled.then_some(2),
                    started: ran.then_some(3),
                    ..TaskTimes::default()
                },
                stop_code: ending.then(|| "EssentialContainerExited".to_owned()),
                stopped_reason: reason.filter(|_| ending).map(str::to_owned),
                containers: if over {
                    containers.to_vec()
                } else {
                    Vec::new()
                },
                ..Task::default()
            },
            phase,
            ending,
            over,
        });
    };
    for state in &STATES[..=end] {
        add(state.0, *state, false, false);
    }
    add(reached.0, reached, true, false);
    for (status, ..) in &STATES[DEACTIVATING..] {
        // What it never reached it never reaches.
        let over = matches!(*status, "STOPPED" | "DELETED");
        add(status, reached, true, over);
    }
    moments
}

/// One look: how much further it is, or back, and what is odd about it.
#[derive(Debug, Clone)]
enum Look {
    Next(usize),
    Stale(Index),
    Missing,
    /// A status that was not there when this was written.
    Unknown(&'static str),
}

fn looks() -> impl Strategy<Value = Vec<Look>> {
    let look = prop_oneof![
        6 => (0..5_usize).prop_map(Look::Next),
        2 => any::<Index>().prop_map(Look::Stale),
        1 => Just(Look::Missing),
        1 => select(vec!["QUEUED", "", "RUNNING_SOON", "stopped"]).prop_map(Look::Unknown),
    ];
    vec(look, 1..30)
}

fn containers() -> impl Strategy<Value = Vec<Container>> {
    let exit_code = prop_oneof![
        Just(None),
        any::<i32>().prop_map(Some),
        select(vec![Some(0), Some(1), Some(137), Some(143)])
    ];
    let reason = proptest::option::of("[A-Za-z:/. ]{0,20}[A-Za-z]");
    vec((exit_code, reason), 0..5).prop_map(|ends| {
        let container = |(number, (exit_code, reason))| Container {
            name: format!("service-{number}"),
            exit_code,
            reason,
            ..Container::default()
        };
        ends.into_iter().enumerate().map(container).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn whatever_is_seen_of_a_life_is_taken_for_what_it_is(
        end in 0..DEACTIVATING, looks in looks(), containers in containers(),
        reason in proptest::option::of("[A-Za-z:/. ]{0,30}[A-Za-z]"),
    ) {
        let moments = life(end, &containers, reason.as_deref());
        let mut at = 0;
        let mut furthest = Phase::Provisioning;
        for look in looks {
            let (seen, stale) = match look {
                Look::Missing => continue,
                Look::Next(steps) => {
                    at = (at + steps).min(moments.len() - 1);
                    (moments[at].clone(), false)
                }
                Look::Stale(before) => (moments[before.index(at + 1)].clone(), true),
                Look::Unknown(status) => {
                    let mut moment = moments[at].clone();
                    moment.task.last_status = status.to_owned();
                    // Its end shows in the desired status; that it is over shows nowhere any more.
                    moment.over = false;
                    (moment, false)
                }
            };
            let Moment { task, phase, ending, over } = seen;
            prop_assert_eq!((task.phase(), task.is_ending(), task.is_over()), (phase, ending, over), "{:?}", task);
            // Without stale looks it never goes back, so whoever keeps the furthest is never misled by one that is.
            prop_assert!(stale || task.phase() >= furthest, "{:?} after {:?}", task.phase(), furthest);
            furthest = furthest.max(task.phase());
            prop_assert!(furthest <= moments[at].phase);
        }
    }

    #[test]
    fn a_death_names_all_there_is(
        end in 0..DEACTIVATING, containers in containers(), reason in proptest::option::of("[A-Za-z:/. ]{0,30}[A-Za-z]"),
    ) {
        let moments = life(end, &containers, reason.as_deref());
        let task = &moments.iter().find(|moment| moment.task.last_status == STATES[STOPPED].0).unwrap().task;
        let cause = task.stop_reason(None, false).cause;
        let whole = reason.as_deref().unwrap_or("EssentialContainerExited");
        prop_assert!(cause.contains(whole.trim()), "{:?} in {:?}", whole, cause);
        for Container { name, exit_code, reason, .. } in &containers {
            if let Some(code) = exit_code {
                let told = format!("container {name} exited with status {code}");
                prop_assert!(cause.contains(&told), "{:?} in {:?}", told, cause);
            }
            if let Some(reason) = reason {
                prop_assert!(cause.contains(reason.trim()), "{:?} in {:?}", reason, cause);
            }
        }
        let mut without = task.clone();
        (without.stopped_reason, without.stop_code) = (None, None);
        prop_assert!(without.stop_reason(None, false).cause.starts_with("AWS gave no reason"));
    }
}
