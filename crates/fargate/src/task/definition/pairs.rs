//! The sizes that Fargate has, and the smallest one that holds a requested size.

use crate::config::{Cpu, Memory};

/// A CPU size, the least and most memory with it, and the step between, in GB (AWS: task CPU and memory).
const SIZES: [(u32, u32, u32, u32); 6] = [
    (512, 1, 4, 1),
    (1024, 2, 8, 1),
    (2048, 4, 16, 1),
    (4096, 8, 30, 1),
    (8192, 16, 60, 4),
    (16384, 32, 120, 8),
];

/// The sizes whose memory does not go in even steps, in MiB.
const SMALLEST: (u32, [u32; 3]) = (256, [512, 1024, 2048]);
const LARGEST: (u32, [u32; 3]) = (32768, [60 * 1024, 120 * 1024, 244 * 1024]);

/// The smallest pair with at least this CPU and memory, less CPU before less memory.
pub(crate) fn smallest_pair(cpu: Cpu, memory: Memory) -> Option<(Cpu, Memory)> {
    pairs()
        .find(|(units, mib)| *units >= cpu.0 && *mib >= memory.0)
        .map(|(units, mib)| (Cpu(units), Memory(mib)))
}

/// All pairs, by CPU and then by memory.
fn pairs() -> impl Iterator<Item = (u32, u32)> {
    let listed = |(cpu, memories): (u32, [u32; 3])| memories.into_iter().map(move |mib| (cpu, mib));
    let stepped = SIZES.into_iter().flat_map(|(cpu, least, most, step)| {
        let steps = (most - least) / step;
        (0..=steps).map(move |number| (cpu, (least + number * step) * 1024))
    });
    listed(SMALLEST).chain(stepped).chain(listed(LARGEST))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        for (wanted, got) in [
            ((1024, 2048), Some((1024, 2048))),
            ((1, 1), Some((256, 512))),
            ((256, 3000), Some((512, 3072))),
            ((3000, 1024), Some((4096, 8192))),
            ((1024, 61 * 1024), Some((16384, 64 * 1024))),
            ((8192, 17 * 1024), Some((8192, 20 * 1024))),
            ((16385, 1), Some((32768, 60 * 1024))),
            ((32769, 1), None),
            ((1024, 245 * 1024), None),
        ] {
            let found = smallest_pair(Cpu(wanted.0), Memory(wanted.1));
            assert_eq!(
                found.map(|(cpu, memory)| (cpu.0, memory.0)),
                got,
                "{wanted:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_pair_holds_what_is_wanted_and_no_smaller_one_does(cpu in 1..40_000u32, memory in 1..260_000u32) {
            let all: Vec<_> = pairs().collect();
            let fits = |pair: &(u32, u32)| pair.0 >= cpu && pair.1 >= memory;
            match smallest_pair(Cpu(cpu), Memory(memory)) {
                Some((Cpu(units), Memory(mib))) => {
                    prop_assert!(all.contains(&(units, mib)) && fits(&(units, mib)));
                    prop_assert!(!all.iter().any(|pair| fits(pair) && *pair < (units, mib)));
                    // Rounding again changes nothing.
                    prop_assert_eq!(smallest_pair(Cpu(units), Memory(mib)), Some((Cpu(units), Memory(mib))));
                }
                None => prop_assert!(!all.iter().any(fits)),
            }
        }
    }
}
