//! Signals by their names in SSH.

use std::str::FromStr;

use fargate_wire::NUMBERED_SIGNAL_SUFFIX;
use nix::sys::signal::Signal;

/// Number and name of a signal from its name in SSH. A signal without a name counts as SIGKILL.
pub(crate) fn signal_of(ssh_name: &str) -> (i32, String) {
    let numbered = ssh_name.strip_suffix(NUMBERED_SIGNAL_SUFFIX);
    if let Some(number) = numbered
        .and_then(|number| number.parse().ok())
        .filter(|number| (1..=64).contains(number))
    {
        let name = Signal::try_from(number)
            .map_or_else(|_| format!("signal {number}"), |signal| signal.to_string());
        return (number, name);
    }
    match Signal::from_str(&format!("SIG{ssh_name}")) {
        Ok(signal) => (signal as i32, signal.to_string()),
        // The server may belong to the job: the name of a signal may be any text, of any length.
        Err(_) => (Signal::SIGKILL as i32, "an unknown signal".to_owned()),
    }
}
