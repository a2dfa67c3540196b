//! What a client may ask for: to log in with the one key, and to run commands and scripts. All else is refused.
//!
//! A refusal is an answer. russh's defaults say nothing to most requests, and a client that asked for a reply
//! would wait for ever.

use std::collections::HashMap;
use std::sync::Arc;

use fargate_wire::METADATA_SUBSYSTEM;
use fargate_wire::script::SUBSYSTEM;
use russh::server::{
    Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, ChannelWriteHalf, Pty, Sig};
use tokio::sync::oneshot;

use crate::attachment::Attachment;
use crate::authorized_key::AuthorizedKey;
use crate::execution::Host;
use crate::metadata;
use crate::script::{Output, Script};
use crate::signals;

/// One client. Dropped when its connection ends, and its commands with it.
pub(crate) struct Connection {
    host: Arc<Host>,
    key: Arc<AuthorizedKey>,
    /// Told when the client has logged in.
    login: Option<oneshot::Sender<()>>,
    channels: HashMap<ChannelId, State>,
}

/// What a session channel is for.
enum State {
    Open(ChannelWriteHalf<Msg>),
    Running(Script),
    Attached(Attachment),
    /// Its command could not be started.
    Refused,
}

impl Connection {
    pub(crate) fn new(
        host: Arc<Host>,
        key: Arc<AuthorizedKey>,
        login: oneshot::Sender<()>,
    ) -> Self {
        Self {
            host,
            key,
            login: Some(login),
            channels: HashMap::new(),
        }
    }

    /// The channel, if it is there to be used. A channel is for one command or one script.
    fn take_open(&mut self, id: ChannelId) -> Option<ChannelWriteHalf<Msg>> {
        if *self.host.stopping.borrow() {
            return None;
        }
        match self.channels.remove(&id) {
            Some(State::Open(channel)) => Some(channel),
            other => {
                self.channels.extend(other.map(|state| (id, state)));
                None
            }
        }
    }

    fn script(&self, channel: ChannelId) -> Option<&Script> {
        match self.channels.get(&channel) {
            Some(State::Running(script)) => Some(script),
            _ => None,
        }
    }
}

type Outcome = Result<(), russh::Error>;

impl Handler for Connection {
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

    /// Any user name is good: everything runs as the one user the agent runs as.
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

    async fn auth_succeeded(&mut self, _session: &mut Session) -> Outcome {
        if let Some(login) = self.login.take() {
            // The listener has stopped waiting only when it has closed the connection.
            login.send(()).ok();
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Outcome {
        // russh tells of channels that the client closes, but not of the answer to our own closing.
        self.channels.retain(|_, state| match state {
            State::Open(_) => true,
            State::Running(script) => !script.has_ended(),
            State::Attached(attachment) => !attachment.has_ended(),
            State::Refused => false,
        });
        // The reading half goes: a queue of its own would hold up the connection when it is full.
        let (_, writer) = channel.split();
        self.channels.insert(writer.id(), State::Open(writer));
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Outcome {
        let Some(channel) = self.take_open(id) else {
            return session.channel_failure(id);
        };
        session.channel_success(id)?;
        let output = Output {
            channel,
            session: session.handle(),
        };
        let state = match Script::start(&self.host, command, output) {
            Some(script) => State::Running(script),
            None => State::Refused,
        };
        self.channels.insert(id, state);
        Ok(())
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], _: &mut Session) -> Outcome {
        match self.channels.get_mut(&channel) {
            Some(State::Running(script)) => script.write(data),
            Some(State::Attached(attachment)) => attachment.receive(data),
            _ => (),
        }
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, _: &mut Session) -> Outcome {
        if let Some(script) = self.script(channel) {
            script.end_of_input();
        }
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Outcome {
        self.channels.remove(&channel);
        Ok(())
    }

    async fn signal(&mut self, channel: ChannelId, signal: Sig, _: &mut Session) -> Outcome {
        if let (Some(script), Some(signal)) = (self.script(channel), signals::requested(&signal)) {
            script.signal(signal);
        }
        Ok(())
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Outcome {
        session.channel_failure(channel)
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Outcome {
        if ![SUBSYSTEM, METADATA_SUBSYSTEM].contains(&name) {
            return session.channel_failure(id);
        }
        let Some(channel) = self.take_open(id) else {
            return session.channel_failure(id);
        };
        session.channel_success(id)?;
        if name == METADATA_SUBSYSTEM {
            let output = Output {
                channel,
                session: session.handle(),
            };
            tokio::spawn(metadata::answer(output));
        } else {
            let attachment = Attachment::new(Arc::clone(&self.host), channel);
            self.channels.insert(id, State::Attached(attachment));
        }
        Ok(())
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        _name: &str,
        _value: &str,
        session: &mut Session,
    ) -> Outcome {
        session.channel_failure(channel)
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Outcome {
        session.channel_failure(channel)
    }

    async fn x11_request(
        &mut self,
        channel: ChannelId,
        _single_connection: bool,
        _protocol: &str,
        _cookie: &str,
        _screen: u32,
        session: &mut Session,
    ) -> Outcome {
        session.channel_failure(channel)
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        session: &mut Session,
    ) -> Outcome {
        session.channel_failure(channel)
    }
}
