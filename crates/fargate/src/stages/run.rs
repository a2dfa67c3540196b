//! `custom run`: runs one script in the job's task.
//!
//! A process per script, about ten per job, so it reads only what it needs, starts no thread, and asks AWS nothing
//! unless the connection is lost, a service ended or is not heard, or the job shows its services' output.

use std::fs::File;
use std::path::Path;

use super::attend::attend;
use super::keep;
use super::service_log::ServiceLog;
use crate::connect::inquiry::{KILLED, TERMINATED, cut_down, explain};
use crate::connect::services::{Knowledge, PATIENCE, SECOND_LOOK, ServedTask, Services};
use crate::connect::{job_container, stage};
use crate::context::Context;
use crate::error::{Blame, Error, Result};
use crate::gitlab::{RunsIn, is_job_script};
use crate::output::{Output, say};
use crate::ssh::{Connection, Ended, ResumableScript, signal_of};
use crate::state::note::Event;
use crate::state::record::{Login, Record};
use crate::state::records::Found;
use crate::state::records::stages::StageLock;
use crate::task::JobContainer;

/// A script, and the container that it runs in.
struct Run<'a> {
    context: &'a Context<'a>,
    record: Record,
    /// The helper in JobImage mode; else the task's only server.
    login: Login,
    /// The job's container, when the script runs there.
    container: Option<JobContainer>,
    /// Whether it is the job's own script, which services are for.
    is_job_script: bool,
    knowledge: Knowledge,
}

pub(super) async fn run(
    context: &Context<'_>,
    script: &Path,
    stage: &str,
    running: &StageLock,
) -> Result<()> {
    tracing::debug!("running {stage} from {}", script.display());
    let file = File::open(script).map_err(|error| {
        Error::system(format!(
            "could not read the script of {stage}, {}: {error}",
            script.display()
        ))
    })?;
    let record = record(context)?;
    let ended = run_recorded(context, record.clone(), file, stage, running).await;
    running.note(&record, stage, Event::of(&ended));
    keep::announce(context, &record, stage, &ended);
    ended
}

async fn run_recorded(
    context: &Context<'_>,
    record: Record,
    file: File,
    stage: &str,
    running: &StageLock,
) -> Result<()> {
    if record.end_told {
        return Err(Error::system(
            "the job's task has ended: see the first error above",
        ));
    }
    let login = record.login.clone().ok_or_else(|| {
        Error::system("the job's task never became ready, so it takes no scripts")
            .advise("See prepare's message above.")
    })?;
    let runs_in = RunsIn::of(stage);
    let container = record
        .build
        .clone()
        .filter(|_| runs_in == RunsIn::JobContainer);
    let mut run = Run {
        context,
        record,
        login,
        is_job_script: container.is_some() && is_job_script(stage),
        container,
        knowledge: Knowledge::default(),
    };
    let connection = run.connect().await?;
    running.note(&run.record, stage, Event::Began);
    let ended = run.script(connection, file).await?;
    run.outcome(ended).await
}

