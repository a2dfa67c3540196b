//! Scripts that outlive their connection: what driver and agent send each other on a channel of the SSH subsystem
//! [`SUBSYSTEM`].
//!
//! Both directions are sequences of frames. A frame is one byte for its kind, four bytes for the length of its payload
//! (big-endian), and the payload.
//!
//! The driver begins with [`Attach`], which names the script by an id that the driver has chosen. The agent starts the
//! script, or finds it running, and answers with [`FromAgent::Attached`] or [`FromAgent::Refused`]. Everything that the
//! agent sends after that is the script's **log**: the script's output, and at last how the script ended. The bytes of
//! the log, heads of frames included, are numbered from 0, and the numbers continue over all connections of the script.
//! `Attach` says how many bytes the driver has, and the agent continues from there. [`ToAgent::Received`] says how many
//! bytes the driver has passed on; the agent keeps all others. The driver says so once per [`ACKNOWLEDGEMENT_STEP`]
//! bytes. Once it has received all of them, the end included, the agent forgets the script and closes the channel.
//!
//! In the same way `Attached` says how many bytes of the script the agent has, and the driver continues from there. The
//! driver sends none of the script before that answer, except on the first connection: then it knows that the agent has
//! none.
//!
//! The agent sends at most [`WINDOW`] bytes ahead of what was received. The driver can therefore always read everything
//! that arrives without being flooded, and a silent connection is a dead one, not a slow one.

mod decoder;
mod frame;
mod log_reader;
mod message;

pub use decoder::Decoder;
pub use frame::{HEAD, LONGEST_PIECE, Malformed, output_head, script_head};
pub use log_reader::{LogReader, LogStep, ScriptEnd};
pub use message::{
    ACKNOWLEDGEMENT_STEP, Attach, FromAgent, SUBSYSTEM, ScriptId, Stream, ToAgent, WINDOW,
};
