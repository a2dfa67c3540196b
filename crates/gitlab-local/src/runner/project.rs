//! The project of a trial: its folder, and how its files get to a job.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::checkout::{
    self, Checkout, CloneSource, CloneWish, ProjectError, Submodules, has_uncommitted_changes,
};
use crate::file::JobDefinition;
use crate::script::Sources;
use crate::server::{JobOrigin, RunnerIdentity, repository_url};
use crate::variables::Variables;

/// GitLab's default for `GIT_DEPTH`, the setting "Git shallow clone" of a project.
const DEFAULT_DEPTH: u32 = 20;

/// A project: the folder of a file, which jobs of the file get.
#[derive(Debug)]
pub struct Project {
    folder: PathBuf,
    pub(crate) checkout: Checkout,
    /// The id of the pipeline that jobs of this trial are of.
    pub(crate) pipeline: u64,
    /// The file's name.
    pub(crate) file: String,
    /// Jobs get a clone, not the files as they are.
    as_clone: bool,
    /// Where clones are made.
    scratch: PathBuf,
    /// What was packed already, for jobs that want the same.
    packed: Mutex<Vec<(Wish, Sources)>>,
}

/// What a job's variables ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wish {
    None,
    Empty,
    NotCheckedOut,
    Files { submodules: bool },
    Clone(CloneWish),
}

impl Project {
    /// The project whose jobs `file` defines. With `as_clone` jobs get a clone with its history, which is made in
    /// `scratch`, a private folder.
    pub fn new(file: &Path, as_clone: bool, scratch: &Path) -> Self {
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        Self {
            folder: folder.to_owned(),
            checkout: Checkout::read(folder),
            pipeline: new_id(),
            file: file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            as_clone,
            scratch: scratch.to_owned(),
            packed: Mutex::default(),
        }
    }

    /// A job of the project's file, with a new id.
    pub(crate) fn origin<'a>(
        &'a self,
        definition: &'a JobDefinition,
        runner: RunnerIdentity<'a>,
    ) -> JobOrigin<'a> {
        JobOrigin {
            id: new_id(),
            pipeline: self.pipeline,
            definition,
            checkout: &self.checkout,
            file: &self.file,
            runner,
        }
    }

    /// The project's folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A line for each thing that differs from what a runner would bring to a job with these variables.
    pub(crate) fn warnings(&self, variables: &Variables) -> Vec<String> {
        let mut warnings = Vec::new();
        let brings_nothing = matches!(self.wish(variables), Wish::None | Wish::Empty);
        if self.as_clone {
            if !brings_nothing && has_uncommitted_changes(&self.folder) {
                warnings.push(
                    "the folder has changes that no commit has: the clone is without them"
                        .to_owned(),
                );
            }
            if !variables.value("GIT_SUBMODULE_UPDATE_FLAGS").is_empty() {
                warnings.push("`GIT_SUBMODULE_UPDATE_FLAGS` is not followed".to_owned());
            }
        } else if !brings_nothing && !variables.value("GIT_DEPTH").is_empty() {
            warnings.push(
                "`GIT_DEPTH` is not followed: the job gets files without history; --git brings a clone".to_owned(),
            );
        }
        warnings
    }

    /// The sources of a job with these variables.
    ///
    /// # Errors
    ///
    /// When the files or the repository cannot be packed.
    pub(crate) fn sources(&self, variables: &Variables) -> Result<Sources, ProjectError> {
        let wish = self.wish(variables);
        let known = |packed: &[(Wish, Sources)]| {
            let mut packed = packed.iter();
            packed
                .find(|(known, _)| *known == wish)
                .map(|(_, sources)| sources.clone())
        };
        if let Some(sources) = self.packed.lock().ok().and_then(|packed| known(&packed)) {
            return Ok(sources);
        }
        let sources = self.pack(&wish)?;
        if let Ok(mut packed) = self.packed.lock() {
            packed.push((wish, sources.clone()));
        }
        Ok(sources)
    }

    fn pack(&self, wish: &Wish) -> Result<Sources, ProjectError> {
        Ok(match wish {
            Wish::None => Sources::None,
            Wish::Empty => Sources::Empty,
            Wish::NotCheckedOut => Sources::NotCheckedOut,
            Wish::Files { submodules } => {
                Sources::Files(checkout::pack(&self.folder, *submodules)?)
            }
            Wish::Clone(wish) => {
                let source = CloneSource {
                    folder: &self.folder,
                    url: &repository_url(&self.checkout),
                    branch: self.checkout.branch(),
                };
                Sources::Clone(checkout::clone(source, wish, &self.scratch)?)
            }
        })
    }

    fn wish(&self, variables: &Variables) -> Wish {
        let submodules = match variables.value("GIT_SUBMODULE_STRATEGY") {
            "normal" => Submodules::Normal,
            "recursive" => Submodules::Recursive,
            _ => Submodules::None,
        };
        let checkout = variables.switch("GIT_CHECKOUT", true);
        let git_depth = variables.get("GIT_DEPTH");
        let git_depth = git_depth.map_or(DEFAULT_DEPTH, |depth| ruby_depth(&depth.value));
        // The runner takes any number, and none below zero for a limit.
        let submodule_depth = variables.value("GIT_SUBMODULE_DEPTH").parse::<i64>();
        let submodule_depth = submodule_depth.map(|depth| u32::try_from(depth).unwrap_or(0));
        let paths = variables.value("GIT_SUBMODULE_PATHS").split_whitespace();
        match variables.value("GIT_STRATEGY") {
            "none" => Wish::None,
            "empty" => Wish::Empty,
            _ if self.as_clone => Wish::Clone(CloneWish {
                depth: git_depth,
                checkout,
                submodules,
                submodule_depth: submodule_depth.unwrap_or(git_depth),
                submodule_paths: paths.map(str::to_owned).collect(),
            }),
            _ if !checkout => Wish::NotCheckedOut,
            _ => Wish::Files {
                submodules: submodules != Submodules::None,
            },
        }
    }
}

