//! A driver's side of a script that outlives its connection: one SSH channel.

use std::sync::Arc;

use bytes::Bytes;
use fargate_wire::script::{Attach, Decoder, FromAgent, ToAgent};
use russh::ChannelWriteHalf;
use russh::server::Msg;
use tokio::sync::watch;

use crate::execution::Host;
use crate::log::Next;
use crate::run::Run;

/// Dropping it means that the driver is gone.
pub(crate) struct Attachment {
    host: Arc<Host>,
    decoder: Decoder,
    state: State,
}

enum State {
    /// The driver has not said which script.
    New(ChannelWriteHalf<Msg>),
    Attached {
        run: Arc<Run>,
        number: u64,
        /// Gone with this, and so does who sends to the driver.
        _presence: watch::Sender<()>,
    },
    /// The channel is closed or about to be.
    Over,
}

impl Attachment {
    pub(crate) fn new(host: Arc<Host>, channel: ChannelWriteHalf<Msg>) -> Self {
        Self {
            host,
            decoder: Decoder::default(),
            state: State::New(channel),
        }
    }

    /// Takes what the driver sends.
    pub(crate) fn receive(&mut self, mut data: &[u8]) {
        // Taken out, so that frames that borrow from `data` can change the rest.
        let mut decoder = std::mem::take(&mut self.decoder);
        while !matches!(self.state, State::Over) {
            match decoder.to_agent(&mut data) {
                Ok(Some(frame)) => self.obey(frame),
                Ok(None) => break,
                Err(malformed) => self.refuse(&malformed.to_string()),
            }
        }
        self.decoder = decoder;
    }

    /// Whether the channel is closed or about to be.
    pub(crate) fn has_ended(&self) -> bool {
        match &self.state {
            State::New(_) => false,
            State::Attached {
                _presence: presence,
                ..
            } => presence.is_closed(),
            State::Over => true,
        }
    }

    fn obey(&mut self, frame: ToAgent<'_>) {
        let (run, number) = match (&self.state, &frame) {
            (State::New(_), ToAgent::Attach(attach)) => return self.attach(attach),
            (State::Attached { run, number, .. }, frame)
                if !matches!(frame, ToAgent::Attach(_)) =>
            {
                (run, *number)
            }
            _ => return self.refuse("the first frame, and no other, says which script"),
        };
        // Another driver has come in its place, and had the count of what was there by then.
        if !run.is_attached(number) {
            return;
        }
        match frame {
            ToAgent::Script(piece) => run.write(piece),
            ToAgent::ScriptEnd => run.end_of_input(),
            ToAgent::Cancel(grace) => run.cancel(&self.host, grace),
            ToAgent::Received(bytes) if !run.log.acknowledge(bytes) => {
                self.refuse("more was received than sent");
            }
            ToAgent::Received(_) | ToAgent::Attach(_) => (),
        }
    }

    fn attach(&mut self, attach: &Attach) {
        let State::New(channel) = std::mem::replace(&mut self.state, State::Over) else {
            return;
        };
        match self.host.runs.attach(&self.host, attach) {
            Ok((run, number, script)) => {
                let (presence, present) = watch::channel(());
                tokio::spawn(send(
                    Arc::clone(&run),
                    number,
                    script,
                    attach.received,
                    channel,
                    present,
                ));
                self.state = State::Attached {
                    run,
                    number,
                    _presence: presence,
                };
            }
            Err(why) => refuse(channel, why),
        }
    }

    /// Gives this driver up.
    fn refuse(&mut self, why: &str) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::New(channel) => refuse(channel, why),
            // Who sends to it closes the channel. What the driver may not know then is not lost.
            State::Attached { run, number, .. } => run.detach(number),
            State::Over => (),
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        if let State::Attached { run, number, .. } = &self.state {
            run.detach(*number);
        }
    }
}

fn refuse(channel: ChannelWriteHalf<Msg>, why: &str) {
    let told = Bytes::from(FromAgent::Refused(why.to_owned()).encode());
    tokio::spawn(async move {
        if channel.data_bytes(told).await.is_ok() {
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

/// Sends the log from byte `received` on, until the driver has all of it, or has gone, or another one has come.
async fn send(
    run: Arc<Run>,
    number: u64,
    script: u64,
    mut received: u64,
    channel: ChannelWriteHalf<Msg>,
    mut present: watch::Receiver<()>,
) {
    let sending = async {
        let attached = FromAgent::Attached { script }.encode();
        if channel.data_bytes(Bytes::from(attached)).await.is_err() {
            return;
        }
        // A file that cannot be read: the driver comes again, and is told the same, until its patience ends.
        while let Ok(Next::Bytes(piece)) = run.log.next(received).await {
            received += piece.len() as u64;
            if channel.data_bytes(piece).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = sending => (),
        // Whatever is being sent to a channel that is closed waits for ever.
        _ = present.changed() => (),
        () = run.superseded(number) => (),
    }
    close(&channel).await;
}
