//! The names of the driver's own files. Only files of these exact shapes are ever removed.
//!
//! Operators may keep the metadata folder among files of others, and GitLab's own driver leaves files there, too.

/// The file that is locked while records change.
pub(crate) const LOCK_FILE: &str = "lock";

/// The file with the folder's id.
pub(crate) const FOLDER_ID: &str = "manager";

/// The file that says which drivers may use the folder.
pub(crate) const FORMAT: &str = "format";

/// The file with what sweeps have ended, until a cleanup takes it.
pub(crate) const SWEEP_LOG: &str = "sweep.log";

/// Ending of a record's file.
pub(crate) const RECORD: &str = ".json";

/// Ending of a damaged record that was set aside.
pub(crate) const DAMAGED: &str = ".json.damaged";

/// Ending of a file by which jobs take turns.
pub(crate) const LOCK: &str = ".lock";

/// The name of the lock with the bucket of second tasks, without that ending.
pub(crate) const HEDGES: &str = "hedges";

/// Ending of a file that a job's stages lock while they run.
pub(crate) const STAGES: &str = ".stages";

/// Ending of the note of a task that no record names and that is about to be stopped.
pub(crate) const STOPPING: &str = ".stopping";

/// Ending of a draft, and the length of the random part before it.
pub(crate) const DRAFT: &str = ".draft";
pub(crate) const DRAFT_RANDOM: usize = 12;

/// Beginning of the ending of a draft of format 1.
const OLD_DRAFT: &str = ".tmp";

/// The name of a draft of format 1 among the looks.
const OLD_LOOK_DRAFT: &str = "draft";

/// The longest runner token in a record's name.
const TOKEN_LIMIT: usize = 64;

/// Digits of the hash in the name of a task definition's family.
const FAMILY_DIGITS: usize = 40;

/// Beginning of the name of a file that remembers a cluster, and digits of the hash after it.
pub(crate) const LAUNCH_TYPE: &str = "launch-type-";
pub(crate) const CLUSTER_DIGITS: usize = 16;

/// The beginning of the name of a draft of `target`.
pub(crate) fn draft_prefix(target: &str) -> String {
    format!(".{target}.")
}

/// The name of the file that a draft replaces, or nothing if the name is not a draft's.
pub(crate) fn draft_target(name: &str) -> Option<&str> {
    let (target, random) = name
        .strip_prefix('.')?
        .strip_suffix(DRAFT)?
        .rsplit_once('.')?;
    let is_random =
        random.len() == DRAFT_RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_random && !target.is_empty()).then_some(target)
}

/// The job's name in the name of a record.
pub(crate) fn recorded_job(name: &str) -> Option<&str> {
    name.strip_suffix(RECORD).filter(|job| is_job(job))
}

/// The job's name in the name of a file that its stages lock.
pub(crate) fn staged_job(name: &str) -> Option<&str> {
    name.strip_suffix(STAGES).filter(|job| is_job(job))
}

/// The task's id in the name of a note that it is about to be stopped.
pub(crate) fn stopping_task(name: &str) -> Option<&str> {
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    let is_id = |task: &&str| !task.is_empty() && task.bytes().all(is_part);
    name.strip_suffix(STOPPING).filter(is_id)
}

/// The job whose record a draft was to become; such a draft holds the job's key.
pub(crate) fn drafted_job(name: &str) -> Option<&str> {
    match draft_target(name) {
        Some(target) => recorded_job(target),
        None => old_draft(name).filter(|job| is_job(job)),
    }
}

/// Whether it is a draft that this driver, or one of format 1, left among the records.
pub(crate) fn is_draft(name: &str) -> bool {
    drafted_job(name).is_some()
        || old_draft(name) == Some(FOLDER_ID)
        || matches!(draft_target(name), Some(FOLDER_ID | FORMAT))
        || draft_target(name).and_then(stopping_task).is_some()
}

