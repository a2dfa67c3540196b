//! Errors of connecting.

/// The reason for a failed connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConnectError {
    /// Nothing listens on the port.
    #[error("connection refused")]
    Refused,
    /// Nothing answered in time.
    #[error("no answer")]
    Silent,
    /// The server's key is not the one that prepare saw.
    #[error("its host key is {found}, and prepare saw {expected}")]
    OtherHost {
        /// Fingerprint of the key it showed.
        found: String,
        /// Fingerprint of the key that was pinned.
        expected: String,
    },
    /// The server does not take our key.
    #[error("it does not accept the job's key for user {0}")]
    KeyRefused(String),
    /// The server sends without end before the login.
    #[error("it sends more than it may before the login")]
    Flood,
    /// Anything else, in the words of the network or the server.
    #[error("{0}")]
    Other(String),
}

impl ConnectError {
    /// Whether the server answered, but is not the one that prepare saw, or not ready for the job.
    pub(crate) fn is_of_stranger(&self) -> bool {
        matches!(
            self,
            Self::OtherHost { .. } | Self::KeyRefused(_) | Self::Flood
        )
    }
}

/// The error for one of the network.
pub(super) fn network(error: std::io::Error) -> ConnectError {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => ConnectError::Refused,
        std::io::ErrorKind::TimedOut => ConnectError::Silent,
        _ => ConnectError::Other(error.to_string()),
    }
}

/// The error for one of the library.
pub(super) fn refusal(error: russh::Error) -> ConnectError {
    match error {
        russh::Error::IO(error) => network(error),
        russh::Error::KeepaliveTimeout => ConnectError::Other("it no longer answers".to_owned()),
        russh::Error::HUP | russh::Error::Disconnect => {
            ConnectError::Other("it was closed by the other side".to_owned())
        }
        other => ConnectError::Other(other.to_string()),
    }
}
