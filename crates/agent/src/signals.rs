//! Signals by their names in SSH (RFC 4254, section 6.10) and by their numbers on Linux.

use fargate_wire::NUMBERED_SIGNAL_SUFFIX;
use russh::Sig;
use rustix::process::Signal;

/// The one signal of the RFC for which russh has no variant.
const USR2: &str = "USR2";

/// The signal that a client asks for; `None` for a name that is not in the RFC.
pub(crate) fn requested(name: &Sig) -> Option<Signal> {
    Some(match name {
        Sig::ABRT => Signal::ABORT,
        Sig::ALRM => Signal::ALARM,
        Sig::FPE => Signal::FPE,
        Sig::HUP => Signal::HUP,
        Sig::ILL => Signal::ILL,
        Sig::INT => Signal::INT,
        Sig::KILL => Signal::KILL,
        Sig::PIPE => Signal::PIPE,
        Sig::QUIT => Signal::QUIT,
        Sig::SEGV => Signal::SEGV,
        Sig::TERM => Signal::TERM,
        Sig::USR1 => Signal::USR1,
        Sig::Custom(name) if name == USR2 => Signal::USR2,
        Sig::Custom(_) => return None,
    })
}

/// The name that a client is sent when signal `number` killed its command.
pub(crate) fn reported(number: i32) -> Sig {
    match Signal::from_named_raw(number) {
        Some(Signal::ABORT) => Sig::ABRT,
        Some(Signal::ALARM) => Sig::ALRM,
        Some(Signal::FPE) => Sig::FPE,
        Some(Signal::HUP) => Sig::HUP,
        Some(Signal::ILL) => Sig::ILL,
        Some(Signal::INT) => Sig::INT,
        Some(Signal::KILL) => Sig::KILL,
        Some(Signal::PIPE) => Sig::PIPE,
        Some(Signal::QUIT) => Sig::QUIT,
        Some(Signal::SEGV) => Sig::SEGV,
        Some(Signal::TERM) => Sig::TERM,
        Some(Signal::USR1) => Sig::USR1,
        Some(Signal::USR2) => Sig::Custom(USR2.to_owned()),
        _ => Sig::Custom(format!("{number}{NUMBERED_SIGNAL_SUFFIX}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_rfc_names_goes_both_ways() {
        let mut known = 0;
        for number in 1..=64 {
            if let Some(signal) = requested(&reported(number)) {
                assert_eq!(signal.as_raw(), number);
                known += 1;
            }
        }
        assert_eq!(known, 13, "RFC 4254 has 13 signals");
    }

    #[test]
    fn what_it_does_not_name_is_reported_by_number_and_cannot_be_requested() {
        assert!(matches!(reported(7), Sig::Custom(name) if name == "7@fargate-agent"));
        assert!(matches!(reported(40), Sig::Custom(name) if name == "40@fargate-agent"));
        assert!(requested(&Sig::Custom("STOP".to_owned())).is_none());
    }
}
