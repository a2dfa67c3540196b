//! The program of the container that holds a task's sandbox, and its image.
//!
//! The program does nothing until it is killed. Where containers share their processes it is the first process, and
//! reaps orphans. It is the few instructions below, and the image holds nothing else, so no registry is needed.

use anyhow::Context;

use super::client::Engine;

/// The path of the program in its image.
pub(super) const PATH: &str = "/pause";

/// The image's name. The number is the version of the program.
const IMAGE: &str = "fargate-local/pause-1";

/// For x86-64: `rt_sigaction(SIGCHLD, ACTION, NULL, 8)`, then `pause()` for ever.
const X86_64: [u8; 36] = [
    0xb8, 13, 0, 0, 0, // mov eax, 13
    0xbf, 17, 0, 0, 0, // mov edi, 17
    0x48, 0x8d, 0x35, 19, 0, 0, 0, // lea rsi, [rip + 19], the end of this program
    0x31, 0xd2, // xor edx, edx
    0x41, 0xba, 8, 0, 0, 0, // mov r10d, 8
    0x0f, 0x05, // syscall
    0xb8, 34, 0, 0, 0, // again: mov eax, 34
    0x0f, 0x05, // syscall
    0xeb, 0xf7, // jmp again
];

/// For ARM64, which has no `pause`: the same with `ppoll(NULL, 0, NULL, NULL)`.
const AARCH64: [u32; 13] = [
    0xd280_10c8, // mov x8, 134
    0xd280_0220, // mov x0, 17
    0x1000_0161, // adr x1, . + 44, the end of this program
    0xd280_0002, // mov x2, 0
    0xd280_0103, // mov x3, 8
    0xd400_0001, // svc 0
    0xd280_0000, // again: mov x0, 0
    0xd280_0001, // mov x1, 0
    0xd280_0002, // mov x2, 0
    0xd280_0003, // mov x3, 0
    0xd280_0928, // mov x8, 73
    0xd400_0001, // svc 0
    0x17ff_fffa, // b again
];

/// The action that both set for SIGCHLD: `SIG_IGN`, with which the kernel reaps children by itself. The rest is 0.
const ACTION: [u64; 4] = [1, 0, 0, 0];

impl Engine {
    /// Makes the image unless the engine has it, and returns its ID.
    pub(super) async fn provide_pause(&self) -> anyhow::Result<String> {
        let program = program(&self.architecture).with_context(|| {
            format!(
                "the container engine runs on {:?}; only amd64 and arm64 are supported",
                self.architecture
            )
        })?;
        self.import(IMAGE, PATH, &program).await
    }
}

/// The program for an architecture, in Docker's spelling.
fn program(architecture: &str) -> Option<Vec<u8>> {
    match architecture {
        "amd64" => Some(executable(62, &X86_64)),
        "arm64" => {
            let code: Vec<u8> = AARCH64.iter().flat_map(|word| word.to_le_bytes()).collect();
            Some(executable(183, &code))
        }
        _ => None,
    }
}

/// An executable for `machine`, in ELF's numbers, of one segment: its own headers, the code and the action.
fn executable(machine: u16, code: &[u8]) -> Vec<u8> {
    const HEADERS: u64 = 64 + 56;
    const ADDRESS: u64 = 0x40_0000;
    let length = HEADERS + u64::try_from(code.len()).unwrap_or_default() + 8 * 4;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let halves = |values: &[u16]| -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    let words = |values: &[u64]| -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    // An executable, for this machine, in version 1 of the format.
    file.extend(halves(&[2, machine, 1, 0]));
    // It begins after the headers; the program header follows this one; there are no sections.
    file.extend(words(&[ADDRESS + HEADERS, 64, 0]));
    // No flags; sizes and counts of headers.
    file.extend(halves(&[0, 0, 64, 56, 1, 64, 0, 0]));
    // The segment: loaded (1), readable and executable (5), all of the file, in pages of 4 KiB, which 64 KiB also are.
    file.extend(halves(&[1, 0, 5, 0]));
    file.extend(words(&[0, ADDRESS, ADDRESS, length, length, 0x1_0000]));
    file.extend(code);
    file.extend(words(&ACTION));
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_waits_and_lets_children_go() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pause");
        let architecture = if cfg!(target_arch = "x86_64") {
            "amd64"
        } else {
            "arm64"
        };
        std::fs::write(&file, program(architecture).unwrap()).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        // The shell becomes the program, which then is the parent of a child that it did not start.
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", "sleep 0.3 & exec \"$0\""])
            .arg(&file)
            .spawn()
            .unwrap();
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        let become_it = || {
            let name = std::fs::read_to_string(format!("/proc/{}/comm", child.id())).unwrap();
            name == "pause\n" && std::fs::read_to_string(&children).unwrap().is_empty()
        };
        while !become_it() {
            assert!(
                std::time::Instant::now() < deadline,
                "its child is still there"
            );
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
