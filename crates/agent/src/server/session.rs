//! What a client may ask for: to log in with the one key, and to run commands, scripts, and a shell on a terminal.
//!
//! Every other request is refused explicitly. russh's defaults do not answer most requests, and a client that asked for
//! a reply would wait for ever.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fargate_wire::script::SUBSYSTEM;
use fargate_wire::{
    CLAIMABLE, CLAIMABLE_SUBSYSTEM, CLAIMED, Claim, HOST_NAMES_SUBSYSTEM,
    LISTENING_PORTS_SUBSYSTEM, METADATA_SUBSYSTEM, kept_until,
};
use russh::server::{
    Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelWriteHalf, Pty, Sig};
use tokio::sync::oneshot;

use super::authorized_key::AuthorizedKey;
use crate::client_channel::ClientChannel;
use crate::command::RunningCommand;
use crate::script::attachment::Attachment;
use crate::script::registry::Scripts;
use crate::signals;
use crate::task::hosts::HostNames;
use crate::task::lifetime::Lifetime;
use crate::task::{metadata, ports};
use crate::terminal::{self, RunningTerminal, TerminalRequest, WindowSize};

/// One client. Dropping it, as when its connection ends, ends its commands.
pub(crate) struct ClientSession {
    scripts: Arc<Scripts>,
    lifetime: Arc<Lifetime>,
    key: Arc<AuthorizedKey>,
    /// Notified when the client has logged in.
    login: Option<oneshot::Sender<()>>,
    channels: HashMap<ChannelId, ChannelUse>,
}

/// How a client uses one of its session channels.
enum ChannelUse {
    /// For nothing yet. A program that starts on it gets the terminal that the client asked for.
    Unused(ChannelWriteHalf<Msg>, Option<TerminalRequest>),
    Command(RunningCommand),
    Terminal(RunningTerminal),
    Script(Attachment),
    /// The command could not be started.
    Refused,
}

impl ClientSession {
    pub(crate) fn new(
        scripts: Arc<Scripts>,
        lifetime: Arc<Lifetime>,
        key: Arc<AuthorizedKey>,
        login: oneshot::Sender<()>,
    ) -> Self {
        Self {
            scripts,
            lifetime,
            key,
            login: Some(login),
            channels: HashMap::new(),
        }
    }

    /// Takes the channel for a command or a script, if it is open and unused.
    fn take_unused(
        &mut self,
        id: ChannelId,
    ) -> Option<(ChannelWriteHalf<Msg>, Option<TerminalRequest>)> {
        if self.scripts.host.is_stopping() {
            return None;
        }
        match self.channels.remove(&id) {
            Some(ChannelUse::Unused(channel, terminal)) => Some((channel, terminal)),
            other => {
                self.channels.extend(other.map(|channel| (id, channel)));
                None
            }
        }
    }

    /// Keeps the task until this time, in seconds since 1970; returns the time that holds now.
    fn keep(&self, until: u64) -> String {
        let now = SystemTime::now();
        let until = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(until));
        let until = self.lifetime.keep_until(until.unwrap_or(now));
        let until = until.duration_since(SystemTime::UNIX_EPOCH);
        until.unwrap_or_default().as_secs().to_string()
    }

    /// Claims the task for a job, or says whether a job may claim it: not once something has run. Returns the answer.
    fn claim(&self, name: &str) -> Option<&'static str> {
        match Claim::parse(name) {
            Some(claim) if self.scripts.host.take() => {
                self.lifetime.claim(claim);
                Some(CLAIMED)
            }
            None if name == CLAIMABLE_SUBSYSTEM && self.scripts.host.is_free() => Some(CLAIMABLE),
            _ => None,
        }
    }

    /// Starts `command`, or a shell where there is none, on the channel, and on a terminal if the client asked for one.
    fn start(&mut self, id: ChannelId, command: Option<&[u8]>, session: &mut Session) -> Handled {
        let Some((channel, terminal)) = self.take_unused(id) else {
            return session.channel_failure(id);
        };
        let host = &self.scripts.host;
        host.take();
        let started = match (terminal, command) {
            (Some(terminal), command) => {
                session.channel_success(id)?;
                let channel = ClientChannel::new(channel, session.handle());
                RunningTerminal::start(host, &terminal, command, channel).map(ChannelUse::Terminal)
            }
            (None, Some(command)) => {
                session.channel_success(id)?;
                let channel = ClientChannel::new(channel, session.handle());
                RunningCommand::start(host, command, channel).map(ChannelUse::Command)
            }
            // A script has a request of its own.
            (None, None) => {
                self.channels.insert(id, ChannelUse::Unused(channel, None));
                return session.channel_failure(id);
            }
        };
        self.channels
            .insert(id, started.unwrap_or(ChannelUse::Refused));
        Ok(())
    }

    /// Answers a request for a subsystem.
    fn answer(&mut self, id: ChannelId, answer: &'static str, session: &mut Session) -> Handled {
        let Some((channel, _)) = self.take_unused(id) else {
            return session.channel_failure(id);
        };
        session.channel_success(id)?;
        let channel = ClientChannel::new(channel, session.handle());
        tokio::spawn(channel.answer(answer.into()));
        Ok(())
    }
}