/// A depth as GitLab reads it, with Ruby's `to_i`: the digits at the beginning, and no limit where there are none.
fn ruby_depth(text: &str) -> u32 {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit());
    let digits = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    digits.parse().unwrap_or(0)
}

/// A new id, of a job or a pipeline. Ids must differ, since drivers find tasks and records by them: milliseconds do.
fn new_id() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(as_clone: bool, pairs: &[(&str, &str)]) -> Wish {
        let folder = tempfile::tempdir().unwrap();
        let mut variables = Variables::default();
        for (key, value) in pairs {
            variables.put(key, *value);
        }
        Project::new(&folder.path().join("f"), as_clone, folder.path()).wish(&variables)
    }

    #[test]
    fn the_variables_decide_what_travels() {
        for (pairs, expected) in [
            (&[][..], Wish::Files { submodules: false }),
            (
                &[("GIT_SUBMODULE_STRATEGY", "normal")],
                Wish::Files { submodules: true },
            ),
            (
                &[("GIT_SUBMODULE_STRATEGY", "none")],
                Wish::Files { submodules: false },
            ),
            (&[("GIT_CHECKOUT", "false")], Wish::NotCheckedOut),
            (&[("GIT_STRATEGY", "none")], Wish::None),
            (
                &[("GIT_STRATEGY", "empty"), ("GIT_CHECKOUT", "false")],
                Wish::Empty,
            ),
            (
                &[("GIT_STRATEGY", "clone")],
                Wish::Files { submodules: false },
            ),
        ] {
            assert_eq!(wish(false, pairs), expected, "{pairs:?}");
        }
        let clone = CloneWish {
            depth: 20,
            checkout: true,
            submodules: Submodules::None,
            submodule_depth: 20,
            submodule_paths: vec![],
        };
        assert_eq!(wish(true, &[]), Wish::Clone(clone.clone()));
        assert_eq!(wish(true, &[("GIT_STRATEGY", "none")]), Wish::None);
        for (depth, expected) in [("50 ", 50), ("", 0), ("all", 0), ("-1", 0), ("7x", 7)] {
            let wish = wish(true, &[("GIT_DEPTH", depth), ("GIT_SUBMODULE_DEPTH", "-3")]);
            let expected = CloneWish {
                depth: expected,
                submodule_depth: 0,
                ..clone.clone()
            };
            assert_eq!(wish, Wish::Clone(expected), "{depth:?}");
        }
        let pairs = [
            ("GIT_DEPTH", "0"),
            ("GIT_SUBMODULE_STRATEGY", "recursive"),
            ("GIT_SUBMODULE_PATHS", "a :(exclude)b"),
            ("GIT_CHECKOUT", "0"),
        ];
        let all = CloneWish {
            depth: 0,
            checkout: false,
            submodules: Submodules::Recursive,
            submodule_depth: 0,
            submodule_paths: vec!["a".into(), ":(exclude)b".into()],
        };
        assert_eq!(wish(true, &pairs), Wish::Clone(all));
    }
}
