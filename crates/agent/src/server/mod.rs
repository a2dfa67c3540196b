//! The SSH server: who may connect, and what a client may ask for.

pub(crate) mod authorized_key;
pub(crate) mod host_key;
pub(crate) mod listener;
mod logins;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod transport;