impl Run<'_> {
    /// Connects to the container that the script runs in.
    async fn connect(&mut self) -> Result<Connection> {
        let (context, login) = (self.context, self.script_login());
        let Some(container) = &self.container else {
            return stage::first_connection(context, &self.record, &login).await;
        };
        if self.record.began {
            return stage::first_connection(context, &self.record, &login).await;
        }
        let connection =
            job_container::connect(context, &self.record, &self.login, container).await?;
        // The container has taken a connection, so its image can be used.
        self.record.began = true;
        context.records.note_began(&self.record)?;
        Ok(connection)
    }

    /// The login to the container that the script runs in.
    fn script_login(&self) -> Login {
        match &self.container {
            Some(container) => self.login.on_port(container.port),
            None => self.login.clone(),
        }
    }

    /// The job's container, when it has services beside it, and they are this script's.
    fn served(&self) -> Option<&JobContainer> {
        let container = self.container.as_ref().filter(|_| self.is_job_script);
        container.filter(|container| !container.services.is_empty())
    }

    /// The services of this script.
    fn services(&self) -> Option<Services<'_>> {
        Some(Services {
            task: ServedTask {
                context: self.context,
                record: &self.record,
                login: &self.login,
            },
            build: self.served()?,
            knowledge: &self.knowledge,
            tell: &say,
        })
    }

    /// Waits for the services of this script. The job goes on in any case, as with the Docker executor.
    async fn wait_for_services(&self) -> Result<()> {
        let Some(services) = self.services() else {
            return Ok(());
        };
        let patience = match self.record.services_had_time {
            true => SECOND_LOOK,
            false => PATIENCE,
        };
        if let Some(warning) = services.wait(patience).await? {
            say(&format!("{warning} The job goes on."));
            services.report(true).await;
        }
        Ok(())
    }

    /// Runs the script to its end, with the lines of its services between its own when the job asks for them.
    async fn script(&self, connection: Connection, file: File) -> Result<Ended> {
        let (context, record) = (self.context, &self.record);
        let [mut stdout, stderr] = Output::both().map_err(|error| {
            Error::system(format!("could not open the standard streams: {error}"))
        })?;
        let mut service_log = self
            .served()
            .and_then(|build| ServiceLog::requested(context, record, build, &mut stdout));
        let running = self.to_end(connection, file, stdout, stderr);
        let ended = match &mut service_log {
            Some(log) => log.beside(running).await?,
            None => running.await?,
        };
        if let (Some(log), Ended::Exited(_) | Ended::Signalled(_)) = (service_log, &ended) {
            log.finish(!matches!(ended, Ended::Exited(0))).await;
        }
        Ok(ended)
    }

    /// The streams are this function's, so that they end with the script.
    async fn to_end(
        &self,
        connection: Connection,
        file: File,
        mut stdout: Output,
        mut stderr: Output,
    ) -> Result<Ended> {
        let (context, record) = (self.context, &self.record);
        self.wait_for_services().await?;
        if connection.is_agent() {
            let patience = context.config.ssh.reconnect_timeout;
            let script = ResumableScript::new(file, &mut stdout, &mut stderr, patience);
            attend(context, record, &self.script_login(), connection, script).await
        } else {
            connection
                .run_script(file, &mut stdout, &mut stderr, &context.shutdown)
                .await
        }
    }

    /// The result of the stage, by whose doing the script ended.
    async fn outcome(&self, ended: Ended) -> Result<()> {
        let (context, record) = (self.context, &self.record);
        if let (Ended::Exited(_) | Ended::Signalled(_), Some(services)) = (&ended, self.services())
        {
            services.report(!matches!(ended, Ended::Exited(0))).await;
        }
        match ended {
            Ended::Exited(0) => Ok(()),
            Ended::Exited(status @ (KILLED | TERMINATED)) => {
                Err(cut_down(context, record, status, None).await)
            }
            // The script's own output has said why, and the runner says the status.
            Ended::Exited(status) => Err(Error::new(Blame::Script(status), "")),
            Ended::Signalled(name) => {
                let (number, name) = signal_of(&name);
                Err(cut_down(context, record, 128 + number, Some(&name)).await)
            }
            // GitLab Runner, which stopped it, says why.
            Ended::Stopped(stopped) => Err(stopped),
            Ended::Lost(why) => {
                let lost = format!("the connection to the job's task was lost: {why}");
                Err(explain(Error::system(lost), context, record).await)
            }
        }
    }
}

fn record(context: &Context<'_>) -> Result<Record> {
    let what = match context.records.find(&context.job)? {
        Found::Record(record) => return Ok(*record),
        Found::Nothing => "there is no record of the job's task".to_owned(),
        Found::Damaged(why) => format!("the record of the job's task is damaged: {why}"),
    };
    Err(Error::system(format!("{what} in {}", context.config.metadata_directory.display())).advise(
        "prepare makes it and cleanup removes it; all stages must use the same [TaskMetadata] Directory. Run the job again.",
    ))
}
