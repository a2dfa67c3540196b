//! The size of a task: CPU, memory, storage and processor architecture, as people write them.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// CPU units to the vCPU (AWS: task CPU and memory).
const UNITS: u32 = 1024;

/// Storage that is included in each task, and the most that a task can have (AWS: ephemeralStorage).
pub(crate) const STORAGE_INCLUDED: u32 = 20;
pub(crate) const STORAGE_LIMIT: u32 = 200;

/// CPU in units, 1024 to the vCPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Cpu(pub(crate) u32);

/// Memory in MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Memory(pub(crate) u32);

/// Ephemeral storage in GiB, 20 to 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Storage(pub(crate) u32);

impl FromStr for Cpu {
    type Err = String;

    /// Units like `1024`, or `1 vCPU`. A number too small for units is a mistake for vCPUs.
    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = quantity(text);
        let units = match unit.as_str() {
            "" => number.parse::<u32>().ok().filter(|units| *units >= 128),
            "vcpu" | "vcpus" => scaled(number, UNITS),
            _ => None,
        };
        units
            .filter(|units| *units > 0)
            .map(Self)
            .ok_or_else(|| "a CPU size like \"1 vCPU\", or CPU units like 1024".to_owned())
    }
}

impl FromStr for Memory {
    type Err = String;

    /// MiB like `2048`, or `2 GB`. 1 GB is 1024 MiB, as in AWS's API.
    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = quantity(text);
        let mib = match unit.as_str() {
            "" => number.parse::<u32>().ok().filter(|mib| *mib >= 128),
            "mb" | "mib" => scaled(number, 1),
            "gb" | "gib" => scaled(number, 1024),
            _ => None,
        };
        mib.filter(|mib| *mib > 0)
            .map(Self)
            .ok_or_else(|| "a memory size like \"2 GB\", or MiB like 2048".to_owned())
    }
}

impl FromStr for Storage {
    type Err = String;

    /// GiB, with or without the unit.
    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = quantity(text);
        let gib = match unit.as_str() {
            "" | "gb" | "gib" => number.parse::<u32>().ok(),
            _ => None,
        };
        gib.filter(|gib| (STORAGE_INCLUDED..=STORAGE_LIMIT).contains(gib))
            .map(Self)
            .ok_or_else(|| {
                format!("storage of {STORAGE_INCLUDED} to {STORAGE_LIMIT} GiB, like \"50 GiB\"")
            })
    }
}

/// The number and the unit, in lower case, of `text`.
fn quantity(text: &str) -> (&str, String) {
    let text = text.trim();
    let end = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim().to_ascii_lowercase())
}

/// `number` times `factor`, when that is a whole number.
fn scaled(number: &str, factor: u32) -> Option<u32> {
    let exact = number.parse::<f64>().ok()? * f64::from(factor);
    let in_range = exact.is_finite() && exact <= f64::from(u32::MAX >> 4) && exact.fract() == 0.0;
    // In range and whole, so nothing is cut off.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    in_range.then_some(exact as u32)
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} vCPU", f64::from(self.0) / f64::from(UNITS))
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} GB", f64::from(self.0) / 1024.0)
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} GiB", self.0)
    }
}

/// Processor architectures of Fargate (AWS: runtimePlatform).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Architecture {
    /// Intel and AMD, 64 bits.
    #[serde(rename = "X86_64")]
    X86_64,
    /// Graviton.
    #[serde(rename = "ARM64")]
    Arm64,
}

impl Architecture {
    /// AWS's spelling.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "X86_64",
            Self::Arm64 => "ARM64",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Architecture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "x86_64" | "amd64" => Ok(Self::X86_64),
            "arm64" | "aarch64" => Ok(Self::Arm64),
            _ => Err("X86_64 or ARM64".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_units_or_vcpus() {
        for (text, units) in [
            ("1024", 1024),
            ("1 vCPU", 1024),
            ("0.25vcpu", 256),
            (".5 vCPU", 512),
            ("16 vCPU", 16384),
        ] {
            assert_eq!(text.parse::<Cpu>(), Ok(Cpu(units)), "{text}");
        }
        for bad in [
            "",
            "2",
            "0 vCPU",
            "1 GB",
            "0.3 vCPU",
            "-1",
            "1.5",
            "99999999999 vCPU",
            "vCPU",
            "1 vCPU x",
        ] {
            assert!(bad.parse::<Cpu>().is_err(), "{bad:?} was accepted");
        }
        assert_eq!(Cpu(512).to_string(), "0.5 vCPU");
    }

    #[test]
    fn memory_is_mib_or_gb() {
        for (text, mib) in [
            ("2048", 2048),
            ("2 GB", 2048),
            ("0.5GB", 512),
            ("512 MiB", 512),
        ] {
            assert_eq!(text.parse::<Memory>(), Ok(Memory(mib)), "{text}");
        }
        for bad in ["", "2", "2 TB", "0 GB", "GB", "2 vCPU"] {
            assert!(bad.parse::<Memory>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn storage_is_what_fargate_has() {
        for (text, gib) in [("20", 20), ("100 GiB", 100), ("200gb", 200)] {
            assert_eq!(text.parse::<Storage>(), Ok(Storage(gib)), "{text}");
        }
        for bad in ["", "19", "201 GiB", "1.5 GiB", "50 MB"] {
            assert!(bad.parse::<Storage>().is_err(), "{bad:?} was accepted");
        }
    }
}
