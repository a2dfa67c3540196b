//! Which job, and which of its containers. Decisions only.

use fargate_wire::COORDINATOR_CONTAINER;

use crate::error::{Blame, Error, Result};
use crate::state::record::{Login, Record};
use crate::task::ServiceContainer;

/// Other jobs that a refusal names at most.
const NAMED: usize = 5;

/// Names of the two containers that take scripts.
const JOB: &str = "job";
const HELPER: &str = "helper";

/// The job with this id, else the one that failed last of those that are kept, else the one that began last.
///
/// # Errors
///
/// When there is none with a task that takes scripts.
pub(super) fn job(mut records: Vec<Record>, wanted: Option<u64>) -> Result<Record> {
    let has_task =
        |record: &Record| record.login.is_some() && (record.kept_until.is_some() || !record.ends);
    records.sort_by_key(|record| {
        let is_kept = record.kept_until.is_some();
        (is_kept, record.times.ended, record.times.ready)
    });
    let is_wanted = |record: &Record| wanted.is_none_or(|id| record.job.id == id);
    if let Some(at) = records
        .iter()
        .rposition(|record| is_wanted(record) && has_task(record))
    {
        return Ok(records.swap_remove(at));
    }
    let Some(id) = wanted else {
        return Err(Error::system("no job of this manager has a task that takes scripts").advise(
            "A task ends with its job, unless the job fails and [Fargate] KeepFailedFor keeps it.",
        ));
    };
    let found = records.iter().find(|record| is_wanted(record));
    let why = match found {
        Some(record) if record.ends => format!("the task of job {id} is being stopped"),
        Some(_) => format!("the task of job {id} does not take scripts yet"),
        None => format!("no job {id} of this manager has a task"),
    };
    let others: Vec<_> = records
        .iter()
        .rev()
        .filter(|record| has_task(record))
        .take(NAMED)
        .map(|record| record.job.title())
        .collect();
    Err(Error::system(why).advise(match others.as_slice() {
        [] => {
            "A task ends with its job, unless the job fails and [Fargate] KeepFailedFor keeps it."
                .to_owned()
        }
        others => format!("These have one: {}.", others.join(", ")),
    }))
}

/// A container to enter.
#[derive(Debug)]
pub(super) struct Place {
    /// In words.
    pub(super) name: String,
    pub(super) login: Login,
    /// Advice about a service, which is not entered itself.
    pub(super) note: Option<String>,
}

/// The container of the job that has this name.
///
/// # Errors
///
/// When there is none.
pub(super) fn place(record: &Record, name: &str) -> Result<Place> {
    let helper = record
        .login
        .clone()
        .ok_or_else(|| Error::system("the job's task takes no scripts"))?;
    let place = |name: &str, login: Login| Place {
        name: name.to_owned(),
        login,
        note: None,
    };
    let is_job = [JOB, COORDINATOR_CONTAINER].contains(&name);
    let Some(job) = &record.build else {
        return match is_job {
            true => Ok(place("the job's container", helper)),
            false => Err(unknown(name, &[JOB.to_owned()])),
        };
    };
    if is_job {
        return Ok(place("the job's container", helper.on_port(job.port)));
    }
    if name == HELPER {
        return Ok(place("the helper", helper));
    }
    let is_it = |service: &&ServiceContainer| service.container == name || service.label == name;
    match job.services.iter().find(is_it) {
        Some(service) => Ok(Place {
            note: Some(beside(service)),
            ..place("the helper", helper)
        }),
        None => {
            let services = job.services.iter().map(|service| service.label.clone());
            let known = [JOB, HELPER].into_iter().map(str::to_owned);
            Err(unknown(name, &known.chain(services).collect::<Vec<_>>()))
        }
    }
}

fn unknown(name: &str, known: &[String]) -> Error {
    let message = format!("the job's task has no container {name:?} to enter");
    Error::new(Blame::Usage, message).advise(format!("--container is one of {}.", known.join(", ")))
}

/// How a service is reached whose container has no shell of ours.
fn beside(service: &ServiceContainer) -> String {
    let ports = match service.ports.as_slice() {
        [] => String::new(),
        ports => format!(", {}", service.on_ports(ports)),
    };
    format!(
        "Service {} has no shell of its own to enter. All containers of the task share one network: the service is at \
         localhost here{ports}.",
        service.label
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::record::tests::{login, record};
    use crate::task::JobContainer;

    fn ready(id: u64, at: u64) -> Record {
        let mut record = record(id);
        record.login = Some(login());
        record.times.ready = Some(at);
        record
    }

    fn kept(id: u64, ready_at: u64, ended: u64) -> Record {
        let mut record = ready(id, ready_at);
        (record.ends, record.times.ended, record.kept_until) = (true, Some(ended), Some(ended));
        record
    }

    #[test]
    fn the_last_kept_job_comes_first_and_then_the_last_one() {
        let chosen = |records: &[Record], wanted| job(records.to_vec(), wanted).map(|r| r.job.id);
        let mut starting = record(9);
        starting.times.asked = Some(900);
        let running = [ready(1, 100), ready(2, 300), ready(3, 200), starting];
        assert_eq!(chosen(&running, None).unwrap(), 2);
        let both = [&running[..], &[kept(4, 10, 60), kept(5, 20, 50)]].concat();
        assert_eq!(chosen(&both, None).unwrap(), 4);
        assert_eq!(chosen(&both, Some(3)).unwrap(), 3);
        let mut over = ready(6, 400);
        over.ends = true;
        assert_eq!(chosen(&[ready(1, 100), over.clone()], None).unwrap(), 1);
        let refusal =
            |wanted| chosen(&[ready(1, 100), over.clone(), record(9)], wanted).unwrap_err();
        assert_eq!(
            refusal(Some(6)).to_string(),
            "the task of job 6 is being stopped"
        );
        assert!(
            refusal(Some(9))
                .to_string()
                .contains("does not take scripts yet")
        );
        let none = refusal(Some(8));
        assert_eq!(none.to_string(), "no job 8 of this manager has a task");
        assert_eq!(none.advice(), Some("These have one: job 1 of a/b."));
        assert!(chosen(&[over], None).is_err());
    }

    #[test]
    fn a_container_is_entered_by_its_name_and_a_service_from_the_helper() {
        let mut record = ready(7, 1);
        let port = |record: &Record, name: &str| place(record, name).map(|place| place.login.port);
        let login = record.login.clone().unwrap();
        assert_eq!(port(&record, "job").unwrap(), login.port);
        assert!(port(&record, "helper").is_err());
        record.build = Some(JobContainer {
            port: 7022,
            image: "ruby:3.3".into(),
            is_jobs: true,
            services: vec![ServiceContainer {
                container: "service-0".into(),
                label: "postgres:16".into(),
                ports: vec![5432],
            }],
        });
        assert_eq!(port(&record, "ci-coordinator").unwrap(), 7022);
        assert_eq!(port(&record, "helper").unwrap(), login.port);
        for name in ["service-0", "postgres:16"] {
            let place = place(&record, name).unwrap();
            assert_eq!(place.login.port, login.port);
            let note = place.note.unwrap();
            assert!(
                note.ends_with("localhost here, postgres:16 on port 5432."),
                "{note}"
            );
        }
        let refusal = place(&record, "redis").unwrap_err();
        assert_eq!(
            refusal.advice(),
            Some("--container is one of job, helper, postgres:16.")
        );
    }
}
