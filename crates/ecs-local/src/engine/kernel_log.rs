//! The kernel's log, for containers whose memory ran out.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::OFlag;

/// The log: each read returns one record (Linux: Documentation/ABI/testing/dev-kmsg).
const LOG: &str = "/dev/kmsg";

/// Start of the record of a killed process, which names its control group (Linux: mm/oom_kill.c).
const KILLED: &str = "oom-kill:";

/// The longest record.
const RECORD: usize = 8 * 1024;

/// Whether the kernel has killed a process of this container because its memory ran out. False where the log cannot be
/// read.
pub(super) fn memory_ran_out(container: &str) -> bool {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(OFlag::O_NONBLOCK.bits());
    let Ok(mut log) = options.open(LOG) else {
        return false;
    };
    let mut record = vec![0; RECORD];
    loop {
        match log.read(&mut record) {
            Ok(0) => return false,
            Ok(length) => {
                let text = String::from_utf8_lossy(record.get(..length).unwrap_or_default());
                if text.contains(KILLED) && text.contains(container) {
                    return true;
                }
            }
            // Newer records have replaced the next one.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            Err(_) => return false,
        }
    }
}