/// Whether it is a file by which jobs take turns, at registering a family or at calling RunTask in a region, one by
/// which they count second tasks, or one by which they remember a cluster.
pub(crate) fn is_lock(name: &str) -> bool {
    let Some(name) = name.strip_suffix(LOCK) else {
        return false;
    };
    let is_hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    let is_region = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_hash = |text: &str, digits| text.len() == digits && text.bytes().all(is_hex);
    if let Some(hash) = name.strip_prefix("fargate-") {
        is_hash(hash, FAMILY_DIGITS)
    } else if let Some(hash) = name.strip_prefix(LAUNCH_TYPE) {
        is_hash(hash, CLUSTER_DIGITS)
    } else if let Some(region) = name.strip_prefix("run-task-") {
        !region.is_empty() && region.bytes().all(is_region)
    } else {
        name == HEDGES
    }
}

/// Whether it is a file among the looks: of a process that watches a task, or a draft of an answer.
pub(crate) fn is_look(name: &str) -> bool {
    let name = draft_target(name).unwrap_or(name);
    let mut parts = name.split('.');
    let (task, process, ending) = (parts.next(), parts.next(), parts.next());
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    let is_task =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    name == OLD_LOOK_DRAFT
        || (task.is_some_and(is_task)
            && process.is_some_and(is_number)
            && matches!(ending, Some("new" | "wait" | "seen"))
            && parts.next().is_none())
}

/// The name of the file that a draft of format 1 replaces, without its ending.
fn old_draft(name: &str) -> Option<&str> {
    let (target, process) = name.rsplit_once(OLD_DRAFT)?;
    process.parse::<u32>().ok().map(|_| target)
}

/// `<runner token>-<job id>`.
fn is_job(name: &str) -> bool {
    let Some((token, id)) = name.rsplit_once('-') else {
        return false;
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    // A number in another form than ours has another name.
    let is_id = id
        .parse::<u64>()
        .is_ok_and(|number| number.to_string() == id);
    is_id && !token.is_empty() && token.len() <= TOKEN_LIMIT && token.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_own_files_are_told_from_those_of_others() {
        let draft = format!(".t1_abc-7.json.{}.draft", "a1B2c3D4e5F6");
        assert_eq!(recorded_job("t1_abc-7.json"), Some("t1_abc-7"));
        assert_eq!(staged_job("t1_abc-7.stages"), Some("t1_abc-7"));
        assert_eq!(staged_job("acts.stages"), None);
        assert_eq!(drafted_job(&draft), Some("t1_abc-7"));
        assert_eq!(drafted_job("t1_abc-7.tmp12"), Some("t1_abc-7"));
        let family = format!("fargate-{}.lock", "0a".repeat(20));
        for (name, draft, lock) in [
            (draft.as_str(), true, false),
            (".manager.a1B2c3D4e5F6.draft", true, false),
            (".format.a1B2c3D4e5F6.draft", true, false),
            (".0a-1b.stopping.a1B2c3D4e5F6.draft", true, false),
            (".x.stopping.a1B2c3D4e5F6.draft", false, false),
            ("t1-7.tmp1", true, false),
            ("manager.tmp1", true, false),
            (&family, false, true),
            ("run-task-eu-west-1.lock", false, true),
            ("hedges.lock", false, true),
            ("launch-type-0123456789abcdef.lock", false, true),
            // Those of others.
            ("notes.tmp", false, false),
            ("notes.tmp1", false, false),
            ("t1-7.tmp", false, false),
            ("t1-7.tmpx", false, false),
            ("t1-7.tmp-1", false, false),
            (".notes.a1B2c3D4e5F6.draft", false, false),
            (".t1-7.json.short.draft", false, false),
            ("backup.lock", false, false),
            ("fargate-x.lock", false, false),
            ("run-task-.lock", false, false),
            ("run-task-EU.lock", false, false),
            ("launch-type-ci.lock", false, false),
            ("lock", false, false),
            ("manager", false, false),
        ] {
            assert_eq!((is_draft(name), is_lock(name)), (draft, lock), "{name}");
        }
        for name in [
            "7.json",
            "-7.json",
            "report-07.json",
            "a b-7.json",
            "t1-7.JSON",
            "t1-7.json.damaged",
            "t1-7.stages",
            "t1-99999999999999999999.json",
        ] {
            assert_eq!(recorded_job(name), None, "{name}");
        }
    }
}
