//! Waits until a task takes scripts.
//!
//! AWS limits its calls, so it is asked only until the task's address is known; from then on readiness is found
//! by connecting, and AWS is asked, slower, only whether the task died (DESIGN section 6).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fargate_wire::COORDINATOR_CONTAINER;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::aws;
use crate::aws::Aws;
use crate::config::Mode;
use crate::connect::start_failure::died;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::output::say;
use crate::ssh::{self, Connection, KeyPair, Target};
use crate::state::looks::TaskWatcher;
use crate::state::record::{Login, Record};
use crate::task::{Loss, Phase, Task, look_again};

/// How long AWS may not know a task that it has just promised, or has shown before: one of its servers may not know it yet
/// (AWS: eventual consistency).
pub(crate) const MISSING_GRACE: Duration = Duration::from_secs(60);

/// How long a server of a running task may refuse the key: some images start it before they install the key.
const KEY_GRACE: Duration = Duration::from_secs(10);

/// Bound of reaching the port, so that a new attempt follows soon.
const REACH_TIMEOUT: Duration = Duration::from_secs(1);

/// Attempts to connect that are under way at most, and the time between their starts.
const ATTEMPTS: usize = 4;
const ATTEMPT_PAUSE: Duration = Duration::from_millis(100);

/// Time between attempts once the server has refused the key: servers punish clients that keep failing.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// How long AWS may take to answer before it is told that it does not.
const UNANSWERED: Duration = Duration::from_secs(5);

/// How often the job log hears that a phase goes on.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no task that takes scripts.
pub(crate) enum StartFailure {
    /// AWS lost the task. Another one may fare better; else this is the error to end with.
    Lost(Loss, Error),
    /// Another one would not.
    Failed(Error),
}

impl StartFailure {
    /// The error to end with.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Lost(_, error) | Self::Failed(error) => error,
        }
    }
}

impl From<Error> for StartFailure {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Returns how to log in, once that works. The job's preparation has `begun` then, and its time is over at `deadline`.
pub(crate) async fn until_ready(
    aws: &Aws,
    context: &Context<'_>,
    record: &Record,
    key: &KeyPair,
    begun: Instant,
    deadline: Instant,
) -> Result<Login, StartFailure> {
    let arn = record.task().unwrap_or_default();
    let mut wait = Wait::new(begun);
    let mut under_way: JoinSet<News> = JoinSet::new();
    // Away while it is being looked.
    let mut lookout = Some(TaskWatcher::new(
        context.records.directory(),
        &record.cluster,
        arn,
    )?);
    let mut connecting = 0;
    let mut pause = look_again(Duration::ZERO, false);
    let (mut look_at, mut connect_at) = (wait.asked_at + pause, Instant::now());
    let mut looking_since = None;
    loop {
        tokio::select! {
            news = under_way.join_next(), if !under_way.is_empty() => match news {
                Some(Ok(News::Looked(back, look))) => {
                    lookout = Some(back);
                    looking_since = None;
                    if let Some(ending) = wait.looked(*look)? {
                        return Err(died(aws, record, ending).await);
                    }
                    pause = look_again(wait.asked_at.elapsed(), wait.address.is_some());
                    look_at = Instant::now() + pause;
                }
                Some(Ok(News::Connected(connection))) => return Ok(wait.ready(context, key, &connection)?),
                Some(Ok(News::Refused(refusal))) => {
                    connecting -= 1;
                    let pause = wait.refused(context, refusal)?;
                    connect_at = Instant::now() + pause;
                }
                // A task of ours that panicked; it has said so itself.
                Some(Err(error)) => return Err(Error::system(format!("could not wait for the task: {error}")).into()),
                None => {}
            },
            () = sleep_until(look_at), if lookout.is_some() => {
                let Some(mut lookout) = lookout.take() else { continue };
                looking_since = Some(Instant::now());
                let aws = aws.clone();
                let public = context.config.fargate.connect_to_public_ip && wait.address.is_none();
                under_way.spawn(async move {
                    let look = look(&aws, &mut lookout, pause, public).await;
                    News::Looked(lookout, Box::new(look))
                });
            }
            () = sleep_until(connect_at), if wait.address.is_some() && connecting < ATTEMPTS => {
                let Some(address) = wait.address else { continue };
                connecting += 1;
                connect_at = Instant::now() + ATTEMPT_PAUSE;
                let (target, key) = (target(context, address), key.clone());
                under_way.spawn(async move {
                    match Connection::open(&target, &key).await {
                        Ok(connection) => News::Connected(connection),
                        Err(refusal) => News::Refused(refusal),
                    }
                });
            }
            () = sleep_until(wait.remind_at) => wait.remind(),
            () = sleep_until(deadline) => return Err(wait.expired(context, looking_since).into()),
        }
    }
}

/// What an activity under way found out.
enum News {
    Looked(TaskWatcher, Box<Result<Look, aws::AwsError>>),
    Connected(Connection),
    Refused(ssh::ConnectError),
}

/// What AWS says of the task.
struct Look {
    task: Option<Task>,
    address: Option<IpAddr>,
    /// Why EC2 did not tell the address.
    trouble: Option<aws::AwsError>,
}

/// Looks at the task, and for its address; the `public` one is asked for apart, and does not change.
async fn look(
    aws: &Aws,
    lookout: &mut TaskWatcher,
    pause: Duration,
    public: bool,
) -> Result<Look, aws::AwsError> {
    let task = lookout.look(aws, pause).await?;
    let answer = match &task {
        // Where a task that ends had its address is of no interest.
        Some(task) if task.is_ending() => Ok(None),
        Some(task) if public => match &task.interface.id {
            Some(interface) => aws.public_ip(interface).await,
            None => Ok(None),
        },
        Some(task) => Ok(task.private_ip(COORDINATOR_CONTAINER)),
        None => Ok(None),
    };
    let (address, trouble) = match answer {
        Ok(address) => (address, None),
        Err(refusal) => (None, Some(refusal)),
    };
    Ok(Look {
        task,
        address,
        trouble,
    })
}

fn target(context: &Context<'_>, address: IpAddr) -> Target {
    let ssh = &context.config.ssh;
    Target {
        address: SocketAddr::new(address, ssh.port),
        username: ssh.username.clone(),
        host_key: None,
        reach_timeout: REACH_TIMEOUT.min(ssh.connect_timeout),
        connect_timeout: ssh.connect_timeout,
        keepalive_interval: ssh.keepalive_interval,
    }
}

/// What is known while waiting.
struct Wait {
    /// When the job's preparation began, and when this task was asked for.
    begun: Instant,
    asked_at: Instant,
    phase: Phase,
    phase_begun: Instant,
    remind_at: Instant,
    /// Since when AWS has not known the task.
    missing_since: Option<Instant>,
    address: Option<IpAddr>,
    /// Why AWS did not say how the task does, when it was last asked.
    unanswered: Option<aws::AwsError>,
    last_refusal: Option<ssh::ConnectError>,
    key_refused_at: Option<Instant>,
}

impl Wait {
    fn new(begun: Instant) -> Self {
        let now = Instant::now();
        Self {
            begun,
            asked_at: now,
            phase: Phase::Provisioning,
            phase_begun: now,
            remind_at: now + PATIENCE,
            missing_since: None,
            address: None,
            unanswered: None,
            last_refusal: None,
            key_refused_at: None,
        }
    }

