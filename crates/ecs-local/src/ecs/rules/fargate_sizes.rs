//! The sizes of Fargate: pairs of CPU and memory, and their spellings.

/// The memory that goes with a CPU size: least, most and step in MiB.
struct SizeRange {
    cpu: u32,
    least: u32,
    most: u32,
    step: u32,
}

const fn size(cpu: u32, least_gb: u32, most_gb: u32, step_gb: u32) -> SizeRange {
    SizeRange {
        cpu,
        least: least_gb * 1024,
        most: most_gb * 1024,
        step: step_gb * 1024,
    }
}

/// The CPU sizes whose memory goes in even steps (AWS: task CPU and memory on Fargate).
const EVEN: [SizeRange; 6] = [
    size(512, 1, 4, 1),
    size(1024, 2, 8, 1),
    size(2048, 4, 16, 1),
    size(4096, 8, 30, 1),
    size(8192, 16, 60, 4),
    size(16384, 32, 120, 8),
];

/// The CPU sizes whose memory is one of a few.
const LISTED: [(u32, [u32; 3]); 2] = [
    (256, [512, 1024, 2048]),
    (32768, [60 * 1024, 120 * 1024, 244 * 1024]),
];

/// Whether Fargate has this CPU size.
pub(crate) fn has_cpu(cpu: u32) -> bool {
    EVEN.iter().any(|size| size.cpu == cpu) || LISTED.iter().any(|(listed, _)| *listed == cpu)
}

/// Whether Fargate runs tasks of `cpu` units and `memory` MiB.
pub(crate) fn has_pair(cpu: u32, memory: u32) -> bool {
    let even = EVEN.iter().any(|size| {
        size.cpu == cpu
            && (size.least..=size.most).contains(&memory)
            && (memory - size.least).is_multiple_of(size.step)
    });
    even || LISTED
        .iter()
        .any(|(listed, memories)| *listed == cpu && memories.contains(&memory))
}

/// CPU units from `"1024"` or `"1 vCPU"`.
pub(crate) fn cpu_units(text: &str) -> Option<u32> {
    amount(text, "vcpu")
}

/// MiB from `"2048"` or `"2 GB"`.
pub(crate) fn memory_mib(text: &str) -> Option<u32> {
    amount(text, "gb")
}

/// A plain number of small units, or a decimal number of `unit`s of 1024 each.
fn amount(text: &str, unit: &str) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    let Some(number) = text.strip_suffix(unit) else {
        return text
            .parse()
            .ok()
            .filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    };
    let number: f64 = number.trim().parse().ok()?;
    let small = number * 1024.0;
    // A whole number of units, and not beyond every table.
    (small.fract() == 0.0 && (1.0..=1e9).contains(&small)).then_some(small as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_those_of_the_table() {
        for (cpu, memory, valid) in [
            (256, 512, true),
            (256, 3072, false),
            (512, 512, false),
            (512, 4096, true),
            (1024, 2048, true),
            (1024, 2500, false),
            (4096, 30720, true),
            (8192, 20480, true),
            (8192, 18432, false),
            (16384, 122_880, true),
            (32768, 249_856, true),
            (300, 512, false),
        ] {
            assert_eq!(has_pair(cpu, memory), valid, "{cpu} {memory}");
        }
    }

    #[test]
    fn amounts_are_read_as_aws_writes_them() {
        assert_eq!(cpu_units("1 vCPU"), Some(1024));
        assert_eq!(cpu_units(".25 vcpu"), Some(256));
        assert_eq!(cpu_units("0.5vCPU"), Some(512));
        assert_eq!(memory_mib("0.5 GB"), Some(512));
        assert_eq!(memory_mib("2048"), Some(2048));
        for wrong in ["", "lots", "-1", "+5", "1.5", "NaN vCPU", "1 GB2"] {
            assert_eq!(cpu_units(wrong), None, "{wrong}");
        }
    }
}
