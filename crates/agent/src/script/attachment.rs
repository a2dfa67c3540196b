//! A driver that is attached to a script: one SSH channel.

use std::sync::Arc;

use bytes::Bytes;
use fargate_wire::script::{Attach, Decoder, FromAgent, ToAgent};
use russh::ChannelWriteHalf;
use russh::server::Msg;
use tokio::sync::watch;

use super::drivers::DriverNumber;
use super::lifecycle::Script;
use super::log::Next;
use super::registry::{AttachedDriver, Scripts};

/// The driver's side of a script. Dropping it means that the driver is gone.
pub(crate) struct Attachment {
    scripts: Arc<Scripts>,
    decoder: Decoder,
    state: AttachmentState,
}

enum AttachmentState {
    /// The driver has not named the script yet.
    New(ChannelWriteHalf<Msg>),
    Attached {
        script: Arc<Script>,
        number: DriverNumber,
        /// Dropping it ends the task that sends the log to the driver.
        connected: watch::Sender<()>,
    },
    /// The channel is closed or about to be.
    Over,
}

impl Attachment {
    pub(crate) fn new(scripts: Arc<Scripts>, channel: ChannelWriteHalf<Msg>) -> Self {
        Self {
            scripts,
            decoder: Decoder::default(),
            state: AttachmentState::New(channel),
        }
    }

    /// Handles bytes that the driver sends.
    pub(crate) fn receive(&mut self, mut data: &[u8]) {
        // Taken out, because frames that borrow from `data` change the other fields.
        let mut decoder = std::mem::take(&mut self.decoder);
        while !matches!(self.state, AttachmentState::Over) {
            match decoder.to_agent(&mut data) {
                Ok(Some(frame)) => self.handle(frame),
                Ok(None) => break,
                Err(malformed) => self.refuse(&malformed.to_string()),
            }
        }
        self.decoder = decoder;
    }

    /// Whether the channel is closed or about to be.
    pub(crate) fn has_ended(&self) -> bool {
        match &self.state {
            AttachmentState::New(_) => false,
            AttachmentState::Attached { connected, .. } => connected.is_closed(),
            AttachmentState::Over => true,
        }
    }

    fn handle(&mut self, frame: ToAgent<'_>) {
        let (script, number) = match (&self.state, &frame) {
            (AttachmentState::New(_), ToAgent::Attach(attach)) => return self.attach(attach),
            (AttachmentState::Attached { script, number, .. }, frame)
                if !matches!(frame, ToAgent::Attach(_)) =>
            {
                (script, *number)
            }
            _ => return self.refuse("the first frame, and no other, must name the script"),
        };
        // A driver that has been replaced. The new one was told how many bytes the agent had by then.
        if !script.drivers.is_current(number) {
            return;
        }
        match frame {
            ToAgent::Script(piece) => script.write(piece),
            ToAgent::ScriptEnd => script.end_input(),
            ToAgent::Cancel(grace) => script.cancel(grace),
            ToAgent::Received(bytes) if !script.log.acknowledge(bytes) => {
                self.refuse("the driver acknowledged more than was sent");
            }
            ToAgent::Received(_) | ToAgent::Attach(_) => (),
        }
    }

    fn attach(&mut self, attach: &Attach) {
        let state = std::mem::replace(&mut self.state, AttachmentState::Over);
        let AttachmentState::New(channel) = state else {
            return;
        };
        match self.scripts.attach(attach) {
            Ok(driver) => {
                let (connected, connection) = watch::channel(());
                self.state = AttachmentState::Attached {
                    script: Arc::clone(&driver.script),
                    number: driver.number,
                    connected,
                };
                tokio::spawn(send_log(driver, attach.received, channel, connection));
            }
            Err(reason) => refuse(channel, reason),
        }
    }

    /// Rejects this driver.
    fn refuse(&mut self, reason: &str) {
        match std::mem::replace(&mut self.state, AttachmentState::Over) {
            AttachmentState::New(channel) => refuse(channel, reason),
            // The task that sends the log closes the channel. Whatever the driver misses stays in the log.
            AttachmentState::Attached { script, number, .. } => script.detach(number),
            AttachmentState::Over => (),
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        if let AttachmentState::Attached { script, number, .. } = &self.state {
            script.detach(*number);
        }
    }
}

fn refuse(channel: ChannelWriteHalf<Msg>, reason: &str) {
    let refused = Bytes::from(FromAgent::Refused(reason.to_owned()).encode());
    tokio::spawn(async move {
        if channel.data_bytes(refused).await.is_ok() {
            close(&channel).await;
        }
    });
}

async fn close(channel: &ChannelWriteHalf<Msg>) {
    // A connection that is gone needs no closing.
    if channel.eof().await.is_ok() {
        channel.close().await.ok();
    }
}

/// Sends the log from byte `received` on, until the driver has all of it, is gone or has been replaced.
async fn send_log(
    driver: AttachedDriver,
    mut received: u64,
    channel: ChannelWriteHalf<Msg>,
    mut connection: watch::Receiver<()>,
) {
    let AttachedDriver { script, number, .. } = &driver;
    let sending = async {
        let attached = FromAgent::Attached {
            received: driver.received,
        };
        if channel
            .data_bytes(Bytes::from(attached.encode()))
            .await
            .is_err()
        {
            return;
        }
        // If the file cannot be read, the driver attaches again and fails in the same way until its patience ends.
        while let Ok(Next::Bytes(piece)) = script.log.next(received).await {
            received += piece.len() as u64;
            if channel.data_bytes(piece).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = sending => (),
        // A message to a channel that is closed would wait for ever.
        _ = connection.changed() => (),
        () = script.drivers.superseded(*number) => (),
    }
    close(&channel).await;
}
