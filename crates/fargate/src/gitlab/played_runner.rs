//! The runner's side of a call, for who plays GitLab Runner.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::environment::{
    BUILD_EXIT_CODE_FILE, BUILD_FAILURE_EXIT_CODE, JOB_RESPONSE_FILE, SHORT_TOKEN,
    SYSTEM_FAILURE_EXIT_CODE,
};

/// The file in a job's folder with GitLab's response, of which the caller writes the content.
pub(crate) fn response_file(folder: &Path) -> PathBuf {
    folder.join("response.json")
}

/// The variables of a call for the job whose folder this is, by a runner with this short token.
pub(crate) fn variables(folder: &Path, short_token: &str) -> [(&'static str, OsString); 5] {
    [
        (BUILD_FAILURE_EXIT_CODE, "11".into()),
        (SYSTEM_FAILURE_EXIT_CODE, "22".into()),
        (BUILD_EXIT_CODE_FILE, folder.join("exit_code").into()),
        (JOB_RESPONSE_FILE, response_file(folder).into()),
        (SHORT_TOKEN, short_token.into()),
    ]
}
