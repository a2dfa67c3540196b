//! What driver and agent say to each other about a script.

use std::time::Duration;

/// Name of the SSH subsystem.
pub const SUBSYSTEM: &str = "script@fargate-agent";

/// Bytes of the log that the agent sends before they are acknowledged; the last piece may exceed it.
///
/// Enough for 50 MB/s from 2 ms away. Each running script may cost the manager this much memory.
pub const WINDOW: u64 = 128 * 1024;

/// Bytes that the driver passes on between two acknowledgements: few enough that the agent never waits for one.
///
/// Fewer may stay unacknowledged for as long as the script prints nothing, so the agent must not wait for them.
pub const ACKNOWLEDGEMENT_STEP: u64 = WINDOW / 2;

/// Names a script. The driver chooses it at random, so that no two scripts share one.
pub type ScriptId = [u8; 16];

/// The driver's first frame on each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attach {
    /// The script to start or to continue.
    pub script: ScriptId,
    /// Whether the agent has answered for this script before.
    ///
    /// If so, an agent that does not know the script must not start it.
    pub resumed: bool,
    /// Bytes of the log that the driver has.
    pub received: u64,
    /// How long the script may run without a connection.
    pub patience: Duration,
}

/// A frame from the driver to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToAgent<'a> {
    /// Start the script, or continue with it.
    Attach(Attach),
    /// The next piece of the script; perhaps only a part of what was sent as one.
    Script(&'a [u8]),
    /// The script has no more bytes.
    ScriptEnd,
    /// Bytes of the log that the driver has passed on.
    Received(u64),
    /// End the script: SIGTERM to all of its processes, and SIGKILL to what is left after this time.
    Cancel(Duration),
}

/// One of a script's two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A frame from the agent to the driver: one of the first two, and then the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromAgent<'a> {
    /// The script runs, or has run.
    Attached {
        /// Bytes of the script that the agent has.
        received: u64,
    },
    /// The script does not exist or cannot continue, for this reason.
    Refused(String),
    /// The next piece of output; perhaps only a part of what was sent as one.
    Output(Stream, &'a [u8]),
    /// The script ended with this status.
    Exited(u32),
    /// The signal with this number ended the script.
    Signalled(u32),
    /// How the script ended is unknown, for this reason.
    Failed(String),
}
