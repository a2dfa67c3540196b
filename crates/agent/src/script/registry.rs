//! All scripts of an agent, by their ids. No id is started twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fargate_wire::script::{Attach, ScriptId};

use super::drivers::DriverNumber;
use super::lifecycle::Script;
use crate::shell::host::Host;

/// All scripts that the agent has started.
pub(crate) struct Scripts {
    pub(crate) host: Arc<Host>,
    known: Mutex<HashMap<ScriptId, ScriptState>>,
}

enum ScriptState {
    Running(Arc<Script>),
    /// Kept, so that a late frame does not start the script again.
    Over,
}

/// A driver attached to its script.
pub(crate) struct AttachedDriver {
    pub(crate) script: Arc<Script>,
    pub(crate) number: DriverNumber,
    /// Bytes of the script that the agent has.
    pub(crate) received: u64,
}

impl Scripts {
    pub(crate) fn new(host: Arc<Host>) -> Self {
        Self {
            host,
            known: Mutex::default(),
        }
    }

    /// Attaches a driver to the script that it names, in place of any other driver, and starts the script if it is new.
    ///
    /// # Errors
    /// The reason why the driver cannot attach.
    pub(crate) fn attach(
        self: &Arc<Self>,
        attach: &Attach,
    ) -> Result<AttachedDriver, &'static str> {
        let mut known = self.known();
        let script = match known.get(&attach.script) {
            Some(ScriptState::Running(script)) => Arc::clone(script),
            Some(ScriptState::Over) => {
                return Err("the agent has ended the script, since no driver came back for it");
            }
            None if attach.resumed || attach.received > 0 => {
                return Err("the agent does not know the script");
            }
            None if self.host.is_stopping() => return Err("the agent is about to exit"),
            None => {
                self.host.take();
                let script = self.start(attach);
                known.insert(attach.script, ScriptState::Running(Arc::clone(&script)));
                script
            }
        };
        if !script.log.has(attach.received) {
            return Err("driver and agent disagree on the length of the script's output");
        }
        let (number, received) = script.attach();
        Ok(AttachedDriver {
            script,
            number,
            received,
        })
    }

    /// Starts a script and serves it until it is over.
    fn start(self: &Arc<Self>, attach: &Attach) -> Arc<Script> {
        let (script, shell) = Script::start(&self.host, attach.patience);
        tokio::spawn({
            let (scripts, script, id) = (Arc::clone(self), Arc::clone(&script), attach.script);
            async move {
                let abandoned = script.serve(shell).await;
                // Before an abandoned shell has ended: a driver that came back would wait for an end that never comes.
                scripts.forget(id);
                if let Some(shell) = abandoned {
                    shell.end().await;
                }
            }
        });
        script
    }

    fn forget(&self, id: ScriptId) {
        self.known().insert(id, ScriptState::Over);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<ScriptId, ScriptState>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
