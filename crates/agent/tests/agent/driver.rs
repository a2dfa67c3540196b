//! The driver's side of a script, as tests play it.

use std::time::Duration;

use fargate_wire::script::{
    Attach, Decoder, FromAgent, LONGEST_PIECE, SUBSYSTEM, ScriptId, Stream, ToAgent,
};
use russh::client::{Handle, Msg};
use russh::{Channel, ChannelMsg};
use tokio::time::timeout;

use crate::harness::{AnyHostKey, PATIENCE, text};

/// The script of most tests.
const SCRIPT: ScriptId = [7; 16];

/// The first frame of a driver that has this many bytes of the log.
pub(crate) fn attach(received: u64) -> Attach {
    Attach {
        script: SCRIPT,
        resumed: received > 0,
        received,
        patience: Duration::from_secs(300),
    }
}

/// A driver on a channel for one script.
pub(crate) struct Driver {
    pub(crate) channel: Channel<Msg>,
    pub(crate) decoder: Decoder,
    pub(crate) answered: bool,
    /// Bytes of the log.
    pub(crate) received: u64,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// All other frames, as text.
    pub(crate) frames: Vec<String>,
}

impl Driver {
    pub(crate) async fn attach(session: &Handle<AnyHostKey>, attach: Attach) -> Self {
        let mut driver = Self::open(session).await;
        driver.received = attach.received;
        driver.send(ToAgent::Attach(attach)).await;
        driver
    }

    pub(crate) async fn open(session: &Handle<AnyHostKey>) -> Self {
        let channel = session.channel_open_session().await.unwrap();
        channel.request_subsystem(true, SUBSYSTEM).await.unwrap();
        Self {
            channel,
            decoder: Decoder::default(),
            answered: false,
            received: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
            frames: Vec::new(),
        }
    }

    pub(crate) async fn send(&self, frame: ToAgent<'_>) {
        self.channel.data_bytes(frame.encode()).await.unwrap();
    }

    pub(crate) async fn script(&self, script: &str) {
        for piece in script.as_bytes().chunks(LONGEST_PIECE) {
            self.send(ToAgent::Script(piece)).await;
        }
        self.send(ToAgent::ScriptEnd).await;
    }

    /// Handles one message. False when the channel is closed.
    pub(crate) async fn listen(&mut self) -> bool {
        let message = timeout(PATIENCE, self.channel.wait());
        match message.await.expect("the agent is silent") {
            Some(ChannelMsg::Data { data }) => self.decode(&data),
            Some(ChannelMsg::Close) | None => return false,
            Some(_) => {}
        }
        true
    }

    fn decode(&mut self, mut data: &[u8]) {
        if self.answered {
            self.received += data.len() as u64;
        }
        while let Some(frame) = self.decoder.from_agent(&mut data).unwrap() {
            if !self.answered {
                self.answered = true;
                self.received += data.len() as u64;
            }
            match frame {
                FromAgent::Output(Stream::Stdout, piece) => self.stdout.extend_from_slice(piece),
                FromAgent::Output(Stream::Stderr, piece) => self.stderr.extend_from_slice(piece),
                other => self.frames.push(format!("{other:?}")),
            }
        }
    }

    pub(crate) async fn until_stdout(&mut self, length: usize) -> &str {
        while self.stdout.len() < length {
            assert!(self.listen().await, "closed: {:?}", self.frames);
        }
        text(&self.stdout)
    }

    pub(crate) async fn until_frame(&mut self, part: &str) {
        while !self.frames.iter().any(|frame| frame.contains(part)) {
            assert!(self.listen().await, "closed: {:?}", self.frames);
        }
    }

    pub(crate) async fn until_closed(&mut self) -> &[String] {
        while self.listen().await {}
        &self.frames
    }

    /// Acknowledges everything, the end included.
    pub(crate) async fn finish(mut self) {
        self.send(ToAgent::Received(self.received)).await;
        self.until_closed().await;
    }
}
