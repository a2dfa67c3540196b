//! This process's standard output and error, as the runner reads them.
//!
//! A stage passes on what the job prints as it comes, byte for byte. Waiting for a slow reader must not keep it
//! from hearing signals, and tokio's own standard streams would start threads, so pipes are opened anew without
//! blocking; anything else (a file, a terminal) takes writes at once.

mod aside;
mod progress;
mod say;
mod sink;
mod stream;
mod tint;
mod turns;

pub(crate) use self::aside::{Aside, WHOLE};
pub(crate) use self::progress::{progress, progress_since};
pub(crate) use self::say::say;
pub(crate) use self::stream::Output;
#[cfg(feature = "trial")]
pub(crate) use self::tint::NO_COLOUR;
pub(crate) use self::tint::{is_colour_declined, tinted};