type Handled = Result<(), russh::Error>;

impl Handler for ClientSession {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        _user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, russh::Error> {
        Ok(if self.key.is(offer.public_key) {
            Auth::Accept
        } else {
            Auth::reject()
        })
    }

    /// Any user name will do: everything runs as the agent's own user.
    async fn auth_publickey(
        &mut self,
        _user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, russh::Error> {
        Ok(if self.key.is(key.public_key) {
            Auth::Accept
        } else {
            Auth::reject()
        })
    }

    async fn auth_succeeded(&mut self, _session: &mut Session) -> Handled {
        if let Some(login) = self.login.take() {
            // The listener stops waiting only when it closes the connection.
            login.send(()).ok();
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Handled {
        // russh reports channels that the client closes, but not the client's answer when we close one.
        self.channels.retain(|_, channel| match channel {
            ChannelUse::Unused(..) => true,
            ChannelUse::Command(command) => !command.has_ended(),
            ChannelUse::Terminal(terminal) => !terminal.has_ended(),
            ChannelUse::Script(attachment) => !attachment.has_ended(),
            ChannelUse::Refused => false,
        });
        // Without its reading half: that has a queue of its own, which would block the connection when it is full.
        let (_, writer) = channel.split();
        self.channels
            .insert(writer.id(), ChannelUse::Unused(writer, None));
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Handled {
        self.start(id, Some(command), session)
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], _: &mut Session) -> Handled {
        match self.channels.get_mut(&channel) {
            Some(ChannelUse::Command(command)) => command.write(data),
            Some(ChannelUse::Terminal(terminal)) => terminal.write(data),
            Some(ChannelUse::Script(attachment)) => attachment.receive(data),
            _ => (),
        }
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, _: &mut Session) -> Handled {
        match self.channels.get(&channel) {
            Some(ChannelUse::Command(command)) => command.end_input(),
            Some(ChannelUse::Terminal(terminal)) => terminal.end_input(),
            _ => {}
        }
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Handled {
        self.channels.remove(&channel);
        Ok(())
    }

    async fn signal(&mut self, channel: ChannelId, signal: Sig, _: &mut Session) -> Handled {
        match (self.channels.get(&channel), signals::requested(&signal)) {
            (Some(ChannelUse::Command(command)), Some(signal)) => command.signal(signal),
            (Some(ChannelUse::Terminal(terminal)), Some(signal)) => terminal.signal(signal),
            _ => {}
        }
        Ok(())
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Handled {
        self.start(channel, None, session)
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Handled {
        if let Some(answer) = self.claim(name) {
            return self.answer(id, answer, session);
        }
        let kept_until = kept_until(name);
        let ours = [
            SUBSYSTEM,
            METADATA_SUBSYSTEM,
            HOST_NAMES_SUBSYSTEM,
            LISTENING_PORTS_SUBSYSTEM,
        ];
        if kept_until.is_none() && !ours.contains(&name) {
            return session.channel_failure(id);
        }
        let Some((channel, _)) = self.take_unused(id) else {
            return session.channel_failure(id);
        };
        session.channel_success(id)?;
        if name == SUBSYSTEM {
            let attachment = Attachment::new(Arc::clone(&self.scripts), channel);
            self.channels.insert(id, ChannelUse::Script(attachment));
            return Ok(());
        }
        let channel = ClientChannel::new(channel, session.handle());
        if let Some(until) = kept_until {
            tokio::spawn(channel.answer(self.keep(until).into()));
        } else if name == METADATA_SUBSYSTEM {
            tokio::spawn(metadata::send(channel));
        } else if name == LISTENING_PORTS_SUBSYSTEM {
            tokio::spawn(ports::send(channel));
        } else {
            let missing = HostNames::from_environment().provide().join("\n");
            tokio::spawn(channel.answer(missing.into()));
        }
        Ok(())
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        _name: &str,
        _value: &str,
        session: &mut Session,
    ) -> Handled {
        session.channel_failure(channel)
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        width: u32,
        height: u32,
        modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Handled {
        if !terminal::are_allowed() {
            return session.channel_failure(channel);
        }
        let Some(ChannelUse::Unused(_, terminal)) = self.channels.get_mut(&channel) else {
            return session.channel_failure(channel);
        };
        let size = WindowSize::new([columns, rows, width, height]);
        *terminal = Some(TerminalRequest::new(term, size, modes));
        session.channel_success(channel)
    }

    async fn x11_request(
        &mut self,
        channel: ChannelId,
        _single_connection: bool,
        _protocol: &str,
        _cookie: &str,
        _screen: u32,
        session: &mut Session,
    ) -> Handled {
        session.channel_failure(channel)
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        columns: u32,
        rows: u32,
        width: u32,
        height: u32,
        _session: &mut Session,
    ) -> Handled {
        // No client waits for an answer (RFC 4254, section 6.7).
        if let Some(ChannelUse::Terminal(terminal)) = self.channels.get(&channel) {
            terminal.resize(WindowSize::new([columns, rows, width, height]));
        }
        Ok(())
    }
}
