//! The files of a project, for patterns that are matched against their paths.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::RegexBuilder;

use crate::checkout::{Base, changed_paths, listed_paths};
use crate::pattern::Pattern;

/// Files that are looked at where git does not list them.
const MAX_FILES: usize = 50_000;

/// Files times patterns that GitLab compares in `exists` and `changes`; it takes more for a match.
const MAX_COMPARISONS: usize = 50_000;

/// A project's files by their paths, which are read when they are first asked for.
#[derive(Debug)]
pub(super) struct ProjectFiles {
    root: PathBuf,
    paths: OnceCell<Vec<String>>,
    /// Paths that have changed, where git knows them.
    changed: RefCell<BTreeMap<Base, Option<Vec<String>>>>,
}

impl ProjectFiles {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            paths: OnceCell::new(),
            changed: RefCell::default(),
        }
    }

    /// The project's folder.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Paths of files, in order, that an include's `pattern` names: `*` stands for anything without a `/`, and `**` for
    /// anything (`Repository#search_files_by_wildcard_path`).
    ///
    /// # Errors
    ///
    /// With the fault of the pattern.
    pub(super) fn matching(&self, pattern: &str) -> Result<Vec<&str>, String> {
        let escaped = regex::escape(pattern);
        let escaped = escaped.replace(r"\*\*", ".*?").replace(r"\*", "[^/]*?");
        let pattern = RegexBuilder::new(&format!("^{escaped}$")).build();
        let pattern = pattern.map_err(|_| "has a pattern that is too long".to_owned())?;
        let paths = self.paths().iter().map(String::as_str);
        Ok(paths.filter(|path| pattern.is_match(path)).collect())
    }

    /// Whether a file matches one of the globs of `exists`, which are Ruby's (`Rules::Rule::Clause::Exists`).
    pub(super) fn exists(&self, globs: &[String]) -> bool {
        let paths = self.paths();
        let (patterns, exact): (Vec<_>, Vec<_>) = globs
            .iter()
            .partition(|glob| glob.contains(['*', '?', '[', '{']));
        let is_there = |glob: &&String| match glob.ends_with('/') {
            true => paths.iter().any(|path| path.starts_with(*glob)),
            false => paths.binary_search(glob).is_ok(),
        };
        if exact.iter().any(is_there) {
            return true;
        }
        // Where no pattern has a folder, GitLab looks at the files of the first level alone.
        let is_of_top = |glob: &String| !glob.contains('/') && !glob.contains("**");
        let top_only = globs.iter().all(is_of_top);
        let paths = paths
            .iter()
            .filter(|path| !(top_only && path.contains('/')));
        let patterns: Vec<_> = patterns.into_iter().cloned().collect();
        any_matches(&patterns, &paths.collect::<Vec<_>>())
    }

    /// Paths of files that have changed since `base`; none where git cannot tell.
    pub(super) fn changed(&self, base: &Base) -> Option<Vec<String>> {
        let mut known = self.changed.borrow_mut();
        let changed = known.entry(base.clone());
        changed
            .or_insert_with(|| changed_paths(&self.root, base))
            .clone()
    }

    fn paths(&self) -> &[String] {
        self.paths.get_or_init(|| {
            let mut paths = listed_paths(&self.root).unwrap_or_else(|| walk(&self.root));
            paths.sort();
            paths
        })
    }
}

/// Whether one of `globs`, which are Ruby's, matches one of `paths`.
pub(super) fn any_matches(globs: &[String], paths: &[impl AsRef<str>]) -> bool {
    if paths.len().saturating_mul(globs.len()) > MAX_COMPARISONS {
        return true;
    }
    let mut patterns = globs.iter().filter_map(|glob| Pattern::parse_ruby(glob));
    patterns.any(|pattern| paths.iter().any(|path| pattern.matches(path.as_ref())))
}

/// The paths of all files below `root` but git's own. A folder that cannot be read has none.
fn walk(root: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = root.join(&folder).read_dir() else {
            continue;
        };
        for entry in entries.flatten() {
            let path = folder.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && path != Path::new(".git") => folders.push(path),
                Ok(kind) if !kind.is_dir() => paths.push(path.to_string_lossy().into_owned()),
                _ => (),
            }
        }
        if paths.len() > MAX_FILES {
            break;
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Rows as in GitLab's tests of `Exists` ("a glob matching rule").
    #[test]
    fn files_exist_as_gitlab_sees_them() {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            let status = git.arg("-C").arg(folder.path()).args(arguments).status();
            assert!(status.unwrap().success());
        };
        git(&["init", "--quiet"]);
        for path in ["Dockerfile", "src/lib/a.rs", ".env", "target/x.o"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::fs::write(folder.path().join(".gitignore"), "target/\n").unwrap();
        let files = ProjectFiles::new(folder.path());
        for (glob, exists) in [
            ("Dockerfile", true),
            ("dockerfile", false),
            ("/Dockerfile", false),
            ("./Dockerfile", false),
            ("../Dockerfile", false),
            ("src", false),
            ("src/", true),
            ("src/lib/", true),
            ("src/**", false),
            ("src/**/*", true),
            ("**/*.rs", true),
            ("*.rs", false),
            (".e*", true),
            ("*{file,x}", true),
            ("$UNKNOWN/**/*", false),
            // GitLab never gets ignored files.
            ("target/x.o", false),
            ("**/*.o", false),
        ] {
            assert_eq!(files.exists(&[glob.to_owned()]), exists, "{glob}");
        }
        assert!(!files.exists(&[]));
        assert!(files.exists(&["none".to_owned(), "Docker*".to_owned()]));
    }
}
