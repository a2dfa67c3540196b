//! The names of the files of waiting tasks. Only files of these exact shapes are ever touched.

use crate::state::file_names;

/// Ending of the file of a task that waits.
const WAITING: &str = ".json";

/// Part of the name of a taken task's file, between its id and the attempt that took it.
const CLAIMED: &str = ".claimed-";

/// Beginning and ending of the name of a keeper's word.
const KEEPER: &str = "keep-";
const WANTS: &str = ".wants";

/// Digits of the ids of tasks, of attempts and of keepers.
const ID_DIGITS: usize = 16;

/// Who a waiting task belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// Nobody: it waits.
    Nobody,
    /// The attempt of this id has taken it: for a job, or to end it.
    Attempt(String),
}

/// The name of the file of the task with this id.
pub(super) fn file(id: &str, holder: &Holder) -> String {
    match holder {
        Holder::Nobody => format!("{id}{WAITING}"),
        Holder::Attempt(attempt) => format!("{id}{CLAIMED}{attempt}"),
    }
}

/// The id and the holder in such a name; nothing for any other name.
pub(super) fn parse(name: &str) -> Option<(&str, Holder)> {
    if let Some(id) = name.strip_suffix(WAITING) {
        return is_id(id).then_some((id, Holder::Nobody));
    }
    let (id, attempt) = name.split_once(CLAIMED)?;
    (is_id(id) && is_id(attempt)).then(|| (id, Holder::Attempt(attempt.to_owned())))
}

/// The name of the file in which this keeper leaves word of what it wants.
pub(super) fn wants(keeper: &str) -> String {
    format!("{KEEPER}{keeper}{WANTS}")
}

/// Whether it is a draft of such a file: those of tasks hold keys.
pub(super) fn is_draft(name: &str) -> bool {
    let is_keeper = |target: &str| {
        let id = target.strip_prefix(KEEPER);
        id.and_then(|id| id.strip_suffix(WANTS)).is_some_and(is_id)
    };
    file_names::draft_target(name)
        .is_some_and(|target| parse(target).is_some() || is_keeper(target))
}

/// Whether it is an id of a task or of an attempt: no other becomes a part of a path.
pub(super) fn is_id(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    text.len() == ID_DIGITS && text.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_files_are_told_from_those_of_others() {
        let (id, attempt) = ("0123456789abcdef", "fedcba9876543210");
        for holder in [Holder::Nobody, Holder::Attempt(attempt.to_owned())] {
            let name = file(id, &holder);
            assert!(is_draft(&format!(".{name}.a1B2c3D4e5F6.draft")));
            assert_eq!(parse(&name), Some((id, holder)));
        }
        for other in [
            "",
            ".json",
            "0123456789abcdeg.json",
            "0123456789ABCDEF.json",
            "0123456789abcdef",
            "0123456789abcdef.claimed-",
            "0123456789abcdef.claimed-../../../../etc/x",
            "0123456789abcdef.claimed-fedcba987654321",
            "0123456789abcdef.json.damaged",
            "notes.json",
            "..json",
        ] {
            assert_eq!(parse(other), None, "{other}");
            assert!(!is_draft(&format!(".{other}.a1B2c3D4e5F6.draft")));
        }
        assert!(!is_draft("0123456789abcdef.json"));
        assert!(is_draft(&format!(".{}.a1B2c3D4e5F6.draft", wants(id))));
        assert!(!is_draft(".keep-notes.wants.a1B2c3D4e5F6.draft"));
    }
}
