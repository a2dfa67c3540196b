//! The word that an author probably meant.

/// Letters that a misspelt word may have wrong.
const MAX_DISTANCE: usize = 2;

/// Letters of the longest word that is compared, and how many words it is compared with: a file may have thousands of
/// long names that are all wrong.
const MAX_LETTERS: usize = 64;
const MAX_WORDS: usize = 1000;

/// The word of `known` that is most like `word`; none when no one is.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |word: &str| {
        let letters = word.chars().take(MAX_LETTERS + 1).count();
        (letters <= MAX_LETTERS).then_some(letters)
    };
    let length = letters(word)?;
    // A short word is near to every other.
    let farthest = MAX_DISTANCE.min(length / 2);
    let known = known.into_iter().take(MAX_WORDS);
    let known = known
        .filter(|known| letters(known).is_some_and(|letters| letters.abs_diff(length) <= farthest));
    let near = known.map(|known| (strsim::osa_distance(word, known), known));
    let near = near.filter(|(distance, _)| *distance <= farthest);
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_unless_all_are_far() {
        let known = ["paths", "when", "exclude", "if"];
        assert_eq!(nearest("path", known), Some("paths"));
        assert_eq!(nearest("hwen", known), Some("when"));
        assert_eq!(nearest("expire", known), None);
        assert_eq!(nearest("x", known), None);
        let long = "x".repeat(100_000);
        assert_eq!(nearest(&long, [long.as_str()]), None);
    }
}
