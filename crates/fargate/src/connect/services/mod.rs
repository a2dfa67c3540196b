//! The services of a task: the wait until they listen, and their ends (JobImage mode).
//!
//! A job's script waits for them, and a task that waits for a job does.

mod ends;
mod served_task;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use self::ends::{Ends, Inquiry};
pub(crate) use self::served_task::ServedTask;
use crate::backoff::Backoff;
use crate::error::Result;
use crate::ssh::Connection;
use crate::task::{JobContainer, ServiceContainer};

/// How long the services may take to listen, before the job goes on without (GitLab: wait_for_services_timeout).
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long a job waits for services that had this time before the job came: for a look at their ports, and one at
/// those that ended.
pub(crate) const SECOND_LOOK: Duration = Duration::from_secs(2);

/// Time between looks at the ports, and the longest pause after looks that failed: each may cost a handshake.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// How long the wait is not worth a line, and the time between looks for services that ended: at the task itself, and
/// at AWS where that gives no answer.
const SILENCE: Duration = Duration::from_secs(1);
const AWS_PAUSE: Duration = Duration::from_secs(5);

/// The knowledge of the services, kept over all looks at them.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    inquiry: Inquiry,
    /// Containers of services that ended, which a line has named.
    named: RefCell<BTreeSet<String>>,
}

/// The services of a task.
pub(crate) struct Services<'a> {
    pub(crate) task: ServedTask<'a>,
    pub(crate) build: &'a JobContainer,
    pub(crate) knowledge: &'a Knowledge,
    /// Tells people a line.
    pub(crate) tell: &'a dyn Fn(&str),
}

impl Services<'_> {
    /// Waits until each service listens on its ports or has ended, for `patience` at most. Returns the warning for
    /// those that do not listen then.
    ///
    /// # Errors
    ///
    /// When the process is told to stop.
    pub(crate) async fn wait(&self, patience: Duration) -> Result<Option<String>> {
        let mut heard = BTreeSet::new();
        let mut trouble = None;
        let mut helper = None;
        let waiting = self.until_heard(&mut heard, &mut trouble, &mut helper);
        let in_time = async { Ok(timeout(patience, waiting).await.is_ok()) };
        if self.task.context.shutdown.or(in_time).await? {
            return Ok(None);
        }
        let why = trouble.map_or_else(String::new, |why: String| format!(" ({why})"));
        Ok(Some(format!(
            "WARNING: nothing listens for {} after {} s{why}; the service probably did not start properly, or listens \
             elsewhere: HEALTHCHECK_TCP_PORT among its variables says where.",
            self.silent(&heard),
            PATIENCE.as_secs()
        )))
    }

    async fn until_heard(
        &self,
        heard: &mut BTreeSet<u16>,
        trouble: &mut Option<String>,
        helper: &mut Option<Connection>,
    ) {
        let begun = Instant::now();
        let mut look_at = begun + SILENCE;
        let mut announced = false;
        let mut backoff = Backoff::new(PAUSE, LONGEST_PAUSE);
        while !self.silent(heard).is_empty() {
            match self.listening(helper).await {
                Ok(listening) => {
                    heard.extend(listening);
                    *trouble = None;
                    backoff.reset();
                }
                Err(why) => *trouble = Some(why),
            }
            if Instant::now() >= look_at {
                let ends = self.knowledge.inquiry.quick(&self.task, helper).await;
                self.name(&ends);
                let aws = self.knowledge.inquiry.needs_aws();
                look_at = Instant::now() + if aws { AWS_PAUSE } else { SILENCE };
            }
            let silent = self.silent(heard);
            if silent.is_empty() {
                return;
            }
            if !announced && begun.elapsed() > SILENCE {
                (self.tell)(&format!("Waiting for services: {silent}"));
                announced = true;
            }
            sleep(backoff.pause()).await;
        }
    }

    /// The services that are still waited for, with their ports.
    fn silent(&self, heard: &BTreeSet<u16>) -> String {
        let named = self.knowledge.named.borrow();
        let services = self.build.services.iter();
        let waited_for = services.filter(|service| !named.contains(&service.container));
        let silent = waited_for.filter_map(|service| {
            let ports = service.ports.iter().filter(|port| !heard.contains(port));
            let ports: Vec<_> = ports.copied().collect();
            (!ports.is_empty()).then(|| service.on_ports(&ports))
        });
        silent.collect::<Vec<_>>().join("; ")
    }

    async fn listening(&self, helper: &mut Option<Connection>) -> Result<Vec<u16>, String> {
        self.task.helper(helper).await?.listening_ports().await
    }

    /// Names the services that have ended, and why, when the script is over. After a script that `failed` AWS is asked
    /// for its reasons. A failure of this report does not fail the job.
    pub(crate) async fn report(&self, failed: bool) {
        let mut helper = None;
        let looking = async {
            let inquiry = &self.knowledge.inquiry;
            if failed {
                inquiry.thorough(&self.task, &mut helper).await
            } else {
                inquiry.quick(&self.task, &mut helper).await
            }
        };
        tokio::select! {
            ends = looking => self.name(&ends),
            _ = self.task.context.shutdown.requested() => {}
        }
    }

    /// Names the services that have ended, each once.
    fn name(&self, ends: &Ends) {
        for service in &self.build.services {
            let ServiceContainer {
                container, label, ..
            } = service;
            let Some((end, words)) = ends
                .get(container)
                .and_then(|end| Some((end, end.describe()?)))
            else {
                continue;
            };
            if self.knowledge.named.borrow_mut().insert(container.clone()) {
                let image = end.image.as_deref().unwrap_or("its image");
                (self.tell)(&format!("WARNING: service {label} ({image}) {words}"));
            }
        }
    }
}
