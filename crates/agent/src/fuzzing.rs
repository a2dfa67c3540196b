//! The agent for fuzz targets: it serves one connection at a time, over any stream.
//!
//! This is the agent's own code. Only its shells are replaced, because input that a fuzzer makes up must not be run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use russh::Preferred;
use russh::keys::{PrivateKey, PublicKey};
use russh::server::{Config, run_stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use crate::script::registry::Scripts;
use crate::server::authorized_key::AuthorizedKey;
use crate::server::session::ClientSession;
use crate::server::settings::settings;
use crate::shell::environment::ShellEnvironment;
use crate::shell::host::Host;
use crate::task::lifetime::{Lifetime, Limits};

/// An agent without a listener.
pub struct Agent {
    host: Arc<Host>,
    lifetime: Arc<Lifetime>,
    key: Arc<AuthorizedKey>,
    config: Arc<Config>,
}

impl Agent {
    /// Makes an agent that runs `shell` in place of every shell.
    ///
    /// It negotiates `algorithms`, or by default the agent's own.
    ///
    /// # Errors
    /// When the key is not an Ed25519 key, or the process cannot inherit orphans.
    pub fn new(
        authorized_key: &PublicKey,
        host_key: PrivateKey,
        shell: PathBuf,
        algorithms: Option<Preferred>,
    ) -> Result<Self> {
        let mut config = settings(host_key);
        if let Some(algorithms) = algorithms {
            config.preferred = algorithms;
        }
        let environment = ShellEnvironment::of_container().with_shell(shell);
        Ok(Self {
            host: Arc::new(Host::new(environment)?),
            lifetime: Arc::new(Lifetime::new(Limits::default(), "fuzzing", false)?),
            key: Arc::new(AuthorizedKey::parse(&authorized_key.to_openssh()?)?),
            config: Arc::new(config),
        })
    }

    /// Serves a client until its connection ends; returns whether it logged in.
    pub async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> bool {
        let (logged_in, mut login) = oneshot::channel();
        let scripts = Arc::new(Scripts::new(Arc::clone(&self.host)));
        let client = ClientSession::new(
            scripts,
            Arc::clone(&self.lifetime),
            Arc::clone(&self.key),
            logged_in,
        );
        if let Ok(session) = run_stream(Arc::clone(&self.config), stream, client).await {
            session.await.ok();
        }
        login.try_recv().is_ok()
    }

    /// Collects child processes that have ended. Poll it beside everything else; it never returns `Ok`.
    ///
    /// # Errors
    /// When SIGCHLD cannot be received.
    pub async fn collect_children(&self) -> Result<()> {
        self.host.processes.collect().await
    }

    /// Kills all processes that the agent has started.
    pub async fn kill_children(&self) {
        self.host.processes.end_all(Duration::ZERO).await;
    }
}
