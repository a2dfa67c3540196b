//! The platform of a program, from its ELF header.
//!
//! The image holds nothing but the agent, which runs in images with any C library. A program that needs a dynamic
//! linker would end there with a "not found" that names neither.

use std::fmt;

use crate::error::Error;

/// Advice to build the agent as a static program.
pub(super) const BUILD: &str = "Build it statically: RUSTFLAGS=\"-C target-feature=+crt-static\" cargo build --release -p fargate-agent \
                     --target x86_64-unknown-linux-gnu";

/// A processor architecture of Fargate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Architecture {
    Amd64,
    Arm64,
}

impl Architecture {
    /// Its name in images (OCI image-spec, config: Go's GOARCH).
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// Its name in names of our files (uname).
    #[cfg(feature = "agent-image")]
    pub(super) fn machine(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// Whether programs for it run on this machine.
    #[cfg(feature = "trial")]
    pub(super) fn is_this_machines(self) -> bool {
        match self {
            Self::Amd64 => cfg!(target_arch = "x86_64"),
            Self::Arm64 => cfg!(target_arch = "aarch64"),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The architecture of a static Linux program.
///
/// # Errors
///
/// When the file is not such a program, with advice to build one.
pub(super) fn architecture(file: &[u8]) -> Result<Architecture, Error> {
    let header = Header::read(file)
        .ok_or_else(|| Error::system("it is not an ELF program").advise(BUILD))?;
    let architecture = match header.machine {
        // EM_X86_64 and EM_AARCH64 (System V ABI, ELF header).
        62 => Architecture::Amd64,
        183 => Architecture::Arm64,
        other => {
            let message =
                format!("it is for another processor than Fargate's (ELF machine {other})");
            return Err(Error::system(message).advise("Fargate runs x86-64 and ARM64 programs."));
        }
    };
    // ET_EXEC, or ET_DYN with an entry point: a static program may be either. A library has no entry point.
    if !matches!(header.kind, 2 | 3) || header.entry == 0 {
        return Err(
            Error::system("it is a library or an object file, not a program").advise(BUILD),
        );
    }
    let segments = header
        .segments(file)
        .ok_or_else(|| Error::system("it is an incomplete ELF program: its end is missing"))?;
    // PT_INTERP names a dynamic linker.
    if segments.contains(&3) {
        return Err(
            Error::system("it is linked dynamically, and images may lack its libraries")
                .advise(BUILD),
        );
    }
    Ok(architecture)
}

/// The members of an ELF header that matter here (System V ABI, 64 bits, little endian).
struct Header {
    kind: u16,
    machine: u16,
    entry: u64,
    segments_at: u64,
    segment_size: u16,
    segment_count: u16,
}

impl Header {
    fn read(file: &[u8]) -> Option<Self> {
        // Magic number, 64 bits, little endian, version 1.
        if !file.starts_with(b"\x7fELF\x02\x01\x01") {
            return None;
        }
        Some(Self {
            kind: u16::from_le_bytes(bytes(file, 16)?),
            machine: u16::from_le_bytes(bytes(file, 18)?),
            entry: u64::from_le_bytes(bytes(file, 24)?),
            segments_at: u64::from_le_bytes(bytes(file, 32)?),
            segment_size: u16::from_le_bytes(bytes(file, 54)?),
            segment_count: u16::from_le_bytes(bytes(file, 56)?),
        })
    }

    /// The types of its program headers, unless the file ends before them.
    fn segments(&self, file: &[u8]) -> Option<Vec<u32>> {
        let at = |index: u16| {
            let offset = u64::from(index) * u64::from(self.segment_size);
            usize::try_from(self.segments_at.checked_add(offset)?).ok()
        };
        (0..self.segment_count)
            .map(|index| Some(u32::from_le_bytes(bytes(file, at(index)?)?)))
            .collect()
    }
}

fn bytes<const N: usize>(file: &[u8], at: usize) -> Option<[u8; N]> {
    file.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A header with one program header of this type.
    fn program(machine: u16, segment: u32) -> Vec<u8> {
        let mut file = vec![0; 64 + 56];
        file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        file[16] = 2;
        file[18..20].copy_from_slice(&machine.to_le_bytes());
        file[24] = 1;
        file[32] = 64;
        file[54] = 56;
        file[56] = 1;
        file[64..68].copy_from_slice(&segment.to_le_bytes());
        file
    }

    #[test]
    fn static_programs_of_both_architectures_are_taken() {
        assert_eq!(architecture(&program(62, 1)), Ok(Architecture::Amd64));
        assert_eq!(architecture(&program(183, 1)), Ok(Architecture::Arm64));
    }

    #[test]
    fn other_files_are_refused_with_the_reason() {
        let mut library = program(62, 1);
        library[24] = 0;
        let mut cut = program(62, 1);
        cut.truncate(66);
        for (file, reason) in [
            (program(62, 3), "linked dynamically"),
            (program(40, 1), "another processor"),
            (library, "a library"),
            (cut, "its end is missing"),
            (b"#!/bin/sh\n".to_vec(), "not an ELF program"),
            (Vec::new(), "not an ELF program"),
        ] {
            let error = architecture(&file).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_file_is_too_odd(mut file in proptest::collection::vec(any::<u8>(), 0..200)) {
            for (at, byte) in b"\x7fELF\x02\x01\x01".iter().enumerate().take(file.len()) {
                file[at] = *byte;
            }
            drop(architecture(&file));
        }
    }
}
