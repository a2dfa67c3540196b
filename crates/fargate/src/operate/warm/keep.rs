//! `fargate warm keep`: keeps as many tasks ready as the configuration says.
//!
//! One loop decides; starts, ends and connections run beside it. Nothing is kept in memory that another keep could not
//! find in the folder: this one may be killed at any instant.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::time::{Instant, sleep};

use super::hold::{Held, check, hold};
use super::moves::{Kept, Limits, moves};
use super::needs::{Needs, Place, Start, StartOf, look_up, request, warm_up};
use super::paused::Paused;
use super::setup::{Setup, Written};
use super::tagging::{Tagging, add_missing_tags};
use super::word::{Told, Word};
use crate::cli::Keep;
use crate::config::{Config, Flags};
use crate::error::{Error, Result};
use crate::output::say;
use crate::signals::Shutdown;
use crate::start::warm_up::{NotReady, WarmUp};
use crate::state::waiting::Waiting;
use crate::state::warm::{Holder, KeeperLock, Rest};
use crate::teardown::sweep::Finding;

/// How often keep looks.
const TICK: Duration = Duration::from_secs(1);

/// How often it finishes what others were killed at.
const SWEEP: Duration = Duration::from_secs(60);

/// Why a task ends that was started for nothing.
const NOT_READY: &str = "it did not get ready";

/// Something that has ended beside the loop.
enum Done {
    Started(String, String, Result<(), NotReady>),
    Held(String, Result<Held>),
    Ended(String, Result<Option<String>>),
    LookedUp(Place, Result<Start>),
    Swept(Result<Vec<Finding>>),
    Tagged,
}

type UnderWay = Pin<Box<dyn Future<Output = Done>>>;

/// Keeps tasks ready until it is stopped, or for one round.
///
/// # Errors
///
/// When another keep has the configuration, or (with `--once`) a task could not be started.
pub(super) async fn keep(
    request: &Keep,
    config: Config,
    flags: Flags,
    shutdown: &Shutdown,
) -> Result<()> {
    let setup = Rc::new(Setup::new(config, flags, shutdown).await?);
    let Some(lock) = setup.warm().keep(&setup.keeper)? else {
        return Err(Error::system(format!(
            "another `fargate warm keep` keeps the tasks of {} ready",
            setup.config.file.display()
        ))
        .advise("There is one for each configuration."));
    };
    if request.resume {
        setup.warm().end_rest(Rest::Drained);
    }
    let mut keeper = KeepLoop::new(setup, lock, request.once);
    let kept = tokio::select! {
        kept = keeper.run() => kept,
        _ = shutdown.requested() => Ok(()),
    };
    let left = keeper.own().map_or_else(|_| 0, |own| own.len());
    say(&format!("{left} tasks wait for jobs"));
    kept
}

/// The loop, and all that runs beside it.
struct KeepLoop {
    setup: Rc<Setup>,
    lock: KeeperLock,
    once: bool,
    /// When the files were last written that the setup is from.
    written: Written,
    needs: Needs,
    under_way: FuturesUnordered<UnderWay>,
    /// Ids of tasks that something of this process is about.
    busy: BTreeSet<String>,
    paused: Paused,
    /// When waiting tasks were last swept.
    swept_at: Option<Instant>,
    tagging: Tagging,
    told: Told,
    word: Word,
    failure: Option<Error>,
}

impl KeepLoop {
    fn new(setup: Rc<Setup>, lock: KeeperLock, once: bool) -> Self {
        Self {
            written: setup.written(),
            setup,
            lock,
            once,
            needs: Needs::default(),
            under_way: FuturesUnordered::new(),
            busy: BTreeSet::new(),
            paused: Paused::default(),
            swept_at: None,
            tagging: Tagging::default(),
            told: Told::default(),
            word: Word::default(),
            failure: None,
        }
    }

    async fn run(&mut self) -> Result<()> {
        if self.once {
            return self.one_round().await;
        }
        loop {
            self.read_again().await;
            self.lock.show();
            self.sweep();
            self.tag();
            self.look_up();
            if let Err(error) = self.step() {
                tracing::warn!("{error}");
            }
            tokio::select! {
                Some(done) = self.under_way.next(), if !self.under_way.is_empty() => self.note(done),
                () = sleep(TICK) => {}
            }
        }
    }

