//! The words that a reader has met, in little memory.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};

/// Sets. A table doubles when it is full. Each holds another share of the words, up to twice that of another, so that
/// they double one by one: all together are never half empty.
const SETS: usize = 256;

/// Words that were met, by their hashes: eight bytes for each, and as many again while a table is half full.
#[derive(Debug)]
pub(super) struct Seen {
    hasher: RandomState,
    sets: Vec<HashSet<[u8; 7]>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            sets: vec![HashSet::new(); SETS],
        }
    }
}

impl Seen {
    /// Notes a word. Whether it is new.
    pub(super) fn insert(&mut self, word: impl Hash) -> bool {
        let [hash @ .., _] = self.hasher.hash_one(word).to_be_bytes();
        let [high, low, ..] = hash;
        let set = self.sets.get_mut(set(u16::from_be_bytes([high, low])));
        set.is_some_and(|set| set.insert(hash))
    }
}

/// The set of the hashes that begin so: shares grow evenly from the first to the last.
fn set(prefix: u16) -> usize {
    let part = 1.0 + f64::from(prefix) / 65536.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 up to the number of sets"
    )]
    let set = (part.log2() * SETS as f64) as usize;
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_new_once() {
        let mut seen = Seen::default();
        for number in 0..5000 {
            assert!(seen.insert(("attempt", number)), "{number}");
        }
        for number in 0..5000 {
            assert!(!seen.insert(("attempt", number)), "{number}");
        }
        assert!(seen.sets.iter().all(|set| !set.is_empty()));
    }

    #[test]
    fn tables_are_half_full_at_least_together() {
        let mut seen = Seen::default();
        for number in 0..400_000_u32 {
            seen.insert(number);
            if number > 20_000 && number % 10_000 == 0 {
                let room: usize = seen.sets.iter().map(HashSet::capacity).sum();
                let words = number as usize + 1;
                assert!(room < words * 9 / 5, "{words} in {room}");
            }
        }
    }

    #[test]
    fn the_first_and_the_last_hash_have_a_set() {
        assert_eq!((set(0), set(u16::MAX)), (0, SETS - 1));
    }
}