    /// Takes note of a look; the task, when its end has begun.
    fn looked(&mut self, look: Result<Look, aws::AwsError>) -> Result<Option<Task>> {
        let look = match look {
            Ok(look) => look,
            Err(refusal) if refusal.may_pass() => {
                tracing::debug!("{refusal}");
                self.unanswered = Some(refusal);
                return Ok(None);
            }
            Err(refusal) => {
                return Err(Error::from(refusal).context("could not watch the job's task"));
            }
        };
        self.unanswered = None;
        match look.task {
            Some(task) if task.is_ending() => return Ok(Some(task)),
            Some(task) => {
                self.missing_since = None;
                self.enter(task.phase());
            }
            None => {
                let since = *self.missing_since.get_or_insert_with(Instant::now);
                if since.elapsed() > MISSING_GRACE {
                    return Err(
                        Error::system("AWS no longer knows the job's task (MISSING)")
                            .advise("Run the job again."),
                    );
                }
            }
        }
        match look.trouble {
            Some(refusal) if refusal.may_pass() => {
                tracing::debug!("{refusal}");
                self.unanswered = Some(refusal);
            }
            Some(refusal) => {
                return Err(Error::from(refusal).context("could not look up the task's address"));
            }
            None => {}
        }
        self.address = look.address.or(self.address);
        Ok(None)
    }

    /// Says what is over when the task has come further.
    fn enter(&mut self, phase: Phase) {
        if phase > self.phase {
            say(&format!(
                "{} in {}",
                self.phase.done(),
                seconds(self.phase_begun)
            ));
            self.phase = phase;
            self.phase_begun = Instant::now();
            self.remind_at = self.phase_begun + PATIENCE;
        }
    }

