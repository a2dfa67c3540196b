//! SSH: the one place that knows the library.
//!
//! One connection per stage, with the job's own key and the host key that prepare saw. Nothing is read from
//! the user's SSH configuration, so a manager's own keys and known hosts play no part.

mod channel;
mod command;
mod connect_error;
mod connection;
mod conversation;
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
mod signal_name;
mod target;
mod terminal;

pub(crate) use self::connect_error::ConnectError;
pub(crate) use self::connection::Connection;
pub(crate) use self::conversation::{Conversation, Input};
pub(crate) use self::ending::Ended;
pub(crate) use self::keys::{KeyPair, random_hex};
pub(crate) use self::resume::{Attended, ResumableScript};
pub(crate) use self::shell::quoted;
pub(crate) use self::signal_name::signal_of;
pub(crate) use self::target::Target;
pub(crate) use self::terminal::{Terminal, Window};
