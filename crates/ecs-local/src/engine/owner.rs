//! The owner of a container: the identity of a stand-in, by which other stand-ins see whether it still runs.
//!
//! In time the ID of a process is used again, and it means nothing in another PID namespace or after a restart of the
//! machine. An ID with its start time, its namespace and the boot of the machine names one process for certain.

use std::fs;

use anyhow::Context;

use crate::procfs::start_time;

/// The identity of a new stand-in in this process.
pub(super) fn identity() -> anyhow::Result<String> {
    let pid = std::process::id();
    let started = i32::try_from(pid)
        .ok()
        .and_then(start_time)
        .context("reading this process's start time from /proc")?;
    Ok(format!(
        "{}_{}_{pid}_{started}_{:08x}",
        boot()?,
        namespace()?,
        fastrand::u32(..)
    ))
}

/// Whether the stand-in of this identity has ended. One in another namespace of the same boot is invisible here, and
/// counts as running.
pub(super) fn is_gone(identity: &str) -> bool {
    let mut parts = identity.split('_');
    let (Some(its_boot), Some(its_namespace), Some(pid), Some(started)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (Ok(boot), Ok(namespace), Ok(pid)) = (boot(), namespace(), pid.parse()) else {
        return false;
    };
    its_boot != boot || (its_namespace == namespace && start_time(pid).as_deref() != Some(started))
}

/// A UUID of this boot of the machine.
fn boot() -> anyhow::Result<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .context("reading the machine's boot ID")?;
    Ok(id.trim().to_owned())
}

/// The number of this process's PID namespace, from `pid:[4026531836]`.
fn namespace() -> anyhow::Result<String> {
    let link = fs::read_link("/proc/self/ns/pid").context("reading the PID namespace")?;
    Ok(link
        .to_string_lossy()
        .chars()
        .filter(char::is_ascii_digit)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_that_has_ended_is_gone() {
        let me = identity().unwrap();
        assert!(!is_gone(&me), "{me}");
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let id = child.id();
        let started = start_time(i32::try_from(id).unwrap()).unwrap();
        let theirs = format!(
            "{}_{}_{id}_{started}_0",
            boot().unwrap(),
            namespace().unwrap()
        );
        assert!(!is_gone(&theirs), "{theirs}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_gone(&theirs), "{theirs}");
        let elsewhere = theirs.replacen(&format!("_{}_", namespace().unwrap()), "_1_", 1);
        assert!(!is_gone(&elsewhere), "{elsewhere}");
        assert!(is_gone(&theirs.replacen(
            &boot().unwrap(),
            "an-earlier-boot",
            1
        )));
        assert!(!is_gone("not one of ours"));
    }
}
