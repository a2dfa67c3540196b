//! Frames on their way to our agent.

use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use fargate_wire::script::ToAgent;
use russh::client::Msg;
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use tokio::time::timeout;

use super::ending::StopStep;

/// Bound of the wait for the agent to close the channel after the last acknowledgement.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Frames sent on one connection so far.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) attach: bool,
    pub(super) step: StopStep,
    pub(super) acknowledged: Option<u64>,
    pub(super) upload: Upload,
}

impl Sent {
    /// Nothing so far.
    pub(super) fn nothing(upload: Upload) -> Self {
        Self {
            attach: false,
            step: StopStep::NotAsked,
            acknowledged: None,
            upload,
        }
    }
}

/// Progress of sending the script.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Upload {
    /// The agent has not answered how much it has.
    Unknown,
    /// The file is at the next piece.
    Next,
    Complete,
}

/// A frame on its way to the library.
pub(super) type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), russh::Error>> + 'a>>;

/// Starts to send a frame.
pub(super) fn send(outgoing: &ChannelWriteHalf<Msg>, frame: Vec<u8>) -> Sending<'_> {
    Box::pin(outgoing.data_bytes(frame))
}

/// Waits until the library has a frame, and for ever once the connection is lost: that shows elsewhere.
pub(super) async fn finish(sending: &mut Option<Sending<'_>>) {
    let Some(frame) = sending else { return };
    if frame.await.is_err() {
        // A finished future must not be polled again.
        *sending = Some(Box::pin(pending()));
        pending::<()>().await;
    }
    *sending = None;
}

/// Acknowledges the whole log of `length` bytes, and waits until the agent closes the channel.
///
/// An agent that misses it learns the same when no connection follows.
pub(super) async fn acknowledge_all(
    length: u64,
    mut incoming: ChannelReadHalf,
    outgoing: &ChannelWriteHalf<Msg>,
    mut sending: Option<Sending<'_>>,
) {
    let acknowledging = async {
        finish(&mut sending).await;
        let all = ToAgent::Received(length).encode();
        finish(&mut Some(send(outgoing, all))).await;
        pending::<()>().await;
    };
    let closed =
        async { while !matches!(incoming.wait().await, Some(ChannelMsg::Close) | None) {} };
    let parting = async {
        tokio::select! {
            () = acknowledging => {}
            () = closed => {}
        }
    };
    if timeout(CLOSE_TIMEOUT, parting).await.is_err() {
        tracing::debug!("the agent did not close the channel after the last acknowledgement");
    }
}
