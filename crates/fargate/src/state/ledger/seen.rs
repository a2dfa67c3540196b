//! The words that a reader has met, in little memory.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};

/// Sets, one for each first byte of a hash. A table doubles when it is full, and small ones do that one by one.
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
        let [set, hash @ ..] = self.hasher.hash_one(word).to_be_bytes();
        let set = self.sets.get_mut(usize::from(set));
        set.is_some_and(|set| set.insert(hash))
    }
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
}