    fn remind(&mut self) {
        let why = match (&self.last_refusal, self.phase) {
            (Some(refusal), Phase::Running) => format!(" ({refusal})"),
            _ => String::new(),
        };
        say(&format!(
            "Still {}{why}: {}",
            self.phase.doing(),
            seconds(self.phase_begun)
        ));
        self.remind_at = Instant::now() + PATIENCE;
    }

    /// Takes note of an attempt that failed; how long to wait before the next one.
    fn refused(&mut self, context: &Context<'_>, refusal: ssh::ConnectError) -> Result<Duration> {
        tracing::debug!("not ready: {refusal}");
        let mut pause = ATTEMPT_PAUSE;
        if let ssh::ConnectError::KeyRefused(user) = &refusal {
            pause = REFUSED_PAUSE;
            let first = *self.key_refused_at.get_or_insert_with(Instant::now);
            // Before that it may be another task's server: addresses are soon used again.
            if self.phase == Phase::Running && first.elapsed() > KEY_GRACE {
                let refused =
                    format!("the task's SSH server accepts no key of the job for user {user}");
                if matches!(context.config.mode, Mode::JobImage(_)) {
                    return Err(Error::system(refused).advise(
                        "The agent in the task must be of this driver's version ([JobImage] AgentImage).",
                    ));
                }
                return Err(Error::system(refused).advise(
                    format!(
                        "The image must install the environment variable SSH_PUBLIC_KEY as an authorized key of {user} \
                         ([SSH] Username = \"{}\"), with the modes that sshd asks for.",
                        context.config.ssh.username
                    ),
                ));
            }
        } else {
            self.key_refused_at = None;
        }
        self.last_refusal = Some(refusal);
        Ok(pause)
    }

    fn ready(
        &self,
        context: &Context<'_>,
        key: &KeyPair,
        connection: &Connection,
    ) -> Result<Login> {
        let ssh = &context.config.ssh;
        let address = self
            .address
            .ok_or_else(|| Error::system("the task has no address"))?;
        say(&format!(
            "Ready for scripts after {} ({}@{})",
            seconds(self.begun),
            ssh.username,
            SocketAddr::new(address, ssh.port)
        ));
        Ok(Login {
            address,
            port: ssh.port,
            username: ssh.username.clone(),
            host_key: connection.host_key()?,
            private_key: key.private()?,
        })
    }

    /// The error for a time that is up, while AWS has been asked since `looking_since`.
    fn expired(&self, context: &Context<'_>, looking_since: Option<Instant>) -> Error {
        let bound = context.config.fargate.start_timeout.as_secs();
        let what = format!("the job's task was not ready within {bound} s (StartTimeout)");
        let answers_late = looking_since.filter(|since| since.elapsed() >= UNANSWERED);
        match (&self.unanswered, answers_late) {
            (Some(refusal), _) if self.address.is_none() => {
                return Error::from(refusal.clone()).context(what);
            }
            (None, Some(since)) if self.address.is_none() => {
                return Error::system(format!("{what}: no answer from AWS for {}", seconds(since)))
                    .advise("Check that the manager reaches AWS's API, and run the job again.");
            }
            _ => {}
        }
        if let (None, Phase::Running) = (self.address, self.phase) {
            return Error::system(format!(
                "{what}: it runs, but AWS shows no address to connect to"
            ))
            .advise(
                "With UsePublicIP the task needs a public address: [Fargate] EnablePublicIP, and a subnet with a route to an \
                 internet gateway. Run the job again.",
            );
        }
        let (Some(address), Phase::Running) = (self.address, self.phase) else {
            return Error::system(format!("{what}: still {}", self.phase.doing())).advise(
                "Look at the task in AWS's console; a large image needs a higher [Fargate] StartTimeout. Run the job again.",
            );
        };
        let server = SocketAddr::new(address, context.config.ssh.port);
        match &self.last_refusal {
            Some(ssh::ConnectError::Refused) => {
                let advice = match context.config.mode {
                    Mode::TaskDefinition(_) => {
                        "The image of container ci-coordinator must start an SSH server on that port ([SSH] Port); see the \
                         container's log."
                    }
                    Mode::JobImage(_) => {
                        "The agent must listen there: see the logs of the containers bootstrap and helper ([JobImage] LogGroup)."
                    }
                };
                Error::system(format!("{what}: nothing listens on {server}")).advise(advice)
            }
            Some(ssh::ConnectError::Silent) | None => Error::system(format!("{what}: no answer from {server}")).advise(
                "The task's security group must let the manager in on that port, and the manager must reach the subnet \
                 (with EnablePublicIP: UsePublicIP chooses the address).",
            ),
            Some(other) => Error::system(format!("{what}: {server}: {other}"))
                .advise("See the log of container ci-coordinator for what its SSH server says."),
        }
    }
}

pub(crate) fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}
