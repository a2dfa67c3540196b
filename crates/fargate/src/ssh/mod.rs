//! SSH: the one place that knows the library.
//!
//! One connection per stage, with the job's own key and the host key that prepare saw. Nothing is read from
//! the user's SSH configuration, so a manager's own keys and known hosts play no part.

mod channel;
mod command;
mod connect_error;
mod connection;
mod ending;
mod keys;
mod login_limit;
mod outage;
mod remainder;
mod resume;
mod script;
mod sending;
mod settings;
mod shell;
mod target;

pub(crate) use self::connect_error::ConnectError;
pub(crate) use self::connection::Connection;
pub(crate) use self::ending::Ended;
pub(crate) use self::keys::{KeyPair, random_hex};
pub(crate) use self::resume::{Attended, ResumableScript};
pub(crate) use self::target::Target;
