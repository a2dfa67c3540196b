//! The facts about the jobs of this manager: its records, and AWS's answers of the last seconds.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout};

use crate::aws::Aws;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::state::identity::Identity;
use crate::state::note::Note;
use crate::state::record::Record;
use crate::state::records::{Entry, Records};
use crate::state::waiting::Waiting;
use crate::state::warm::WarmFile;
use crate::task::Task;
use crate::teardown::orphan::Verdict;
use crate::teardown::sweep::waiting::waiting_tasks;
use crate::teardown::sweep::{self, JobCheck, Sweep};

/// Bound of AWS's answers. Records alone are enough for most of what is shown.
const BOUND: Duration = Duration::from_millis(2500);

/// How old answers may be: about tasks that records name, and about those that no record names. AWS's limit for both
/// calls, 20 a second, is shared with the jobs.
const LOOK_AGE: Duration = Duration::from_secs(5);
const LIST_AGE: Duration = Duration::from_secs(60);

/// All that is known now.
#[derive(Debug)]
pub(super) struct Facts {
    /// This manager's name; nothing where no job has made it yet.
    pub(super) manager: Option<String>,
    pub(super) folder: PathBuf,
    pub(super) jobs: Vec<JobFacts>,
    /// Tasks of this manager that no record names.
    pub(super) tasks: Vec<(Task, Verdict)>,
    /// Waiting tasks that a sweep would end, and why.
    pub(super) waiting: Vec<(Waiting, String)>,
    /// Files with the names of records that are none, and why.
    pub(super) damaged: Vec<(PathBuf, String)>,
    /// The questions that AWS did not answer, and why.
    pub(super) unasked: Vec<String>,
}

/// What is known of one job.
#[derive(Debug)]
pub(super) struct JobFacts {
    pub(super) record: Box<Record>,
    /// What its stages noted about its scripts.
    pub(super) notes: Vec<Note>,
    /// What a sweep makes of it.
    pub(super) verdict: Verdict,
    /// Its tasks, as far as AWS has shown them now.
    pub(super) tasks: Vec<Task>,
}

/// Looks at records whenever asked, and at AWS now and then.
#[derive(Debug)]
pub(super) struct Observer<'a> {
    config: &'a Config,
    records: Records,
    aws: Option<Aws>,
    tasks: Answer<HashMap<String, Task>>,
    unrecorded: Answer<Vec<(Task, Verdict)>>,
}

/// An answer of AWS, with the reason where it did not come.
#[derive(Debug, Clone, Default)]
struct Answer<T> {
    at: Option<Instant>,
    content: T,
    unasked: Vec<String>,
}

impl<T> Answer<T> {
    fn is_older_than(&self, age: Duration) -> bool {
        self.at.is_none_or(|at| at.elapsed() >= age)
    }
}

impl<'a> Observer<'a> {
    /// Looks at nothing yet.
    ///
    /// # Errors
    ///
    /// When a newer driver has used the folder of the records.
    pub(super) fn new(config: &'a Config) -> Result<Self> {
        Ok(Self {
            config,
            records: Records::open(&config.metadata_directory, config.ledger_months)?,
            aws: None,
            tasks: Answer::default(),
            unrecorded: Answer::default(),
        })
    }

    /// The facts of now.
    ///
    /// # Errors
    ///
    /// When the records cannot be read.
    pub(super) async fn look(&mut self) -> Result<Facts> {
        let directory = self.records.directory();
        let identity = Identity::known(directory, self.config.manager.as_deref())?;
        let (mut records, mut damaged) = (Vec::new(), Vec::new());
        for Entry { file, record } in self.records.all()? {
            match record {
                Ok(record) => records.push(record),
                Err(why) => damaged.push((file, why)),
            }
        }
        // The longest first: a job's id grows with time.
        records.sort_by_key(|record| record.job.id);
        damaged.sort();
        self.ask(&records, identity.as_ref()).await;
        let most_kept = self.config.fargate.keep_failed.tasks;
        let known = records.iter().map(|record| &**record);
        let check = JobCheck::new(&self.records, known, most_kept);
        let jobs = records
            .into_iter()
            .map(|record| self.job(record, &check))
            .collect();
        let mut unasked = self.tasks.unasked.clone();
        unasked.extend(self.unrecorded.unasked.clone());
        let waiting = waiting(&self.records).unwrap_or_else(|error| {
            unasked.push(format!("which waiting tasks a sweep would end: {error}"));
            Vec::new()
        });
        Ok(Facts {
            manager: identity.map(|identity| identity.name),
            folder: self.records.directory().to_owned(),
            jobs,
            tasks: self.unrecorded.content.clone(),
            waiting,
            damaged,
            unasked,
        })
    }

