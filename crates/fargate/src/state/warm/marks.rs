//! Words that operators and jobs leave for keep.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::state::files::{self, discard};

/// Nobody starts waiting tasks in a folder with this file: `fargate warm drain` was called.
const DRAINED: &str = "drained";

/// Its time is when a job last found no room for its task.
const YIELDED: &str = "yielded";

/// How long no waiting task is started after that.
const YIELD: Duration = Duration::from_secs(5 * 60);

/// Why no waiting task is started now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// An operator has said so.
    Drained,
    /// Jobs find no room.
    Yielded,
}

impl Rest {
    /// Whether none is started now, and why.
    pub(super) fn look(folder: &Path) -> Option<Self> {
        if folder.join(DRAINED).exists() {
            return Some(Self::Drained);
        }
        let yielded = std::fs::metadata(folder.join(YIELDED)).ok()?;
        // A time in the future is that of a clock that was set back.
        let ago = yielded.modified().ok()?.elapsed().ok()?;
        (ago < YIELD).then_some(Self::Yielded)
    }

    /// Leaves word.
    pub(super) fn begin(self, folder: &Path) -> std::io::Result<()> {
        files::make_folder(folder)?;
        let mark = files::create(&self.file(folder))?;
        mark.set_modified(SystemTime::now())
    }

    /// Takes it back.
    pub(super) fn end(self, folder: &Path) {
        discard(&self.file(folder));
    }

    fn file(self, folder: &Path) -> PathBuf {
        folder.join(match self {
            Self::Drained => DRAINED,
            Self::Yielded => YIELDED,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_started_after_a_drain_nor_for_minutes_after_a_job_found_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("warm");
        assert_eq!(Rest::look(&folder), None);
        Rest::Yielded.begin(&folder).unwrap();
        assert_eq!(Rest::look(&folder), Some(Rest::Yielded));
        Rest::Drained.begin(&folder).unwrap();
        assert_eq!(Rest::look(&folder), Some(Rest::Drained));
        Rest::Drained.end(&folder);
        let mark = std::fs::File::open(folder.join(YIELDED)).unwrap();
        mark.set_modified(SystemTime::now() - YIELD).unwrap();
        assert_eq!(Rest::look(&folder), None);
    }
}
