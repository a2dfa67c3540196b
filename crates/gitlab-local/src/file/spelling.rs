//! The word that an author probably meant.

/// Letters that a misspelt word may have wrong.
const MAX_DISTANCE: usize = 2;

/// The word of `known` that is most like `word`; none when no one is.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known = known.into_iter();
    let near = known.map(|known| (strsim::osa_distance(word, known), known));
    // A short word is near to every other.
    let near = near.filter(|(distance, _)| *distance <= MAX_DISTANCE.min(word.chars().count() / 2));
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
    }
}
