//! The part of GitLab Runner's `config.toml` that calls this driver.

use std::path::Path;

use super::fargate_toml::quoted;

/// An entry of `[[runners]]`.
pub(in crate::operate) struct RunnerEntry<'a> {
    pub(in crate::operate) name: &'a str,
    pub(in crate::operate) url: &'a str,
    /// Secret.
    pub(in crate::operate) token: &'a str,
    /// This driver's program and configuration, as absolute paths.
    pub(in crate::operate) program: &'a Path,
    pub(in crate::operate) config: &'a Path,
    /// Folders in the task.
    pub(in crate::operate) builds_dir: &'static str,
    pub(in crate::operate) cache_dir: &'static str,
}

impl RunnerEntry<'_> {
    /// The entry alone, to be added to a file.
    pub(super) fn part(&self) -> String {
        let config = quoted(&self.config.to_string_lossy());
        let program = quoted(&self.program.to_string_lossy());
        let calls: String = ["config", "prepare", "run", "cleanup"]
            .map(|stage| {
                format!(
                    "    {stage}_exec = {program}\n    {stage}_args = [\"--config\", {config}, \"custom\", \"{stage}\"]\n"
                )
            })
            .concat();
        format!(
            "[[runners]]\n  name = {}\n  url = {}\n  token = {}\n  executor = \"custom\"\n  builds_dir = {}\n  cache_dir = {}\n  \
             [runners.custom]\n{calls}",
            quoted(self.name),
            quoted(self.url),
            quoted(self.token),
            quoted(self.builds_dir),
            quoted(self.cache_dir),
        )
    }

    /// A whole file. A shutdown waits for the last cleanups, five minutes at most.
    pub(in crate::operate) fn file(&self, concurrent: u32) -> String {
        format!(
            "concurrent = {concurrent}\nshutdown_timeout = 300\n\n{}",
            self.part()
        )
    }
}