    fn job(&self, record: Box<Record>, check: &JobCheck<'_>) -> JobFacts {
        JobFacts {
            notes: self.records.notes(&record),
            verdict: check.verdict(&record).0,
            tasks: tasks(&record)
                .filter_map(|arn| self.tasks.content.get(arn).cloned())
                .collect(),
            record,
        }
    }

    /// Asks AWS what is not known, or known for too long. Both questions at once, and neither longer than the bound.
    async fn ask(&mut self, records: &[Box<Record>], identity: Option<&Identity>) {
        let (mut about, mut beside) = (None, None);
        let names_task = records.iter().any(|record| record.task().is_some());
        let asks = names_task && self.tasks.is_older_than(LOOK_AGE);
        // Without an identity no task was ever started from here.
        let lists = identity.filter(|_| self.unrecorded.is_older_than(LIST_AGE));
        if asks || lists.is_some() {
            let aws = self.aws().await;
            let described = async {
                if asks {
                    about = Some(described(&aws, records).await);
                }
            };
            let listed = async {
                if let Some(identity) = lists {
                    beside = Some(self.listed(&aws, records, identity).await);
                }
            };
            tokio::join!(described, listed);
        }
        self.tasks = about.unwrap_or_else(|| std::mem::take(&mut self.tasks));
        self.unrecorded = beside.unwrap_or_else(|| std::mem::take(&mut self.unrecorded));
    }

    async fn aws(&mut self) -> Aws {
        let fargate = &self.config.fargate;
        match &self.aws {
            Some(aws) => aws.clone(),
            None => {
                let aws = Aws::connect(&fargate.region, fargate.endpoint.as_deref()).await;
                self.aws = Some(aws.clone());
                aws
            }
        }
    }

    /// The tasks of this manager that no record names.
    async fn listed(
        &self,
        aws: &Aws,
        records: &[Box<Record>],
        identity: &Identity,
    ) -> Answer<Vec<(Task, Verdict)>> {
        let known: Vec<Record> = records.iter().map(|record| (**record).clone()).collect();
        let sweep = Sweep {
            aws,
            records: &self.records,
            fargate: &self.config.fargate,
            identity,
            patience: sweep::PATIENCE,
            most_kept: self.config.fargate.keep_failed.tasks,
            dry_run: true,
            log: None,
        };
        let answer = timeout(BOUND, sweep.unrecorded(&known)).await;
        let at = Some(Instant::now());
        match answer.unwrap_or_else(|_| Err(unanswered())) {
            Ok(content) => Answer {
                at,
                content,
                unasked: Vec::new(),
            },
            Err(error) => Answer {
                at,
                content: Vec::new(),
                unasked: vec![format!("tasks that no record names: {error}")],
            },
        }
    }
}

/// The waiting tasks that a sweep would end, and why.
fn waiting(records: &Records) -> Result<Vec<(Waiting, String)>> {
    let judged = waiting_tasks(records, sweep::PATIENCE)?.into_iter();
    let ends = |(file, verdict): (WarmFile, _)| match verdict {
        Verdict::End(why) => Some((file.task, why)),
        Verdict::Keep(_) => None,
    };
    let mut ends: Vec<_> = judged.filter_map(ends).collect();
    ends.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id));
    Ok(ends)
}

/// The tasks of a job that run: its own, and one that starts beside it.
fn tasks(record: &Record) -> impl Iterator<Item = &str> {
    let own = record.task();
    let beside = record
        .side_by_side()
        .filter_map(|start| start.task.as_deref());
    own.into_iter()
        .chain(beside.filter(move |task| Some(*task) != own))
}

/// The present state of the tasks that records name: one call for each hundred of a cluster.
async fn described(aws: &Aws, records: &[Box<Record>]) -> Answer<HashMap<String, Task>> {
    let mut wanted: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for record in records {
        let place = (record.region.as_str(), record.cluster.as_str());
        for task in tasks(record) {
            wanted.entry(place).or_default().push(task.to_owned());
        }
    }
    let calls = wanted
        .into_iter()
        .map(|((region, cluster), arns)| async move {
            let aws = aws.in_region(region);
            let answer = timeout(BOUND, aws.describe_tasks(cluster, &arns)).await;
            let answer = answer.map_err(|_| unanswered());
            let tasks = answer.and_then(|answer| answer.map_err(Error::from));
            tasks.map_err(|error| format!("the present state of tasks in {cluster}: {error}"))
        });
    let mut answer = Answer::<HashMap<String, Task>>::default();
    for tasks in join_all(calls).await {
        match tasks {
            Ok(tasks) => {
                let tasks = tasks.into_iter().map(|task| (task.arn.clone(), task));
                answer.content.extend(tasks);
            }
            Err(why) => answer.unasked.push(why),
        }
    }
    answer.at = Some(Instant::now());
    answer
}

fn unanswered() -> Error {
    Error::system(format!(
        "no answer from AWS in {:.1} s",
        BOUND.as_secs_f64()
    ))
}
