//! The services of a job while it runs: waits until they listen, and reports their ends (JobImage mode).

mod ends;
mod served_task;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use self::ends::{Ends, Inquiry};
pub(super) use self::served_task::ServedTask;
use crate::backoff::Backoff;
use crate::error::Result;
use crate::output::say;
use crate::ssh::Connection;
use crate::task::{JobContainer, ServiceContainer};

/// How long the services may take to listen, before the job goes on without (GitLab: wait_for_services_timeout).
const LIMIT: Duration = Duration::from_secs(30);

/// Time between looks at the ports, and the longest pause after looks that failed: each may cost a handshake.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// How long the wait is not worth a line, and the time between looks for services that ended: at the task itself, and
/// at AWS where that gives no answer.
const SILENCE: Duration = Duration::from_secs(1);
const AWS_PAUSE: Duration = Duration::from_secs(5);

/// The warning for a job that asks for the output of services where none is kept.
pub(super) const NO_OUTPUT: &str = "CI_DEBUG_SERVICES has no effect: this runner keeps no output of services ([JobImage] LogGroup in fargate.toml)";

/// Ports that something listens on in the helper's network, which is the task's: state 0A in the kernel's tables. Needs
/// nothing but a shell, and leaves the services without half a connection to complain of.
const LISTENING: &str = "exec sh -c 'for table in /proc/net/tcp /proc/net/tcp6; do if [ -r $table ]; then \
    while read -r number local remote state rest; do if [ \"$state\" = 0A ]; then echo \"${local##*:}\"; fi; done <$table; fi; done'";

/// What is known of a script's services, kept over all looks at them.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    inquiry: Inquiry,
    /// Containers of services that ended, which the job log has named.
    named: RefCell<BTreeSet<String>>,
}

/// The services of a script.
pub(super) struct Services<'a> {
    pub(super) task: ServedTask<'a>,
    pub(super) build: &'a JobContainer,
    pub(super) knowledge: &'a Knowledge,
}

impl Services<'_> {
    /// Waits until each service listens on its ports or has ended, or the time is over. The job goes on in any case, as
    /// with the Docker executor.
    pub(super) async fn wait(&self) -> Result<()> {
        let mut heard = BTreeSet::new();
        let mut trouble = None;
        let mut helper = None;
        let waiting = self.until_heard(&mut heard, &mut trouble, &mut helper);
        let in_time = async { Ok(timeout(LIMIT, waiting).await.is_ok()) };
        if self.task.context.shutdown.or(in_time).await? {
            return Ok(());
        }
        let why = trouble.map_or_else(String::new, |why: String| format!(" ({why})"));
        say(&format!(
            "WARNING: nothing listens for {} after {} s{why}; the service probably did not start properly, or listens \
             elsewhere: HEALTHCHECK_TCP_PORT among its variables says where. The job goes on.",
            self.silent(&heard),
            LIMIT.as_secs()
        ));
        self.report(true).await;
        Ok(())
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
                say(&format!("Waiting for services: {silent}"));
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

    async fn listening(&self, helper: &mut Option<Connection>) -> Result<BTreeSet<u16>, String> {
        let answer = self.task.helper(helper).await?.ask(LISTENING).await?;
        let ports = answer.lines();
        Ok(ports
            .filter_map(|line| u16::from_str_radix(line.trim(), 16).ok())
            .collect())
    }

    /// Names the services that have ended, and why, when the script is over. After a script that `failed` AWS is asked
    /// for its reasons. A failure of this report does not fail the job.
    pub(super) async fn report(&self, failed: bool) {
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
                say(&format!("WARNING: service {label} ({image}) {words}"));
            }
        }
    }
}