    /// Does what is to be done now. Tasks that wait already hear of a driver, and those that do not answer end.
    async fn one_round(&mut self) -> Result<()> {
        self.sweep();
        self.tag();
        self.look_up();
        for task in self.own()?.into_iter().filter(Waiting::is_ready) {
            if let Err(why) = check(&self.setup, &task).await {
                self.end(task.id, format!("it cannot be claimed: {why}"));
            }
        }
        self.complete().await;
        self.step()?;
        self.complete().await;
        // An operator who drained meanwhile has not seen the tasks of this round.
        if self.setup.warm().rest() == Some(Rest::Drained) {
            self.step()?;
        }
        self.complete().await;
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Waits for all that is under way.
    async fn complete(&mut self) {
        while let Some(done) = self.under_way.next().await {
            self.note(done);
        }
    }

    /// Finishes what another keep, or a job, was killed at.
    fn sweep(&mut self) {
        if self.swept_at.is_some_and(|at| at.elapsed() < SWEEP) {
            return;
        }
        self.swept_at = Some(Instant::now());
        let setup = Rc::clone(&self.setup);
        self.under_way.push(Box::pin(async move {
            Done::Swept(setup.sweep().waiting().await)
        }));
    }

    /// Gives claimed tasks the tags of their jobs.
    fn tag(&mut self) {
        if self.tagging.begins() {
            let tagged = add_missing_tags(Rc::clone(&self.setup));
            self.under_way.push(Box::pin(tagged.map(|()| Done::Tagged)));
        }
    }

    fn look_up(&mut self) {
        let due = self.needs.due(&self.setup).unwrap_or_else(|error| {
            tracing::warn!("{error}");
            Vec::new()
        });
        for (place, asked) in due {
            let setup = Rc::clone(&self.setup);
            self.under_way.push(Box::pin(async move {
                let looked_up = look_up(&setup, &asked).await;
                Done::LookedUp(place, looked_up)
            }));
        }
    }

    /// Reads the file again where it has changed. A wrong one changes nothing.
    async fn read_again(&mut self) {
        let now = self.setup.written();
        if now == self.written {
            return;
        }
        self.written = now;
        match self.setup.again().await {
            Ok(setup) => {
                say(&format!("Read {} again", setup.config.file.display()));
                self.setup = Rc::new(setup);
                self.needs = Needs::default();
                self.paused.clear();
            }
            Err(error) => tracing::warn!("the configuration as it was is kept: {error}"),
        }
    }

    /// The waiting tasks of this configuration.
    fn own(&self) -> Result<Vec<Waiting>> {
        let all = self.setup.warm().all()?.into_iter();
        let own = all
            .filter(|file| file.holder == Holder::Nobody && file.task.keeper == self.setup.keeper);
        Ok(own.map(|file| file.task).collect())
    }

    /// Looks, decides, and begins what is to be done.
    fn step(&mut self) -> Result<()> {
        let rest = self.setup.warm().rest();
        self.told.tell(rest);
        let own = self.own()?;
        let needs = match rest {
            Some(Rest::Drained) => Vec::new(),
            _ => self.needs.now(&self.setup, &own)?,
        };
        self.word.leave(&self.setup, self.needs.named(&needs, &own));
        let is_cut_short = |task: &&Waiting| !task.is_ready() && !self.busy.contains(&task.id);
        let cut_short: Vec<_> = own
            .iter()
            .filter(is_cut_short)
            .map(|task| task.id.clone())
            .collect();
        let kept: Vec<Kept> = own
            .iter()
            .filter(|task| !cut_short.contains(&task.id))
            .map(|task| Kept {
                id: task.id.clone(),
                hash: task.hash.clone(),
                age: task.age(),
                is_ready: task.is_ready(),
            })
            .collect();
        let warm = &self.setup.config.warm;
        let limits = Limits {
            max_tasks: warm.max_tasks,
            max_age: warm.max_age,
        };
        let moves = moves(&needs, &kept, limits);
        for id in cut_short {
            self.end(id, "its start was cut short".to_owned());
        }
        let ends: BTreeSet<_> = moves.end.iter().map(|(id, _)| id.clone()).collect();
        for (id, why) in moves.end {
            self.end(id, why.to_owned());
        }
        if rest.is_none() {
            for hash in moves.start {
                self.start(hash);
            }
        }
        for task in kept
            .iter()
            .filter(|task| task.is_ready && !ends.contains(&task.id))
        {
            self.hold(&task.id);
        }
        Ok(())
    }

    fn start(&mut self, hash: String) {
        if self.paused.has(&hash) {
            return;
        }
        let id = WarmUp::new_id();
        let Some(StartOf { asked, definition }) = self.needs.start(&hash) else {
            return;
        };
        let setup = Rc::clone(&self.setup);
        self.busy.insert(id.clone());
        self.under_way.push(Box::pin(async move {
            let started = async {
                let context = setup.context();
                let request = request(&context, &asked)?;
                let name = asked.name();
                let deadline = Instant::now() + setup.config.fargate.start_timeout;
                let start = warm_up(&setup, &context, &request, &name);
                start.start(&id, definition, deadline).await
            };
            let (started, teardown) = (started.await, setup.teardown());
            let ended = match &started {
                Ok(()) => Ok(None),
                // Whoever has its file does not know its task.
                Err(NotReady::Taken(task)) => teardown.end_taken(task, "", NOT_READY).await,
                Err(_) => teardown.end_waiting(&id, NOT_READY).await,
            };
            if let Err(error) = ended {
                tracing::warn!("{error}");
            }
            Done::Started(id, hash, started)
        }));
    }

    fn end(&mut self, id: String, why: String) {
        // A start under way ends its task itself where it finds the file gone; a connection is dropped then, too.
        let setup = Rc::clone(&self.setup);
        self.busy.insert(id.clone());
        self.under_way.push(Box::pin(async move {
            let ended = setup.teardown().end_waiting(&id, &why).await;
            if let Ok(Some(_)) = &ended {
                say(&format!("Ended waiting task {id}: {why}"));
            }
            Done::Ended(id, ended)
        }));
    }

    fn hold(&mut self, id: &str) {
        if self.once || !self.busy.insert(id.to_owned()) {
            return;
        }
        let (setup, id) = (Rc::clone(&self.setup), id.to_owned());
        self.under_way.push(Box::pin(async move {
            let held = hold(setup, &id).await;
            Done::Held(id, held)
        }));
    }

    fn note(&mut self, done: Done) {
        match done {
            Done::Started(id, hash, started) => {
                self.busy.remove(&id);
                match started {
                    Ok(()) => {
                        self.paused.end(&hash);
                        say(&format!("Waiting task {id} is ready"));
                    }
                    Err(why) => self.pause(hash, why),
                }
            }
            Done::Held(id, held) => {
                self.busy.remove(&id);
                match held {
                    Ok(Held::Taken) => self.tagging.expect(),
                    Ok(Held::Lost(why)) => self.end(id, format!("it cannot be reached: {why}")),
                    Err(error) => tracing::warn!("{error}"),
                }
            }
            Done::Ended(id, ended) => {
                self.busy.remove(&id);
                let Err(error) = ended else { return };
                tracing::warn!("{error}");
                self.failure = Some(error);
            }
            Done::LookedUp(place, looked_up) => {
                if let Err(error) = self.needs.note(&place, looked_up) {
                    tracing::warn!("{error}");
                    // Nobody but its jobs asked for the other kind.
                    self.failure = Some(error).filter(|_| matches!(place, Place::Pool(_)));
                }
            }
            Done::Tagged => self.tagging.done(),
            Done::Swept(Ok(_)) => {}
            Done::Swept(Err(error)) => tracing::warn!("{error}"),
        }
    }

    /// Lets a pool rest whose task did not get ready.
    fn pause(&mut self, hash: String, why: NotReady) {
        let pause = self.paused.begin(hash);
        let error = match why {
            NotReady::Taken(task) => Error::system(format!(
                "waiting task {} was ended while it started",
                task.id
            )),
            NotReady::NoRoom(reason) => {
                Error::system(format!("no room for a waiting task: {reason}"))
            }
            NotReady::Failed(error) => error.context("a waiting task did not get ready"),
        };
        if !self.once {
            tracing::warn!("{error}; trying again in {} s", pause.as_secs());
        }
        self.failure = Some(error);
    }
}
