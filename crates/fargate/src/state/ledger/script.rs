//! The scripts of an attempt, as the ledger remembers them.

use serde::{Deserialize, Serialize};

use crate::state::note::{Event, Note};

/// A script of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScriptEntry {
    /// GitLab Runner's name of the script's stage.
    pub(crate) stage: String,
    /// When it began, in milliseconds since 1970.
    pub(crate) at: u64,
    /// How long it took, in milliseconds; nothing where nobody saw its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) took: Option<u64>,
    /// The status that it ended with, 128 + n for signal n; nothing where the stage failed otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<i32>,
}

/// The scripts that these notes are about, in their order.
pub(crate) fn scripts(notes: &[Note]) -> Vec<ScriptEntry> {
    let mut scripts: Vec<ScriptEntry> = Vec::new();
    for note in notes {
        let status = match note.event {
            Event::Began => {
                scripts.push(ScriptEntry {
                    stage: note.stage.clone(),
                    at: note.at,
                    took: None,
                    status: None,
                });
                continue;
            }
            Event::Ended(status) => Some(status),
            Event::Failed(_) => None,
        };
        let is_its =
            |script: &&mut ScriptEntry| script.stage == note.stage && script.took.is_none();
        // The end of one whose beginning is not there tells nothing that the outcome does not.
        if let Some(script) = scripts.iter_mut().rev().find(is_its) {
            script.took = Some(note.at.saturating_sub(script.at));
            script.status = status;
        }
    }
    scripts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::outcome::Outcome;

    #[test]
    fn an_end_belongs_to_the_last_beginning_of_its_stage() {
        let note = |at, stage: &str, event| Note {
            attempt: "a".into(),
            at,
            stage: stage.into(),
            event,
        };
        let notes = [
            note(1, "get_sources", Event::Began),
            note(5, "get_sources", Event::Ended(1)),
            // GitLab Runner tries it again.
            note(6, "get_sources", Event::Began),
            note(8, "get_sources", Event::Ended(0)),
            note(9, "after_script", Event::Ended(0)),
            note(10, "build_script", Event::Began),
            note(17, "build_script", Event::Failed(Outcome::system("lost"))),
            note(20, "after_script", Event::Began),
        ];
        let told: Vec<_> = scripts(&notes)
            .into_iter()
            .map(|script| (script.stage, script.at, script.took, script.status))
            .collect();
        let one = |stage: &str, at, took, status| (stage.to_owned(), at, took, status);
        assert_eq!(
            told,
            [
                one("get_sources", 1, Some(4), Some(1)),
                one("get_sources", 6, Some(2), Some(0)),
                one("build_script", 10, Some(7), None),
                one("after_script", 20, None, None),
            ]
        );
    }
}
